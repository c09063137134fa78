"""The anchors of region proposals and RetinaNet (https://arxiv.org/abs/1506.01497, section 3.1.1).

Shapes in this file:
    L levels of H x W cells, A anchors per cell: every size in every aspect ratio, the ratios outermost.
Boxes are (x1, y1, x2, y2) in pixels; the right and lower edge lie behind the last pixel, so that the operators of older
programs, whose boxes end with the last pixel, give x2 and y2 less 1.
"""

import numpy as np
import paddle

from ..boxes import cell_grid

ROUNDINGS = ("cell", "edges", "none")


class AnchorGrid:
    """Anchors of several sizes and aspect ratios around every cell of every level.

    Args:
        sizes (list[list[float]]): per level, the sides in pixels of the square that each anchor has the area of.
        ratios (list[float]): height / width of the anchors.
        offset (float): the center of the anchors within a cell: 0.5 its middle, 0 its upper left corner (torchvision).
        rounding (str): cell rounds the shapes of anchors as large as a cell, as the original program; edges rounds the
            distances from the center to the edges, as torchvision; none leaves the sizes as they are.
    """

    def __init__(self, sizes, ratios=(0.5, 1.0, 2.0), offset=0.5, rounding="cell"):
        if rounding not in ROUNDINGS:
            raise ValueError(f"AnchorGrid has rounding {', '.join(ROUNDINGS)}, not {rounding!r}")
        if not ratios or not sizes or any(not level or min(level) <= 0 for level in sizes) or min(ratios) <= 0:
            raise ValueError(f"AnchorGrid takes sizes and ratios above 0 for every level, not {sizes} and {ratios}")
        self.sizes = [list(level) for level in sizes]
        self.ratios = list(ratios)
        self.offset = offset
        self.rounding = rounding

    @property
    def counts(self):
        """A of each level (list[int])."""
        return [len(level) * len(self.ratios) for level in self.sizes]

    def __call__(self, features, strides):
        """The anchors of each level, float32 [H*W*A, 4], row by row.

        Args:
            features (list[Tensor]): of each level, [N, C, H, W].
            strides (list[int]): pixels per cell of each level.
        """
        anchors = []
        for feature, stride, sizes in zip(features, strides, self.sizes):
            shapes = anchor_shapes(sizes, self.ratios, stride, self.rounding)
            height, width = paddle.shape(feature)[-2], paddle.shape(feature)[-1]
            anchors.append(place_shapes(shapes, height, width, stride, self.offset))
        return anchors


def anchor_shapes(sizes, ratios, stride, rounding="cell"):
    """Width and height of the A anchors of a cell (float32 array [A, 2]); see :class:`AnchorGrid`."""
    sizes, ratios = np.float64(sizes), np.float64(ratios)[:, None]
    if rounding == "cell":
        width = np.floor(np.sqrt(stride * stride / ratios) + 0.5)
        height = np.floor(width * ratios + 0.5)
        shapes = [width * sizes / stride, height * sizes / stride]
    else:
        shapes = [sizes / np.sqrt(ratios), sizes * np.sqrt(ratios)]
    if rounding == "edges":
        shapes = [2 * np.round(side / 2) for side in shapes]
    return np.stack([side.reshape(-1) for side in shapes], axis=1).astype("float32")


def place_shapes(shapes, height, width, stride, offset=0.5):
    """Boxes of these shapes (array [A, 2]) around the cells of a grid, float32 [H*W*A, 4].

    Args:
        shapes (ndarray): widths and heights in pixels.
        height (int | Tensor): H.
        width (int | Tensor): W.
        stride (float): pixels per cell.
        offset (float): the center within a cell.
    """
    halves = paddle.to_tensor(shapes) * 0.5  # [A, 2]
    centers = ((cell_grid(height, width) + offset) * stride).unsqueeze(1)  # [H*W, 1, 2]
    return paddle.concat([centers - halves, centers + halves], axis=-1).reshape([-1, 4])


def flatten_cells(prediction, values):
    """Predictions [N, A * values, H, W] as [N, H*W*A, values], in the order of the anchors."""
    return prediction.transpose([0, 2, 3, 1]).reshape([0, -1, values])


def flatten_levels(scores, deltas, classes, anchors):
    """The predictions of all levels together: scores [N, P, C], deltas [N, P, 4] and anchors [P, 4].

    Args:
        scores (list[Tensor]): of each level, [N, A * C, H, W].
        deltas (list[Tensor]): of each level, [N, A * 4, H, W].
        classes (int): C.
        anchors (list[Tensor]): of each level, [H*W*A, 4].
    """
    scores = paddle.concat([flatten_cells(level, classes) for level in scores], axis=1)
    return scores, paddle.concat([flatten_cells(level, 4) for level in deltas], axis=1), paddle.concat(anchors)
