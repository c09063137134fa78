"""Agents: what values of actions are learned from."""
