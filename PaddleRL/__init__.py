"""Reinforcement learning on PaddlePaddle: agents that learn the values of actions by acting."""
