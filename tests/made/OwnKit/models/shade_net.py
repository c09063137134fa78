"""A model of two numbers: the mean of an image to how bright it is."""

import paddle.nn.functional as F
from paddle import nn


class ShadeNet(nn.Layer):
    """How bright an image is.

    Args:
        loss (Layer): predicted and true brightness to named losses.
    """

    task = "Brightness"
    inputs = {"image": ([None, 3, None, None], "float32")}
    outputs = ("level",)

    def __init__(self, loss):
        super().__init__()
        self.loss_terms, self.linear = loss, nn.Linear(3, 1)

    @classmethod
    def from_config(cls, loss, build):
        """Builds the loss."""
        return cls(build(loss))

    def predict(self, image):
        """Brightness [N]."""
        return self.linear(F.adaptive_avg_pool2d(image, 1).flatten(1)).squeeze(1)

    def forward(self, image):
        """Brightness [N], at most 1."""
        return self.predict(image).clip(0, 1)

    def loss(self, batch):
        """The terms of the loss."""
        return self.loss_terms(self.predict(batch["image"]), batch["level"])
