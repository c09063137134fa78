"""The concept-wise temporal convolutional network (C-TCN, https://arxiv.org/abs/1908.09442): SSD along time.

Every feature of a step (a "concept", the score of a class) is a row of its own: convolutions run along time with the
same weights for all rows, and only the last one of each head joins the rows.

Shapes in this file:
    N videos of T steps of I concepts, H channels, A anchors, K classes without the background.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..losses.multibox_loss import hardest
from ..losses.terms import smooth_l1, softmax_cross_entropy
from .time_anchors import BACKGROUND, PER_PLACE, VARIANCES, scales, time_anchors

REACH = 5.0  # of the offsets, of either sign
EXPANSION = 4


class CTCN(nn.Layer):
    """A residual network along time, a pyramid of features, and heads for the offsets and classes of anchors.

    The loss is that of SSD: smooth L1 of the offsets of matched anchors, cross entropy of these and of the hardest
    anchors of background, sums over the batch divided by the number of matched anchors.

    Args:
        num_classes (int): K.
        features (int): I.
        length (int): T, a power of two of 32 or more.
        stem (int): channels of the first convolution; the second one has those of the first stage.
        blocks (list[int]): bottleneck blocks of the four stages.
        widths (list[int]): their inner channels; they put out four times as many.
        pyramid (int): H, of every scale.
        hidden (list[int]): channels of the heads of offsets and of classes.
        dropout (float): before the heads.
        negatives (float): anchors of background per matched one.
        offset_weight (float): of loss_offset.
    """

    task = "ActionDetection"
    outputs = ("segments", "scores")

    def __init__(
        self,
        num_classes,
        features=402,
        length=512,
        stem=32,
        blocks=(3, 4, 6, 3),
        widths=(64, 128, 256, 512),
        pyramid=512,
        hidden=(256, 512),
        dropout=0.5,
        negatives=3.0,
        offset_weight=2.0,
    ):
        super().__init__()
        self.num_classes, self.negatives, self.offset_weight = num_classes, negatives, offset_weight
        self.places = scales(length)
        self.stem = nn.Sequential(*along_time(1, stem, 7, 2), *along_time(stem, widths[0], 7, 2))
        self.stages, given = nn.LayerList(), widths[0]
        for number, (count, width) in enumerate(zip(blocks, widths, strict=True)):
            strides = [1 if number == 0 else 2] + [1] * (count - 1)
            layers = []
            for stride in strides:
                layers.append(Bottleneck(given, width, stride))
                given = EXPANSION * width
            self.stages.append(nn.Sequential(*layers))
        self.lateral = nn.LayerList([conv(EXPANSION * width, pyramid, 1) for width in widths])
        self.smooth = nn.LayerList([conv(pyramid, pyramid, 3) for _ in widths[:-1]])
        coarser = len(self.places) - len(widths)
        self.coarser = nn.LayerList([conv(pyramid if k else given, pyramid, 3, 2) for k in range(coarser)])
        offset_width, class_width = hidden
        self.offset_head = head(pyramid, offset_width, features, 2, dropout)
        self.class_head = head(pyramid, class_width, features, num_classes + 1, dropout)
        anchors = paddle.to_tensor(time_anchors(length).astype("float32"))
        self.register_buffer("anchors", anchors, persistable=False)
        self.inputs = {"features": ([None, length, features], "float32")}

    @classmethod
    def from_config(
        cls,
        num_classes,
        build,
        features=402,
        length=512,
        stem=32,
        blocks=(3, 4, 6, 3),
        widths=(64, 128, 256, 512),
        pyramid=512,
        hidden=(256, 512),
        dropout=0.5,
    ):
        """Builds the network.

        Args:
            num_classes (int): K.
            features (int): I.
            length (int): T.
            stem (int): see :class:`CTCN`.
            blocks (list[int]): see :class:`CTCN`.
            widths (list[int]): see :class:`CTCN`.
            pyramid (int): H.
            hidden (list[int]): see :class:`CTCN`.
            dropout (float): before the heads.
        """
        return cls(num_classes, features, length, stem, blocks, widths, pyramid, hidden, dropout)

    def predict(self, features):
        """Offsets [N, A, 2] and logits [N, A, 1 + K], the background first.

        Args:
            features (Tensor): float32 [N, T, I].
        """
        offsets, logits = [], []
        for level in self.levels(features.unsqueeze(1)):
            offsets.append(flat(REACH * (2 * F.sigmoid(self.offset_head(level)) - 1), 2))
            logits.append(flat(self.class_head(level), self.num_classes + 1))
        return paddle.concat(offsets, 1), paddle.concat(logits, 1)

    def levels(self, x):
        """The features of every scale, from fine to coarse: [N, 1, T, I] to a list of [N, H, T / s, I]."""
        x, found = self.stem(x), []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        merged = [self.lateral[-1](found[-1])]
        for lateral, finer in zip(reversed(self.lateral[:-1]), reversed(found[:-1])):
            merged.append(upsample(merged[-1]) + lateral(finer))
        fine = [layer(level) for layer, level in zip(self.smooth, reversed(merged[1:]))]
        coarse, last = [], found[-1]
        for number, layer in enumerate(self.coarser):
            last = layer(F.relu(last) if number else last)
            coarse.append(last)
        return [*fine, merged[0], *coarse]

    def decode(self, offsets):
        """Segments [N, A, 2] (start, end), shares of the video, of offsets [N, A, 2]; cut at its ends."""
        center = self.anchors[:, 0] + VARIANCES[0] * offsets[:, :, 0] * self.anchors[:, 1]
        half = (1 + VARIANCES[1] * offsets[:, :, 1]) * self.anchors[:, 1] / 2
        return paddle.clip(paddle.stack([center - half, center + half], 2), 0.0, 1.0)

    def forward(self, features):
        """Segments [N, A, 2], shares of the video, and the probabilities of their classes [N, A, K].

        Args:
            features (Tensor): float32 [N, T, I].
        """
        offsets, logits = self.predict(features)
        return self.decode(offsets), F.softmax(logits, -1)[:, :, 1:]

    def loss(self, batch):
        """`loss_offset` and `loss_class`.

        Args:
            batch (dict): features [N, T, I]; offsets float32 [N, A, 2]; classes int64 [N, A], 0 for background.
        """
        offsets, logits = self.predict(batch["features"])
        classes = batch["classes"]
        positive = classes != BACKGROUND
        entropy = softmax_cross_entropy(logits, classes)
        counts = positive.astype("int64").sum(1) * self.negatives
        used = (positive | hardest(entropy.detach(), ~positive, counts)).astype("float32")
        errors = smooth_l1(offsets - batch["offsets"]).sum(2) * positive.astype("float32")
        number = paddle.clip(positive.astype("float32").sum(), min=1.0)
        return {
            "loss_offset": self.offset_weight * errors.sum() / number,
            "loss_class": (entropy * used).sum() / number,
        }


class Bottleneck(nn.Layer):
    """The bottleneck of a residual network whose middle convolution runs along time.

    Args:
        in_channels (int): of the input.
        width (int): inner channels; four times as many are put out.
        stride (int): along time.
    """

    def __init__(self, in_channels, width, stride):
        super().__init__()
        out = EXPANSION * width
        self.inner = nn.Sequential(
            *along_time(in_channels, width, 1), *along_time(width, width, 3, stride), *along_time(width, out, 1)[:-1]
        )
        same = in_channels == out and stride == 1
        self.short = nn.Identity() if same else nn.Sequential(*along_time(in_channels, out, 1, stride)[:-1])

    def forward(self, x):
        """[N, in_channels, T, I] to [N, 4 width, T / stride, I]."""
        return F.relu(self.short(x) + self.inner(x))


def conv(in_channels, out_channels, size, stride=1, bias=True):
    """A convolution of some steps along time, the same for every concept."""
    bound = (in_channels * size) ** -0.5
    weight = nn.initializer.Uniform(-bound, bound)
    padding, bias = (size // 2, 0), None if bias else False
    return nn.Conv2D(in_channels, out_channels, (size, 1), (stride, 1), padding, weight_attr=weight, bias_attr=bias)


def along_time(in_channels, out_channels, size, stride=1):
    """A convolution along time, normalization and a ReLU, a list of layers."""
    return [conv(in_channels, out_channels, size, stride, bias=False), nn.BatchNorm2D(out_channels), nn.ReLU()]


def head(in_channels, width, concepts, numbers, dropout):
    """A head: [N, H, T, I] to [N, anchors of a place * numbers, T, 1]."""
    bound = (width * concepts) ** -0.5
    weight = nn.initializer.Uniform(-bound, bound)
    last = nn.Conv2D(width, PER_PLACE * numbers, (1, concepts), weight_attr=weight)
    return nn.Sequential(nn.Dropout(dropout), conv(in_channels, width, 3), last)


def flat(found, numbers):
    """[N, anchors of a place * numbers, T, 1] to [N, anchors of all places, numbers]."""
    return found.squeeze(3).transpose([0, 2, 1]).reshape([0, -1, numbers])


def upsample(x):
    """[N, H, T, I] to twice as many steps, the first and the last one kept."""
    return F.interpolate(x, [2 * x.shape[2], x.shape[3]], mode="bilinear", align_corners=True)
