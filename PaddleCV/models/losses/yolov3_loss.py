"""The loss of YOLOv3 (https://arxiv.org/abs/1804.02767, section 2), as the operator `yolov3_loss` of PaddlePaddle 1.8.

Shapes in this file:
    N images, M objects an image (padded), L levels of A anchors, C classes, H x W cells of one level,
    P = all A*H*W of all levels, K = N*M objects of the batch.
Boxes are (x1, y1, x2, y2) in input pixels; a label of -1 marks padding.

With s the score of an object, (w, h) its size relative to the image, and the sums over the objects of an image:
    loss_xy          s (2 - w h) (BCE(tx, x) + BCE(ty, y)),  x and y the center within its cell
    loss_wh          s (2 - w h) (|tw - log(w / anchor)| + |th - log(h / anchor)|)
    loss_objectness  s BCE(t, 1) at the objects, 0 where a prediction overlaps an object by more than `ignore_iou`,
                     BCE(t, 0) elsewhere
    loss_class       s * the sum of BCE over the classes
and of a head that predicts IoUs (https://arxiv.org/abs/1912.05992, section 3.2):
    loss_iou_aware   s BCE(t, the IoU of the predicted box and the object)
Every term is the mean over the images, so that the mean over processes with equal batches is that of the whole batch.
"""

import dataclasses

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..boxes import OVERLAPS, best_anchors, cell_targets, cells_of, decode_boxes, iou, pairwise_iou
from ..heads.yolov3_head import decode_level
from .terms import binary_cross_entropy

SMALLEST = 1e-6  # a box narrower than this share of the image is no object


