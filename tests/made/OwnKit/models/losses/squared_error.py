"""A loss."""

from paddle import nn


class SquaredError(nn.Layer):
    """The mean squared error.

    Args:
        weight (float): of the term.
    """

    def __init__(self, weight=1.0):
        super().__init__()
        self.weight = weight

    def forward(self, level, target):
        """The term by its name."""
        return {"loss_level": self.weight * ((level - target) ** 2).mean()}
