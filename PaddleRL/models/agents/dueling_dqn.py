"""Dueling Network Architectures for Deep Reinforcement Learning (https://arxiv.org/abs/1511.06581).

Shapes in this file:
    N observations, A actions, F features.
"""

from paddle import nn

from .dqn import DQN


class DuelingHead(nn.Layer):
    """Q(s, a) = V(s) + A(s, a) - mean_a' A(s, a') (eq. 9).

    Args:
        features (int): F.
        num_actions (int): A.
    """

    def __init__(self, features, num_actions):
        super().__init__()
        self.value, self.advantage = nn.Linear(features, 1), nn.Linear(features, num_actions)

    def forward(self, features):
        """Values float32 [N, A] of features float32 [N, F]."""
        advantage = self.advantage(features)
        return self.value(features) + advantage - advantage.mean(1, keepdim=True)


class DuelingDQN(DQN):
    """A DQN whose head estimates the value of the observation and the advantage of each action apart.

    Args:
        network (nn.Layer): reads observations; with `shape` and `out_channels`.
        num_actions (int): A.
        gamma (float): discount of a reward by each step that it is later.
    """

    def head(self, features, num_actions):
        """See DuelingHead."""
        return DuelingHead(features, num_actions)
