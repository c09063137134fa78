"""Region proposal networks, RPN (https://arxiv.org/abs/1506.01497, section 3.1).

Shapes in this file:
    N images, L levels of H x W cells, A anchors per cell, P anchors of all levels, R proposals of all images together.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal

from ..anchors.anchor_grid import flatten_cells
from ..anchors.proposals import Proposals
from ..losses.rpn_loss import RPNLoss


class RPN(nn.Layer):
    """Predicts for every anchor whether it holds an object, and the deltas to its box; the same layers for all levels.

    Args:
        in_channels (list[int]): channels of each level, given by the neck or backbone.
        strides (list[int]): input pixels per cell of each level, given by the neck or backbone.
        anchors (AnchorGrid): the anchors of every level, of equal number.
        proposals (Proposals): selects the proposals in evaluation.
        train_proposals (Proposals): selects the proposals in training.
        loss (RPNLoss): of objectness and deltas.
    """

    def __init__(self, in_channels, strides, anchors, proposals=None, train_proposals=None, loss=None):
        super().__init__()
        if not len(in_channels) == len(strides) == len(anchors.counts):
            raise ValueError(f"RPN got {len(in_channels)} levels, but anchors for {len(anchors.counts)}")
        if len(set(in_channels)) != 1 or len(set(anchors.counts)) != 1:
            raise ValueError(f"RPN takes levels of equal channels and anchors, not {in_channels} and {anchors.counts}")
        channels, count = in_channels[0], anchors.counts[0]
        self.strides, self.anchors = list(strides), anchors
        self.proposals = proposals or Proposals()
        self.train_proposals = train_proposals or Proposals(2000, 2000)
        self.loss_terms = loss or RPNLoss()
        self.conv = nn.Conv2D(channels, channels, 3, padding=1, weight_attr=normal(0.01))
        self.objectness = nn.Conv2D(channels, count, 1, weight_attr=normal(0.01))
        self.deltas = nn.Conv2D(channels, 4 * count, 1, weight_attr=normal(0.01))

    def forward(self, features):
        """Of each level the logits of objectness [N, A, H, W] and the deltas [N, A * 4, H, W], two lists."""
        hidden = [F.relu(self.conv(feature)) for feature in features]
        return [self.objectness(x) for x in hidden], [self.deltas(x) for x in hidden]

    def propose(self, predictions, im_shape):
        """The proposals [R, 4] of raw predictions, and how many there are of each image, int32 [N].

        Args:
            predictions (tuple[list[Tensor], list[Tensor]]): objectness and deltas of each level.
            im_shape (Tensor): float32 [N, 2], height and width of the images without padding.
        """
        anchors = self.anchors(predictions[1], self.strides)
        scores = [flatten_cells(level, 1).squeeze(-1) for level in predictions[0]]
        deltas = [flatten_cells(level, 4) for level in predictions[1]]
        select = self.train_proposals if self.training else self.proposals
        return select(scores, deltas, anchors, im_shape)

    def loss(self, predictions, objects, im_shape):
        """The terms of the loss by name; arguments as of :meth:`propose` and :class:`RPNLoss`."""
        logits = paddle.concat([flatten_cells(level, 1).squeeze(-1) for level in predictions[0]], axis=1)
        deltas = paddle.concat([flatten_cells(level, 4) for level in predictions[1]], axis=1)
        anchors = paddle.concat(self.anchors(predictions[1], self.strides))
        return self.loss_terms(logits, deltas, anchors, objects, im_shape)
