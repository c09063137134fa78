"""Fully connected layers for observations that are a few numbers, such as those of CartPole."""

import itertools

from paddle import nn


class VectorNetwork(nn.Layer):
    """Fully connected layers with ReLU.

    Args:
        numbers (int): of an observation.
        hidden (list[int]): sizes of the layers.
    """

    def __init__(self, numbers, hidden=(128, 128)):
        super().__init__()
        if not hidden or min(numbers, *hidden) < 1:
            raise ValueError(
                f"VectorNetwork got numbers={numbers}, hidden={list(hidden)}; it needs sizes of at least 1"
            )
        sizes = [numbers, *hidden]
        layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.layers, self.shape, self.out_channels = nn.Sequential(*layers), [numbers], sizes[-1]

    def forward(self, observation):
        """Features float32 [N, out_channels] of observations float32 [N, numbers]."""
        return self.layers(observation)
