"""The boundary-matching network (BMN, https://arxiv.org/abs/1907.09702, section 3): scores of all proposals at once.

Shapes in this file:
    N videos of T steps of I features, D durations, S samples of a proposal.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from .boundary_matching import sampling_weights, valid_proposals


class BMN(nn.Layer):
    """Probabilities that an action starts and ends at each step, and of every proposal (start, duration) the overlap.

    Args:
        loss (Layer): BMNLoss.
        features (int): I.
        length (int): T.
        durations (int): D, the longest proposal in steps.
        samples (int): S.
        hidden (list[int]): channels over time, of the samples, and of the map of proposals.
        groups (int): of the convolutions over time.
    """

    task = "ActionLocalization"
    outputs = ("start", "end", "proposals")

    def __init__(self, loss, features=400, length=100, durations=100, samples=32, hidden=(256, 512, 128), groups=4):
        super().__init__()
        over_time, of_samples, of_map = hidden
        self.loss_terms, self.length, self.durations, self.samples = loss, length, durations, samples
        self.base = nn.Sequential(*conv(features, over_time, groups), *conv(over_time, over_time, groups))
        self.start = boundary(over_time, groups)
        self.end = boundary(over_time, groups)
        self.reduce = nn.Sequential(*conv(over_time, of_map, 1))
        weights = sampling_weights(length, durations, samples)
        self.register_buffer("sampling", paddle.to_tensor(weights.reshape(length, -1)), persistable=False)
        self.register_buffer("valid", paddle.to_tensor(valid_proposals(length, durations)), persistable=False)
        self.join = nn.Conv3D(of_map, of_samples, (samples, 1, 1))
        self.map = nn.Sequential(
            *(nn.Conv2D(of_samples, of_map, 1), nn.ReLU()),
            *(nn.Conv2D(of_map, of_map, 3, padding=1), nn.ReLU()),
            *(nn.Conv2D(of_map, of_map, 3, padding=1), nn.ReLU()),
            *(nn.Conv2D(of_map, 2, 1), nn.Sigmoid()),
        )
        self.inputs = {"features": ([None, length, features], "float32")}

    @classmethod
    def from_config(
        cls,
        loss,
        build,
        features=400,
        length=100,
        durations=100,
        samples=32,
        hidden=(256, 512, 128),
        groups=4,
    ):
        """Builds the loss.

        Args:
            loss (node): BMNLoss.
            features (int): I.
            length (int): T.
            durations (int): D.
            samples (int): S.
            hidden (list[int]): see :class:`BMN`.
            groups (int): of the convolutions over time.
        """
        return cls(build(loss), features, length, durations, samples, hidden, groups)

    def predict(self, features):
        """Probabilities of start [N, T] and end [N, T], and of proposals [N, 2, D, T]: their overlap, of being right.

        Args:
            features (Tensor): float32 [N, T, I].
        """
        x = self.base(features.transpose([0, 2, 1]))
        sampled = paddle.matmul(self.reduce(x), self.sampling)  # [N, C, S D T]
        sampled = sampled.reshape([0, 0, self.samples, self.durations, self.length])
        found = self.map(F.relu(self.join(sampled).squeeze(2)))
        return self.start(x).squeeze(1), self.end(x).squeeze(1), found

    def forward(self, features):
        """Start [N, T], end [N, T] and proposals [N, D, T]: the product of both scores, 0 outside of the video.

        Args:
            features (Tensor): float32 [N, T, I].
        """
        start, end, found = self.predict(features)
        return start, end, found[:, 0] * found[:, 1] * self.valid

    def loss(self, batch):
        """The terms of the loss.

        Args:
            batch (dict): features [N, T, I]; start and end float32 [N, T]; overlaps float32 [N, D, T].
        """
        start, end, found = self.predict(batch["features"])
        given = (batch["start"], batch["end"], batch["overlaps"][:, : self.durations])
        return self.loss_terms(start, end, found, *given, self.valid)


def conv(in_channels, out_channels, groups):
    """A convolution over three steps and a ReLU, a list of layers."""
    return [nn.Conv1D(in_channels, out_channels, 3, padding=1, groups=groups), nn.ReLU()]


def boundary(channels, groups):
    """The layers that make probabilities [N, 1, T] of features [N, C, T]."""
    return nn.Sequential(*conv(channels, channels, groups), nn.Conv1D(channels, 1, 1), nn.Sigmoid())
