"""The stage of an R-CNN that classifies RoIs and moves their boxes (https://arxiv.org/abs/1504.08083, section 2).

Shapes in this file:
    N images, C classes, K = 1 + C with the background first, R RoIs of all images together.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..anchors.deltas import RCNN, decode_deltas, encode_deltas
from ..losses.terms import smooth_l1, softmax_cross_entropy
from .targets import RoiSampler


class BoxStage(nn.Layer):
    """Features of RoIs, a head on them, and the loss of RoIs that are drawn for training.

    Args:
        roi (RoIAlign): features of RoIs.
        head (BoxHead): features to logits and deltas.
        sampler (RoiSampler): draws the RoIs of a training step.
        weights (list[float]): multiplies the targets of dx, dy, dw, dh.
    """

    def __init__(self, roi, head, sampler, weights=RCNN):
        super().__init__()
        self.roi, self.head, self.sampler = roi, head, sampler
        self.weights = tuple(weights)

    @property
    def shared_channels(self):
        """The channels of :meth:`shared_cells`, or None."""
        return self.head.body.out_channels if hasattr(self.head.body, "cells") else None

    @classmethod
    def from_config(cls, roi, head, in_channels, strides, num_classes, build, sampler=None, weights=RCNN):
        """Builds the parts in order; each is given the channels of the one before it.

        Args:
            roi (node): RoIAlign.
            head (node): BoxHead.
            in_channels (list[int]): channels of each level, given by the neck or backbone.
            strides (list[int]): input pixels per cell of each level, given by the neck or backbone.
            num_classes (int): C.
            sampler (node): RoiSampler; with its defaults where it is left out.
            weights (list[float]): multiplies the targets of dx, dy, dw, dh.
        """
        roi = build(roi, in_channels=in_channels, strides=strides)
        head = build(head, in_channels=roi.out_channels, size=roi.size, num_classes=num_classes)
        return cls(roi, head, build(sampler) if sampler else RoiSampler(), weights)

    def forward(self, features, rois, counts):
        """Logits [R, K] and deltas [R, K or 2, 4].

        Args:
            features (list[Tensor]): of each level.
            rois (Tensor): float32 [R, 4].
            counts (Tensor): int32 [N], RoIs of each image.
        """
        return self.head(self.roi(features, rois, counts))

    def decode(self, logits, deltas, rois):
        """Scores [R, C] and boxes [R, C or 1, 4], without the background."""
        return F.softmax(logits, axis=1)[:, 1:], self.decode_boxes(deltas, rois)

    def decode_boxes(self, deltas, rois):
        """Boxes [R, C or 1, 4] of deltas [R, K or 2, 4], without the background."""
        return decode_deltas(deltas[:, 1:], rois.unsqueeze(1), self.weights)

    def shared_cells(self, features, rois, counts):
        """The features of RoIs that the body gives before its mean, [R, channels, H, W]; of C4 networks only."""
        return self.head.body.cells(self.roi(features, rois, counts))

    def loss(self, features, sampled, cells=None):
        """The terms of the loss by name, then logits [R, K] and deltas [R, K or 2, 4].

        A term is the mean over the RoIs of each image, then over the images.

        Args:
            features (list[Tensor]): of each level.
            sampled (SampledRois): the RoIs of the training step.
            cells (Tensor | None): their :meth:`shared_cells`, where these are known.
        """
        if cells is None:
            logits, deltas = self(features, sampled.rois, sampled.counts)
        else:
            logits, deltas = self.head.predict(self.head.body.mean(cells))
        shares = sampled.shares()
        positive = (sampled.labels > 0).nonzero().flatten()
        kind = paddle.ones_like(positive) if self.head.agnostic else paddle.gather(sampled.labels, positive)
        mine = paddle.gather(deltas.reshape([-1, 4]), positive * deltas.shape[1] + kind)
        boxes, rois = paddle.gather(sampled.boxes, positive), paddle.gather(sampled.rois, positive)
        errors = smooth_l1(mine - encode_deltas(boxes, rois, self.weights)).sum(axis=1)
        terms = {
            "loss_class": (softmax_cross_entropy(logits, sampled.labels) * shares).sum(),
            "loss_box": (errors * paddle.gather(shares, positive)).sum(),
        }
        return terms, logits, deltas
