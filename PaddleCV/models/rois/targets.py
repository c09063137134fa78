"""RoIs of a training step and what they are trained on (https://arxiv.org/abs/1504.08083, section 2.3).

Shapes in this file:
    N images, m objects of one image, R RoIs of all images together, those of the first image first.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import dataclasses

import paddle

from ..anchors.matching import BACKGROUND, draw_both, match_by_overlap
from ..boxes import pairwise_iou
from .rows import image_of_rows


@dataclasses.dataclass
class SampledRois:
    """The RoIs of a training step.

    Args:
        rois (Tensor): float32 [R, 4].
        counts (Tensor): int32 [N], RoIs of each image.
        labels (Tensor): int64 [R], 0 for the background, 1 + the class otherwise.
        boxes (Tensor): float32 [R, 4], the object of each RoI; for the background the RoI itself.
        objects (Tensor): int64 [R], the number of the object among those of its image; -1 for the background.
    """

    rois: paddle.Tensor
    counts: paddle.Tensor
    labels: paddle.Tensor
    boxes: paddle.Tensor
    objects: paddle.Tensor

    def shares(self):
        """Weights [R] by which a sum is the mean over the RoIs of each image, then over the images.

        So the mean over processes with equal batches is that of the whole batch.
        """
        counts = self.counts.astype("float32")
        return 1.0 / (paddle.gather(counts, image_of_rows(self.rois, self.counts)) * counts.shape[0])

    def with_objects(self):
        """Their indices int64 [r] and the :class:`SampledRois` of those that hold an object, not the background."""
        chosen = (self.labels > 0).nonzero().flatten()
        image = paddle.gather(image_of_rows(self.rois, self.counts), chosen).unsqueeze(0)
        images = paddle.arange(self.counts.shape[0]).astype("int64").unsqueeze(1)  # [N, 1]
        counts = (image == images).astype("int32").sum(axis=1).astype("int32")
        rows = (paddle.gather(column, chosen) for column in (self.labels, self.boxes, self.objects))
        return chosen, SampledRois(paddle.gather(self.rois, chosen), counts, *rows)


class RoiSampler:
    """Draws RoIs for training from the proposals and the objects themselves.

    Args:
        count (int): RoIs of an image.
        positive_share (float): at most this share of them overlaps an object.
        positive (float): a RoI is trained on the object it overlaps most, if by this much.
        negative (float): RoIs that overlap every object by less are background.
        random (bool): drawn from PaddlePaddle's random state; else the first ones.
    """

    def __init__(self, count=512, positive_share=0.25, positive=0.5, negative=0.5, random=True):
        self.count, self.positive_share = count, positive_share
        self.positive, self.negative, self.random = positive, negative, random

    @paddle.no_grad()
    def __call__(self, rois, counts, objects, with_objects=True):
        """The :class:`SampledRois` of a batch.

        Args:
            rois (Tensor): float32 [R, 4].
            counts (Tensor): int32 [N].
            objects (list[tuple[Tensor, Tensor]]): for each image boxes [m, 4] and labels [m].
            with_objects (bool): the objects themselves are RoIs too.
        """
        parts = []
        for mine, (boxes, labels) in zip(paddle.split(rois, counts.tolist()), objects):
            mine = paddle.concat([mine, boxes]) if with_objects else mine
            matches = match_by_overlap(pairwise_iou(boxes, mine), self.positive, self.negative, keep_best=False)
            chosen = draw_both(matches >= 0, matches == BACKGROUND, self.count, self.positive_share, self.random)
            chosen = paddle.concat(chosen)
            parts.append(targets_of(paddle.gather(mine, chosen), paddle.gather(matches, chosen), boxes, labels))
        rois, targets, classes, numbers = (paddle.concat(column) for column in zip(*parts))
        counts = paddle.to_tensor([len(part[0]) for part in parts], dtype="int32")
        return SampledRois(rois, counts, classes, targets, numbers)


def targets_of(rois, matches, boxes, labels):
    """(RoIs, the box, label and number of the object of each) of one image; see :class:`SampledRois`."""
    real = matches >= 0
    if len(labels) == 0:
        return rois, rois, paddle.zeros_like(matches), matches
    row = paddle.clip(matches, min=0)
    targets = paddle.where(real.unsqueeze(1), paddle.gather(boxes, row), rois)
    classes = paddle.where(real, paddle.gather(labels, row) + 1, paddle.zeros_like(row))
    return rois, targets, classes, matches
