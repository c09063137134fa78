"""The Siamese region proposal network (SiamRPN, Li et al., CVPR 2018), with the head of depthwise correlations.

The head is that of SiamRPN++ (https://arxiv.org/abs/1812.11703, section 4.3).

Shapes in this file:
    N tracks of C channels, R x R cells of the response with K anchors each.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from .siamese_alexnet import correlate
from .tracker import Tracker, hanning, middle, offsets

LARGEST = 4.0  # of the logarithm of a size in sizes of its anchor
IGNORED = -1


class CorrelationBranch(nn.Layer):
    """Both features through a convolution of 3, correlated channel by channel, then two convolutions of 1.

    Args:
        in_channels (int): C of the features.
        hidden (int): channels of the correlation.
        out_channels (int): of the output.
    """

    def __init__(self, in_channels, hidden, out_channels):
        super().__init__()
        self.kernel = ConvNorm(in_channels, hidden, padding=0)
        self.search = ConvNorm(in_channels, hidden, padding=0)
        self.head = nn.Sequential(ConvNorm(hidden, hidden, 1), nn.Conv2D(hidden, out_channels, 1))

    def forward(self, template, search):
        """The output [N, out_channels, R, R] of features [N, C, h, w] and [N, C, H, W]."""
        return self.head(self.correlation(template, search))

    def correlation(self, template, search):
        """The correlation [N, hidden, R, R] of features."""
        return correlate(self.search(search), self.kernel(template))


class SiamRPN(Tracker):
    """Anchors at every place of the correlation of a template and a region, each with a score and a box.

    Args:
        backbone (Layer): of both arms.
        exemplar (int): T.
        instance (int): S.
        trained (int | None): side of the middle of a region that training sees; all of it when None.
        hidden (int): channels of the head.
        anchor_scale (float): side of a square anchor in cells.
        ratios (list[float]): height / width of the anchors.
        penalty (float): of changes of size and shape.
        window (float): the part of a cosine window in the scores.
        rate (float): the part of a new size that is taken over, at a score of 1.
        positive (float): anchors that overlap the object by more are positive.
        negative (float): those that overlap it by less are negative.
        samples (int): anchors of a pair in the loss of classes, of which a quarter is positive.
        box_weight (float): of the loss of boxes.
        seed (int): of the choice of anchors.
    """

    def __init__(
        self,
        backbone,
        exemplar=127,
        instance=255,
        trained=None,
        hidden=256,
        anchor_scale=8.0,
        ratios=(0.33, 0.5, 1.0, 2.0, 3.0),
        penalty=0.18,
        window=0.41,
        rate=0.05,
        positive=0.6,
        negative=0.3,
        samples=64,
        box_weight=1.2,
        seed=0,
    ):
        super().__init__(exemplar, instance)
        self.backbone, count, self.trained = backbone, len(ratios), trained or instance
        self.scores = CorrelationBranch(backbone.out_channels, hidden, 2 * count)
        self.boxes = CorrelationBranch(backbone.out_channels, hidden, 4 * count)
        self.penalty, self.window, self.rate = penalty, window, rate
        self.positive, self.negative, self.samples, self.box_weight = positive, negative, samples, box_weight
        self.shapes = anchor_shapes(ratios, backbone.stride, anchor_scale)
        cells = self.cells_of(instance)
        constants = {
            "anchors": anchor_grid(self.shapes, cells, backbone.stride),
            "cosine": np.tile(hanning(cells).reshape(1, -1), (count, 1)).reshape(1, -1),
        }
        for name, value in constants.items():
            self.register_buffer(name, paddle.to_tensor(value), persistable=False)
        self.rng = np.random.default_rng(seed)

    @classmethod
    def from_config(
        cls,
        backbone,
        exemplar=127,
        instance=255,
        trained=None,
        hidden=256,
        anchor_scale=8.0,
        ratios=(0.33, 0.5, 1.0, 2.0, 3.0),
        penalty=0.18,
        window=0.41,
        rate=0.05,
        positive=0.6,
        negative=0.3,
        samples=64,
        box_weight=1.2,
        seed=0,
        *,
        build,
    ):
        """Builds the backbone first; see the class for the arguments."""
        given = (
            trained,
            hidden,
            anchor_scale,
            ratios,
            penalty,
            window,
            rate,
            positive,
            negative,
            samples,
            box_weight,
            seed,
        )
        return cls(build(backbone), exemplar, instance, *given)

    def cells_of(self, instance):
        """R of a region of so many pixels (int); both features lose two cells in the head."""
        return self.backbone.cells(instance) - self.backbone.cells(self.exemplar) + 1

    def predict(self, template, search):
        """Logits [N, K R R, 2] of background and object, and deltas [N, K R R, 4], anchor by anchor."""
        return self.split(self.backbone(template), self.backbone(search))

    def split(self, template, search):
        """As `predict`, of features."""
        logits, deltas = self.scores(template, search), self.boxes(template, search)
        cells = logits.shape[2] * logits.shape[3]
        count = len(self.shapes) * cells
        return (
            logits.reshape([-1, 2, count]).transpose([0, 2, 1]),
            deltas.reshape([-1, 4, count]).transpose([0, 2, 1]),
        )

    def forward(self, template, search, size):
        """See :class:`Tracker`."""
        logits, deltas = self.predict(template, search)
        return self.choose(logits, deltas, size)[:2]

    def choose(self, logits, deltas, size):
        """The box [N, 4] and the score [N] of the best anchor, and its number int64 [N]."""
        score = F.softmax(logits, -1)[:, :, 1]  # [N, K R R]
        boxes = decode_centers(deltas, self.anchors)
        width, height = size[:, 0:1], size[:, 1:2]
        change = larger_ratio(padded(boxes[:, :, 2], boxes[:, :, 3]) / padded(width, height))
        shape = larger_ratio((width / height) / (boxes[:, :, 2] / boxes[:, :, 3]))
        penalty = paddle.exp((1 - change * shape) * self.penalty)
        ranked = penalty * score * (1 - self.window) + self.cosine * self.window
        best = ranked.argmax(1)
        chosen = F.one_hot(best, ranked.shape[1])  # [N, K R R]
        box = (boxes * chosen.unsqueeze(2)).sum(1)
        found = (score * chosen).sum(1)
        rate = ((penalty * chosen).sum(1) * found * self.rate).unsqueeze(1)
        return paddle.concat([box[:, :2], size * (1 - rate) + box[:, 2:] * rate], 1), found, best

    def loss(self, batch):
        """`loss_score` and `loss_box`.

        Args:
            batch (dict): template [N, 3, T, T], search [N, 3, S, S], target float32 [N, 4] (center from that of the
                region, size), same int64 [N]: 0 where the region shows another object than the template.
        """
        logits, deltas = self.predict(batch["template"], middle(batch["search"], self.trained))
        return self.losses(logits, deltas, *self.targets(batch))

    def losses(self, logits, deltas, labels, targets):
        """The losses of what `predict` gives, with what `targets` gives (arrays)."""
        labels, targets = paddle.to_tensor(labels), paddle.to_tensor(targets)
        loss = F.cross_entropy(logits, paddle.clip(labels, min=0), reduction="none").squeeze(-1)
        positive, negative = ((labels == value).astype("float32") for value in (1, 0))
        parts = [(loss * kind).sum() / paddle.clip(kind.sum(), min=1.0) for kind in (positive, negative)]
        apart = (deltas - targets).abs().sum(2)
        box = (apart * positive).sum() / paddle.clip(positive.sum(), min=1.0)
        return {"loss_score": 0.5 * (parts[0] + parts[1]), "loss_box": self.box_weight * box}

    def targets(self, batch):
        """Labels int64 [N, K R R], 1, 0 or IGNORED, and deltas float32 [N, K R R, 4] of the anchors of a batch."""
        anchors = anchor_grid(self.shapes, self.cells_of(self.trained), self.backbone.stride)
        labels, deltas = [], []
        for box, same in zip(np.asarray(batch["target"], np.float64), np.asarray(batch["same"]).reshape(-1)):
            overlap = center_overlaps(anchors, box)
            label = np.full(len(anchors), IGNORED, np.int64)
            wanted = self.samples // 4
            good = np.flatnonzero(overlap > self.positive) if same else np.zeros(0, np.int64)
            bad = np.flatnonzero((overlap < self.negative) | (same == 0))
            if not same:  # the hardest are those about the other object
                near = bad[np.argsort(-overlap[bad], kind="stable")][: 4 * wanted]
                bad = near if len(near) >= wanted else bad
            good = self.rng.permutation(good)[:wanted]
            label[good] = 1
            label[self.rng.permutation(bad)[: self.samples - len(good) if same else wanted]] = 0
            labels.append(label)
            deltas.append(encode_centers(anchors, box))
        return np.stack(labels), np.stack(deltas).astype(np.float32)


def anchor_shapes(ratios, stride, scale):
    """Width and height of the anchors in pixels, float64 [K, 2], in whole pixels of one cell before they are scaled."""
    widths = [int(np.sqrt(stride * stride / ratio)) for ratio in ratios]
    return np.array([[w * scale, int(w * ratio) * scale] for w, ratio in zip(widths, ratios)])


def anchor_grid(shapes, cells, stride):
    """Anchors about the center of the region: center x, y, width, height, float32 [K R R, 4], shape by shape."""
    places = offsets(cells, stride)
    down, across = np.meshgrid(places, places, indexing="ij")
    grid = np.stack([across.ravel(), down.ravel()], 1)
    return np.concatenate([np.hstack([grid, np.tile(shape, (len(grid), 1))]) for shape in shapes]).astype(np.float32)


def encode_centers(anchors, box):
    """Deltas from anchors [A, 4] to a box [4], both of centers and sizes: float64 [A, 4]."""
    sizes = anchors[:, 2:].astype(np.float64)
    return np.hstack([(box[:2] - anchors[:, :2]) / sizes, np.log(box[2:] / sizes)])


def decode_centers(deltas, anchors):
    """The inverse of :func:`encode_centers` for Tensors: [N, A, 4] of deltas [N, A, 4] and anchors [A, 4]."""
    sizes = anchors[:, 2:]
    centers = deltas[:, :, :2] * sizes + anchors[:, :2]
    return paddle.concat([centers, paddle.exp(paddle.clip(deltas[:, :, 2:], -LARGEST, LARGEST)) * sizes], 2)


def center_overlaps(anchors, box):
    """Intersection over union of anchors [A, 4] and a box [4], both of centers and sizes: float64 [A]."""
    low = np.maximum(anchors[:, :2] - anchors[:, 2:] / 2, box[:2] - box[2:] / 2)
    high = np.minimum(anchors[:, :2] + anchors[:, 2:] / 2, box[:2] + box[2:] / 2)
    inner = np.clip(high - low, 0, None).prod(1)
    return inner / (anchors[:, 2:].prod(1) + box[2:].prod() - inner)


def padded(width, height):
    """The side of the square of a box with its context, sqrt((w + p)(h + p)) with p = (w + h) / 2."""
    margin = (width + height) * 0.5
    return paddle.sqrt((width + margin) * (height + margin))


def larger_ratio(ratio):
    """A ratio or its inverse, whichever is larger."""
    return paddle.maximum(ratio, 1 / ratio)
