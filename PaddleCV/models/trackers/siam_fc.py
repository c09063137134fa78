"""The fully-convolutional Siamese tracker (SiamFC, https://arxiv.org/abs/1606.09549).

Shapes in this file:
    N tracks, templates of T x T pixels, R x R cells of the response, K scales, U x U places of the enlarged response.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError

from .siamese_alexnet import correlate_fully
from .tracker import TINY, Tracker, hanning, middle, offsets

ENLARGED = 16  # times, before the place of the maximum is taken


class SiamFC(Tracker):
    """The inner product of a template with every part of a region; scales are tried one by one.

    The region that goes in is that of the largest scale; the others are its middle parts, resized.

    Args:
        backbone (Layer): of both arms.
        exemplar (int): T.
        instance (int): side of the region of scale 1.
        scales (int): K, odd.
        scale_step (float): the factor from one scale to the next, rounded so that regions have whole pixels.
        scale_penalty (float): multiplies the responses of other scales than 1.
        scale_rate (float): the part of a new scale that the size takes over in a frame.
        window (float): the part of a cosine window in the response.
        radius (float): cells whose centers are so near to that of the object are positive, in pixels.
        gain (float): multiplies responses in training and tracking, and is not trained.
    """

    def __init__(
        self,
        backbone,
        exemplar=127,
        instance=255,
        scales=3,
        scale_step=1.0375,
        scale_penalty=0.9745,
        scale_rate=0.59,
        window=0.176,
        radius=16.0,
        gain=0.001,
    ):
        if scales < 1 or scales % 2 == 0 or scale_step < 1:
            raise ValueError(f"SiamFC got scales {scales} and scale_step {scale_step}; odd, and 1 or more")
        powers = np.arange(scales) - scales // 2
        sides = [instance + 2 * round(instance * (scale_step ** float(p) - 1) / 2) for p in powers]  # of one parity
        super().__init__(exemplar, sides[-1])
        self.backbone, self.sides, self.region = backbone, sides, instance
        self.scale_rate, self.window, self.radius = scale_rate, window, radius
        self.adjust = nn.Conv2D(1, 1, 1)
        self.adjust.weight.set_value(np.full([1, 1, 1, 1], gain, np.float32))
        self.adjust.weight.stop_gradient = True
        self.adjust.bias.set_value(np.zeros(1, np.float32))
        self.cells = backbone.cells(instance) - backbone.cells(exemplar) + 1
        if backbone.cells(exemplar) < 1 or self.cells < 2:
            raise ConfigError(f"SiamFC: crops of {exemplar} and {instance} pixels leave no response to search in")
        enlarged = self.cells * ENLARGED
        penalty = np.where(powers == 0, 1.0, scale_penalty).astype(np.float32)
        cosine = hanning(enlarged)
        constants = {
            "ratios": np.array(sides, np.float32) / instance,
            "penalty": penalty.reshape(1, -1, 1),
            "cosine": (cosine / cosine.sum()).reshape(1, -1),
            "places": offsets(enlarged, backbone.stride / ENLARGED),
        }
        for name, value in constants.items():
            self.register_buffer(name, paddle.to_tensor(value), persistable=False)

    @classmethod
    def from_config(
        cls,
        backbone,
        exemplar=127,
        instance=255,
        scales=3,
        scale_step=1.0375,
        scale_penalty=0.9745,
        scale_rate=0.59,
        window=0.176,
        radius=16.0,
        gain=0.001,
        *,
        build,
    ):
        """Builds the backbone first; see the class for the arguments."""
        return cls(
            build(backbone), exemplar, instance, scales, scale_step, scale_penalty, scale_rate, window, radius, gain
        )

    def predict(self, template, search):
        """The response float32 [N, 1, R, R], for crops of any sizes: template [N, 3, T, T], search [N, 3, S, S]."""
        return self.adjust(correlate_fully(self.backbone(search), self.backbone(template)))

    def forward(self, template, search, size):
        """See :class:`Tracker`."""
        known, count, crops = self.backbone(template), len(self.sides), []
        for side in self.sides:
            part = middle(search, side)
            regular = side == self.region
            crops.append(part if regular else F.interpolate(part, size=[self.region] * 2, mode="bilinear"))
        found = self.backbone(paddle.stack(crops, 1).reshape([-1, 3, self.region, self.region]))
        again = paddle.stack([known] * count, 1).reshape([-1, *known.shape[1:]])
        response = self.adjust(correlate_fully(found, again))
        side = self.cells * ENLARGED
        large = F.interpolate(response, size=[side, side], mode="bicubic").reshape([-1, count, side * side])
        best = (large * self.penalty).max(2).argmax(1)  # [N]
        chosen = F.one_hot(best, count)
        shape = (large * chosen.unsqueeze(2)).sum(1)  # [N, U U]
        score = F.sigmoid(shape.max(1))
        shape = shape - shape.min(1, keepdim=True)
        shape = shape / (shape.sum(1, keepdim=True) + TINY)
        place = ((1 - self.window) * shape + self.window * self.cosine).argmax(1)  # [N]
        ratio = (chosen * self.ratios).sum(1)
        down = paddle.gather(self.places, place // side) * ratio
        across = paddle.gather(self.places, place % side) * ratio
        new = size * (1 - self.scale_rate + self.scale_rate * ratio).unsqueeze(1)
        return paddle.concat([paddle.stack([across, down], 1), new], 1), score

    def loss(self, batch):
        """`loss_response`: the logistic loss, of which positive and negative cells have one half each.

        Args:
            batch (dict): template float32 [N, 3, T, T], search float32 [N, 3, S, S], whose middle is used,
                target float32 [N, 4].
        """
        logits = self.predict(batch["template"], middle(batch["search"], self.region)).squeeze(1)
        labels = cell_labels(batch["target"], logits.shape[1], self.backbone.stride, self.radius)
        losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        return {"loss_response": 0.5 * (mean_where(losses, labels) + mean_where(losses, 1 - labels))}


def cell_labels(target, cells, stride, radius):
    """1 for the cells whose center is at most `radius` pixels from that of the object, float32 [N, R, R].

    Args:
        target (Tensor): float32 [N, 4], center x and y from that of the region, width and height.
        cells (int): R.
        stride (int): pixels of a cell.
        radius (float): in pixels.
    """
    places = paddle.to_tensor(offsets(cells, stride))
    across = places.reshape([1, 1, -1]) - target[:, 0].reshape([-1, 1, 1])
    down = places.reshape([1, -1, 1]) - target[:, 1].reshape([-1, 1, 1])
    return (across * across + down * down <= radius**2).astype("float32")


def mean_where(values, weights):
    """The mean of values by weights of 0 and 1, one Tensor; 0 where all are 0."""
    return (values * weights).sum() / paddle.clip(weights.sum(), min=1.0)