class YOLOv3Loss(nn.Layer):
    """Compares the raw predictions of a YOLOv3 head with the objects of the images.

    Args:
        ignore_iou (float): a prediction that overlaps an object by more than this is not trained as background.
        label_smoothing (float): the class targets are 1 - this and this; the operator's own is min(1 / C, 1 / 40).
        iou_loss (str): iou, iou_squared, giou, diou or ciou: a term loss_iou in place of loss_xy and loss_wh; null for
            those two.
        iou_weight (float): of loss_iou.
        with_deltas (bool): loss_xy and loss_wh are there beside loss_iou too.
        iou_aware_weight (float): of loss_iou_aware.
    """

    def __init__(
        self,
        ignore_iou=0.7,
        label_smoothing=0.0,
        iou_loss=None,
        iou_weight=2.5,
        with_deltas=False,
        iou_aware_weight=1.0,
    ):
        super().__init__()
        if iou_loss is not None and iou_loss not in OVERLAPS:
            raise ValueError(f"YOLOv3Loss has no iou_loss {iou_loss!r}; it may be null, {', '.join(OVERLAPS)}")
        if not 0 <= label_smoothing < 0.5:
            raise ValueError(f"YOLOv3Loss: label_smoothing must be in 0 .. 0.5, not {label_smoothing}")
        self.ignore_iou = ignore_iou
        self.label_smoothing = label_smoothing
        self.iou_loss = iou_loss
        self.iou_weight = iou_weight
        self.with_deltas = with_deltas
        self.iou_aware_weight = iou_aware_weight

    def forward(self, predictions, head, boxes, labels, scores=None):
        """The terms by name, each a number.

        Args:
            predictions (list[Tensor]): of each level, float32 [N, A, 5 + C, H, W], or 6 + C of an IoU-aware head.
            head (YOLOv3Head): gives the anchors, strides and coding.
            boxes (Tensor): float32 [N, M, 4].
            labels (Tensor): int64 [N, M], -1 for padding.
            scores (Tensor): float32 [N, M], the weight of each object; None for 1.
        """
        height, width = (cells * head.strides[0] for cells in predictions[0].shape[3:])
        with paddle.no_grad():
            objects = usable_objects(boxes, labels, scores, (height, width))
            sizes = paddle.to_tensor([anchor for level in head.anchors for anchor in level], dtype="float32")
            best = best_anchors(objects.boxes, sizes)
            weights = self.box_weights(objects, height * width)
            real = (objects.labels >= 0).astype("float32").unsqueeze(-1)
            ignored = self.ignored(predictions, head, objects.boxes * real)
        terms = {}
        first_anchor = 0
        for level, prediction in enumerate(predictions):
            mine = (best >= first_anchor) & (best < first_anchor + len(head.anchors[level])) & (objects.labels >= 0)
            anchor = (best - first_anchor) * mine.astype("int64")
            matched = Matched(prediction, head, level, objects, anchor, mine)
            for name, value in self.level_terms(matched, objects, weights, ignored[level]).items():
                terms[name] = terms[name] + value if name in terms else value
            first_anchor += len(head.anchors[level])
        return {name: value / predictions[0].shape[0] for name, value in terms.items()}

    def box_weights(self, objects, area):
        """Small objects count more: score * (2 - share of the image), [N, M]."""
        sizes = objects.boxes[..., 2:] - objects.boxes[..., :2]
        return objects.scores * (2 - sizes[..., 0] * sizes[..., 1] / area)

    def ignored(self, predictions, head, boxes):
        """Of each level, which predictions [N, A*H*W] overlap one of the boxes [N, M, 4] by more than `ignore_iou`."""
        levels = [
            decode_level(prediction, anchors, stride, head.scale_xy)
            for prediction, anchors, stride in zip(predictions, head.anchors, head.strides)
        ]
        overlap = pairwise_iou(paddle.concat(levels, axis=1), boxes).max(axis=-1)  # [N, P]
        return paddle.split(overlap > self.ignore_iou, [level.shape[1] for level in levels], axis=1)

    def level_terms(self, matched, objects, weights, ignored):
        """The sums over one level, a dict of numbers."""
        terms = self.box_terms(matched, objects, weights)
        objectness = matched.prediction[:, :, 4].flatten(1)  # [N, A*H*W]
        scores = matched.scatter(objects.scores)
        positive = (scores > 1e-5).astype("float32")
        weight = paddle.where(positive > 0, scores, 1 - ignored.astype("float32"))
        terms["loss_objectness"] = (binary_cross_entropy(objectness, positive) * weight).sum()

        classes = matched.rows[:, 5:-1] if matched.iou_aware else matched.rows[:, 5:]  # [K, C]
        targets = F.one_hot(paddle.clip(objects.labels.flatten(), min=0), classes.shape[1])
        targets = targets * (1 - 2 * self.label_smoothing) + self.label_smoothing
        entropy = binary_cross_entropy(classes, targets).sum(axis=1)
        scores = (objects.scores * matched.mine).flatten()
        terms["loss_class"] = (entropy * scores).sum()
        if matched.iou_aware:
            overlap = iou(matched.boxes(), objects.boxes.flatten(0, 1)).detach()
            entropy = binary_cross_entropy(matched.rows[:, -1], overlap)
            terms["loss_iou_aware"] = self.iou_aware_weight * (entropy * scores).sum()
        return terms

    def box_terms(self, matched, objects, weights):
        """loss_xy and loss_wh, or loss_iou, or all three, of one level."""
        weights = (weights * matched.mine).flatten()
        boxes = objects.boxes.flatten(0, 1)
        deltas = matched.rows[:, :4]
        terms = {}
        if self.iou_loss:
            overlap = OVERLAPS[self.iou_loss](matched.boxes(), boxes)
            terms = {"loss_iou": self.iou_weight * ((1 - overlap) * weights).sum()}
            if not self.with_deltas:
                return terms
        offsets, sizes = cell_targets(boxes, matched.cells, matched.anchors, matched.stride)
        offsets = paddle.clip(offsets, 0.0, 1.0)
        if matched.scale_xy == 1.0:
            loss_xy = binary_cross_entropy(deltas[:, :2], offsets)
        else:
            stretched = F.sigmoid(deltas[:, :2]) * matched.scale_xy - 0.5 * (matched.scale_xy - 1)
            loss_xy = paddle.abs(stretched - offsets)
        loss_wh = paddle.abs(deltas[:, 2:4] - sizes)
        terms["loss_xy"] = (loss_xy.sum(axis=1) * weights).sum()
        terms["loss_wh"] = (loss_wh.sum(axis=1) * weights).sum()
        return terms


@dataclasses.dataclass
class Objects:
    """The objects of a batch, sanitized: padding and unusable boxes have a label of -1 and a box in the corner.

    Args:
        boxes (Tensor): float32 [N, M, 4], finite, of positive size.
        labels (Tensor): int64 [N, M], 0 .. C-1, or -1.
        scores (Tensor): float32 [N, M], the weight of each object, 0 for padding.
    """

    boxes: paddle.Tensor
    labels: paddle.Tensor
    scores: paddle.Tensor


