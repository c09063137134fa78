"""The prior boxes of SSD and its successors.

    prior boxes          https://arxiv.org/abs/1512.02325, section 2.2
    density prior boxes  FaceBoxes, https://arxiv.org/abs/1708.05234, section 3.2

Shapes in this file:
    L levels of H x W cells, A prior boxes per cell.
Boxes are (x1, y1, x2, y2) in pixels.
"""

import numpy as np
import paddle

from ..boxes import cell_grid
from .anchor_grid import place_shapes


class PriorBoxes:
    """A square of every level's smallest size, one between its smallest and largest, and other aspect ratios.

    Args:
        min_sizes (list[float | list[float]]): of each level, the sides of its smallest squares in pixels.
        max_sizes (list[float | list[float]]): of each level, one for each smallest size; empty for none.
        ratios (list[list[float]]): of each level, the aspect ratios beside 1; each is used in both directions.
        steps (list[float]): of each level, pixels per cell; empty for the strides of the features.
        offset (float): the center within a cell.
        max_last (bool): the square between both sizes comes after the aspect ratios, not before them.
        clip (list[int]): height and width in pixels to which the boxes are clipped; empty to leave them.
        limit (float | None): in pixels, the largest width and height of a box; torchvision has the side of the image.
        first_square (float | None): in pixels, the side of the finest level's first square, in place of its smallest
            size; TensorFlow's detectors have one of a tenth of the image.
    """

    def __init__(
        self,
        min_sizes,
        max_sizes=(),
        ratios=(),
        steps=(),
        offset=0.5,
        max_last=False,
        clip=(),
        limit=None,
        first_square=None,
    ):
        self.min_sizes = [as_list(sizes) for sizes in min_sizes]
        self.max_sizes = [as_list(sizes) for sizes in max_sizes] or [[] for _ in self.min_sizes]
        self.ratios = [list(level) for level in ratios] or [[] for _ in self.min_sizes]
        levels = {len(self.min_sizes), len(self.max_sizes), len(self.ratios), len(steps) or len(self.min_sizes)}
        if len(levels) != 1:
            raise ValueError(
                f"PriorBoxes got {len(self.min_sizes)} levels of min_sizes, {len(self.max_sizes)} of max_sizes, "
                f"{len(self.ratios)} of ratios and {len(steps)} steps"
            )
        for level, (smallest, largest) in enumerate(zip(self.min_sizes, self.max_sizes)):
            if largest and (len(largest) != len(smallest) or np.any(np.less_equal(largest, smallest))):
                raise ValueError(f"PriorBoxes: max_sizes[{level}] is {largest}; each must exceed {smallest}")
        self.steps, self.offset, self.max_last, self.clip, self.limit = list(steps), offset, max_last, list(clip), limit
        self.first_square = first_square

    @property
    def counts(self):
        """A of each level (list[int])."""
        return [len(shapes) for shapes in self.shapes()]

    def shapes(self):
        """Width and height of the boxes of a cell of each level (list[ndarray], float32 [A, 2])."""
        rows = zip(self.min_sizes, self.max_sizes, self.ratios)
        levels = [prior_shapes(smallest, largest, ratios, self.max_last) for smallest, largest, ratios in rows]
        if self.first_square:
            levels[0][0] = self.first_square
        return [np.minimum(level, np.float32(self.limit)) for level in levels] if self.limit else levels

    def __call__(self, features, strides):
        """The prior boxes of each level, float32 [H*W*A, 4]; arguments as of :meth:`AnchorGrid.__call__`."""
        boxes = []
        for feature, step, shapes in zip(features, self.steps or strides, self.shapes()):
            height, width = paddle.shape(feature)[-2], paddle.shape(feature)[-1]
            level = place_shapes(shapes, height, width, step, self.offset)
            boxes.append(clip_to(level, self.clip) if self.clip else level)
        return boxes


class DensityPriorBoxes:
    """Squares of several sizes, each repeated on a regular grid around its cell.

    Args:
        sizes (list[list[float]]): of each level, the sides of the squares in pixels.
        densities (list[list[int]]): of each level and size, how many squares lie along x and along y.
        steps (list[float]): of each level, pixels per cell; empty for the strides of the features.
        offset (float): the center of the grid within a cell.
        clip (list[int]): height and width in pixels to which the boxes are clipped; empty to leave them.
    """

    def __init__(self, sizes, densities, steps=(), offset=0.5, clip=()):
        if [len(level) for level in sizes] != [len(level) for level in densities]:
            raise ValueError(f"DensityPriorBoxes takes a density for every size, not {densities} for {sizes}")
        self.sizes = [list(level) for level in sizes]
        self.densities = [list(level) for level in densities]
        self.steps, self.offset, self.clip = list(steps), offset, list(clip)

    @property
    def counts(self):
        """A of each level (list[int])."""
        return [sum(density**2 for density in level) for level in self.densities]

    def __call__(self, features, strides):
        """The prior boxes of each level, float32 [H*W*A, 4]; arguments as of :meth:`AnchorGrid.__call__`."""
        boxes = []
        for level, (feature, step) in enumerate(zip(features, self.steps or strides)):
            offsets = density_boxes(self.sizes[level], self.densities[level], step)  # [A, 4]
            cells = (cell_grid(paddle.shape(feature)[-2], paddle.shape(feature)[-1]) + self.offset) * step
            around = (paddle.concat([cells, cells], axis=1).unsqueeze(1) + paddle.to_tensor(offsets)).reshape([-1, 4])
            boxes.append(clip_to(around, self.clip) if self.clip else around)
        return boxes


def prior_shapes(smallest, largest, ratios, max_last=False):
    """Width and height of the boxes of a cell (float32 array [A, 2]); see :class:`PriorBoxes`."""
    shapes = []
    for index, side in enumerate(smallest):
        between = [[np.sqrt(side * largest[index])] * 2] if largest else []
        others = []
        for ratio in ratios:
            wide, narrow = side * np.sqrt(ratio), side / np.sqrt(ratio)
            others += [[wide, narrow], [narrow, wide]]
        shapes += [[side, side], *others, *between] if max_last else [[side, side], *between, *others]
    return np.array(shapes, "float32")


def density_boxes(sizes, densities, step):
    """The boxes of a cell relative to its center (float32 array [A, 4]), row by row for each size."""
    boxes = []
    for size, density in zip(sizes, densities):
        shift = int(step) // density  # whole pixels, as the original operator
        first = -int(step) / 2 + shift / 2
        places = [first + shift * index for index in range(density)]
        boxes += [[x - size / 2, y - size / 2, x + size / 2, y + size / 2] for y in places for x in places]
    return np.array(boxes, "float32")


def clip_to(boxes, size):
    """Boxes [P, 4] clipped to an image of (height, width) pixels."""
    height, width = size
    return paddle.minimum(paddle.clip(boxes, min=0.0), paddle.to_tensor([width, height] * 2, dtype="float32"))


def as_list(value):
    """A number as a list of one; a list as it is."""
    return list(value) if isinstance(value, list | tuple) else [value]
