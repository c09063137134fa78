"""Features of regions of interest, RoIs (Mask R-CNN, https://arxiv.org/abs/1703.06870, section 3, RoIAlign).

Shapes in this file:
    N images, L levels of features, R RoIs of all images together, those of the first image first.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import math

import paddle
from paddle import nn
from paddle.vision.ops import roi_align

from .rows import image_of_rows, with_row, with_row_of_last


class RoIAlign(nn.Layer):
    """Features of a fixed size for boxes of any size, from the level that suits the size of each box.

    Args:
        in_channels (list[int]): channels of each level, given by the neck or backbone.
        strides (list[int]): input pixels per cell of each level, given by the neck or backbone.
        size (int): height and width of the result.
        samples (int): bilinear samples along each side of a cell of the result; 0 for as many as the box has cells.
        levels (int): how many of the given levels are used, from the finest.
        canonical_size (float): boxes with the area of this square come from the level of stride 2^canonical_level
            (https://arxiv.org/abs/1612.03144, equation 1).
        canonical_level (int): see above.
        aligned (bool): the middle of the first cell lies half a cell from the edge of the image, as later programs have
            it; else on the edge.
    """

    def __init__(
        self,
        in_channels,
        strides,
        size=7,
        samples=2,
        levels=4,
        canonical_size=224.0,
        canonical_level=4,
        aligned=False,
    ):
        super().__init__()
        self.strides = list(strides)[:levels]
        if len(set(in_channels[:levels])) != 1:
            raise ValueError(f"RoIAlign takes levels of equal channels, not {in_channels[:levels]}")
        self.out_channels = in_channels[0]
        self.size, self.samples, self.aligned = size, samples, aligned
        self.canonical_size, self.canonical_level = canonical_size, canonical_level

    def forward(self, features, rois, counts):
        """Features [R, out_channels, size, size].

        Args:
            features (list[Tensor]): of each level, the finest first.
            rois (Tensor): float32 [R, 4].
            counts (Tensor): int32 [N], RoIs of each image.
        """
        if len(self.strides) == 1:
            return self.extract(features[0], rois, counts, self.strides[0])
        finest = int(math.log2(self.strides[0]))
        levels = level_of(rois, self.canonical_size, self.canonical_level) - finest
        levels = paddle.clip(levels, 0, len(self.strides) - 1)
        count = paddle.shape(rois)[0]
        every, image = with_row(rois), image_of_rows(with_row(rois), with_row_of_last(counts))
        levels = with_row(levels.unsqueeze(1).astype("float32")).squeeze(1)
        last = paddle.arange(count + 1) == count  # a row for every level, which then has one
        images = paddle.arange(paddle.shape(counts)[0]).astype("int64").unsqueeze(1)  # [N, 1]
        parts, places = [], []
        for level, stride in enumerate(self.strides):
            chosen = ((levels == level) | last).nonzero().flatten()
            mine = (paddle.gather(image, chosen).unsqueeze(0) == images).astype("int32").sum(axis=1).astype("int32")
            parts.append(self.extract(features[level], paddle.gather(every, chosen), mine, stride))
            places.append(chosen)
        order = paddle.argsort(paddle.concat(places), stable=True)[:count]
        return paddle.gather(paddle.concat(parts), order)

    def extract(self, feature, rois, counts, stride):
        """Features of the RoIs from one level."""
        return roi_align(feature, rois, counts, self.size, 1 / stride, self.samples or -1, aligned=self.aligned)


def level_of(rois, canonical_size, canonical_level):
    """The binary logarithm of the stride that suits each box [R, 4], int64 [R]."""
    areas = paddle.clip((rois[:, 2:] - rois[:, :2]), min=0.0).prod(axis=1)
    relative = paddle.log2(paddle.sqrt(areas) / canonical_size + 1e-6)
    return paddle.floor(relative + canonical_level).astype("int64")