class Matched:
    """The predictions of one level for each object, at the anchor and cell that it is assigned to.

    Args:
        prediction (Tensor): float32 [N, A, 5 + C, H, W], or 6 + C of an IoU-aware head.
        head (YOLOv3Head): gives the anchors, strides and coding.
        level (int): which of the head's levels this is.
        objects (Objects): of the batch.
        anchor (Tensor): int64 [N, M], the anchor within the level, 0 where the object belongs to another.
        mine (Tensor): bool [N, M], true for the objects of this level.
    """

    def __init__(self, prediction, head, level, objects, anchor, mine):
        self.prediction = prediction
        self.stride = head.strides[level]
        self.scale_xy = head.scale_xy
        self.iou_aware = head.iou_aware is not None
        self.mine = mine.astype("float32")
        self.images, num_anchors, channels, height, width = prediction.shape
        self.size = num_anchors * height * width
        with paddle.no_grad():
            cells = cells_of(objects.boxes, self.stride, (height, width))  # [N, M, 2]
            image = paddle.arange(self.images).unsqueeze(1)
            cell = cells[..., 1] * width + cells[..., 0]
            self.places = anchor * (height * width) + cell  # [N, M] among the A*H*W of an image
            self.last = last_of_each(self.places, mine)
            start = (image * num_anchors + anchor) * (channels * height * width) + cell
            channel = paddle.arange(channels) * (height * width)
            elements = (start.flatten().unsqueeze(1) + channel).flatten()  # [K * (5 + C)]
            sizes = paddle.to_tensor(head.anchors[level], dtype="float32")
            self.anchors = paddle.index_select(sizes, anchor.flatten())  # [K, 2]
            self.cells = cells.flatten(0, 1).astype("float32")  # [K, 2]
        self.rows = paddle.gather(prediction.flatten(), elements).reshape([-1, channels])  # [K, 5 + C]

    def boxes(self):
        """The predicted boxes, [K, 4]."""
        return decode_boxes(self.rows[:, :4], self.cells, self.anchors, self.stride, self.scale_xy)

    def scatter(self, values):
        """Puts values [N, M] at their predictions, [N, A*H*W], 0 elsewhere; of several at one place the last stays."""
        places = self.places + paddle.arange(self.images).unsqueeze(1) * self.size
        values = values * self.last.astype("float32")
        dense = paddle.zeros([self.images * self.size])
        return paddle.scatter_nd_add(dense, places.flatten().unsqueeze(1), values.flatten()).reshape(
            [self.images, self.size]
        )


def usable_objects(boxes, labels, scores, image_size):
    """The :class:`Objects` of padded boxes [N, M, 4], labels [N, M] and scores [N, M] (None: all 1).

    Boxes that are not finite, inside out, or smaller than a millionth of the image are no objects.
    `image_size` is (height, width) in pixels.
    """
    height, width = image_size
    if boxes.shape[1] == 0:
        boxes = paddle.zeros([boxes.shape[0], 1, 4])
        labels = paddle.full([boxes.shape[0], 1], -1, dtype="int64")
        scores = None
    x1, y1, x2, y2 = paddle.unbind(boxes, axis=-1)
    usable = (x2 - x1 > SMALLEST * width) & (y2 - y1 > SMALLEST * height)
    usable = usable & paddle.isfinite(boxes).all(axis=-1) & (labels >= 0)
    corner = paddle.to_tensor([0.0, 0.0, 1.0, 1.0])
    labels = paddle.where(usable, labels.astype("int64"), paddle.full_like(labels, -1, dtype="int64"))
    weights = usable.astype("float32")
    if scores is not None:
        weights = paddle.where(usable, scores.astype("float32"), paddle.zeros_like(weights))
    return Objects(paddle.where(usable.unsqueeze(-1), boxes, corner), labels, weights)


def last_of_each(places, taken):
    """Mask [N, M]: of several taken objects of an image at the same place, True for the last one only."""
    count = places.shape[1]
    same = (places.unsqueeze(2) == places.unsqueeze(1)) & taken.unsqueeze(1)  # [N, M, M]
    later = paddle.triu(paddle.ones([count, count]), diagonal=1).astype("bool")
    return taken & ~(same & later).any(axis=2)
