"""The boundary-sensitive network (BSN, https://arxiv.org/abs/1806.02964, section 3), trained in stages.

The temporal evaluation module (TEM) gives probabilities of start, end and action at each step.  Proposals lie between
probable starts and ends; their features are those probabilities at points in and around them.  The proposal evaluation
module (PEM) tells from these features how well a proposal fits.  `PaddleCV/tools/bsn_proposals.py` writes the proposals
of a trained TEM to files, from which the PEM is trained; for inference both are one network that scores all proposals.

Shapes in this file:
    N videos of T steps of I features, D durations in steps, A proposals of 32 features.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from ..losses.bmn_loss import balanced_entropy, balanced_error
from .bmn import conv
from .boundary_matching import valid_proposals

STAGES = ("boundaries", "proposals")
INSIDE, BORDER, POINTS = 16, 8, 3  # features of the action, of each boundary; points whose mean is one feature
REACH = 0.2  # of the regions around the boundaries, as a share of the proposal
NUM_FEATURES = INSIDE + 2 * BORDER


class BSN(nn.Layer):
    """The TEM, and in the second stage the PEM.

    Args:
        stage (str): `boundaries` trains the TEM; `proposals` the PEM alone, beside a TEM from `pretrained`.
        features (int): I.
        length (int): T.
        durations (int): D, the longest proposal in steps.
        hidden (int): channels of the TEM.
        hidden_proposals (int): of the PEM.
    """

    task = "ActionLocalization"
    outputs = ("start", "end", "proposals")

    def __init__(self, stage, features=400, length=100, durations=100, hidden=256, hidden_proposals=128):
        if stage not in STAGES:
            raise ValueError(f"stage is {stage!r}; it is {' or '.join(STAGES)}")
        super().__init__()
        self.length, self.durations = length, durations
        layers = [*conv(features, hidden, 1), *conv(hidden, hidden, 1), nn.Conv1D(hidden, 3, 1), nn.Sigmoid()]
        self.tem = nn.Sequential(*layers)
        self.register_buffer("valid", paddle.to_tensor(valid_proposals(length, durations)), persistable=False)
        self.pem = None
        if stage == "proposals":
            for parameter in self.tem.parameters():
                parameter.stop_gradient = True
            self.pem = nn.Sequential(
                nn.Linear(NUM_FEATURES, hidden_proposals), nn.ReLU(), nn.Linear(hidden_proposals, 1)
            )
            for name, weights in feature_weights(length, durations).items():
                self.register_buffer(name, paddle.to_tensor(weights), persistable=False)
        self.inputs = {"features": ([None, length, features], "float32")}

    def predict(self, features):
        """Probabilities of action, start and end, float32 [N, 3, T].

        Args:
            features (Tensor): float32 [N, T, I].
        """
        return self.tem(features.transpose([0, 2, 1]))

    def forward(self, features):
        """Start [N, T], end [N, T] and proposals [N, D, T], 0 outside of the video; 1 in the first stage.

        Args:
            features (Tensor): float32 [N, T, I].
        """
        found = self.predict(features)
        start, end = found[:, 1] * 1.0, found[:, 2] * 1.0
        if self.pem is None:
            return start, end, (start * 0).sum(1).reshape([-1, 1, 1]) + self.valid
        every = self.proposal_features(found)  # [N, D T, 32]
        scores = F.sigmoid(self.pem(every)).reshape([-1, self.durations, self.length])
        return start, end, scores * self.valid

    def proposal_features(self, found):
        """The features of all proposals, [N, D T, 32], of probabilities [N, 3, T]: action, start, end."""
        curves = [found[:, 0], found[:, 1], found[:, 2]]
        parts = [
            paddle.matmul(curve, weights).reshape([-1, self.durations * self.length, count])
            for curve, weights, count in zip(
                curves, (self.inside, self.at_start, self.at_end), (INSIDE, BORDER, BORDER)
            )
        ]
        return paddle.concat(parts, 2)

    def loss(self, batch):
        """`loss_action`, `loss_start` and `loss_end`; in the second stage `loss_overlap`.

        Args:
            batch (dict): features [N, T, I]; action, start and end float32 [N, T]; in the second stage instead
                proposal_features float32 [N, A, 32] and proposal_overlaps float32 [N, A], -1 for none.
        """
        if self.pem is not None:
            overlaps = batch["proposal_overlaps"]
            scores = F.sigmoid(self.pem(batch["proposal_features"])).squeeze(2)
            there = (overlaps >= 0).astype("float32")
            return {"loss_overlap": balanced_error(scores * there, overlaps * there, there)}
        found = self.predict(batch["features"])
        everywhere = paddle.ones_like(found[:, 0])
        terms = zip(("action", "start", "end"), (2.0, 1.0, 1.0), strict=True)
        return {
            f"loss_{name}": weight * balanced_entropy(found[:, place], batch[name] > 0.5, everywhere)
            for place, (name, weight) in enumerate(terms)
        }


def feature_weights(length, durations):
    """The weights that make features of proposals of the curves [T]: `inside`, `at_start`, `at_end`, [T, D T count]."""
    duration, start = np.meshgrid(np.arange(durations), np.arange(length), indexing="ij")
    first, size = start.astype(np.float64), duration + 1.0
    last, reach = first + size, REACH * size
    return {
        "inside": interpolation(first, last, INSIDE, length),
        "at_start": interpolation(first - reach, first + reach, BORDER, length),
        "at_end": interpolation(last - reach, last + reach, BORDER, length),
    }


def interpolation(low, high, count, length):
    """The weights of `count` features, each the mean of some points that lie evenly from `low` to `high`.

    Args:
        low (ndarray): in steps, [D, T]; step k is at k + 0.5.
        high (ndarray): [D, T].
        count (int): features.
        length (int): T; beyond its ends a curve stays what it is there.

    Returns:
        ndarray: float32 [T, D T count].
    """
    share = np.arange(count * POINTS) / (count * POINTS - 1)
    places = np.clip(low[..., None] + (high - low)[..., None] * share - 0.5, 0, length - 1)
    below = np.floor(places).astype(np.int64)
    right = places - below
    found = np.zeros((*low.shape, count, length), np.float32)
    d, t, _ = np.ogrid[: low.shape[0], : low.shape[1], : count * POINTS]
    feature = np.arange(count * POINTS) // POINTS
    for step, weight in ((below, 1 - right), (np.minimum(below + 1, length - 1), right)):
        np.add.at(found, (d, t, feature, step), (weight / POINTS).astype(np.float32))
    return np.ascontiguousarray(found.reshape(-1, length).T)
