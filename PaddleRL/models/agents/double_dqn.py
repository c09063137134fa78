"""Deep Reinforcement Learning with Double Q-learning (https://arxiv.org/abs/1509.06461)."""

from paddle.nn import functional as F

from .dqn import DQN


class DoubleDQN(DQN):
    """A DQN whose next action is chosen by the network and valued by its copy, so that errors upwards are not chosen.

    Args:
        network (nn.Layer): reads observations; with `shape` and `out_channels`.
        num_actions (int): A.
        gamma (float): discount of a reward by each step that it is later.
    """

    def next_values(self, observation):
        """The value float32 [N] of the next observations: Q_copy(s', argmax_a Q(s', a))."""
        best = F.one_hot(self.online(observation).argmax(1), self.num_actions)
        return (self.target(observation) * best).sum(1)
