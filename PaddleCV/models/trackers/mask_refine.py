"""The refinement of a mask with the features of the region (https://arxiv.org/abs/1812.05050, figure 9).

Shapes in this file:
    P places, of each the window of every level that it covers: [P, C_i, w_i, w_i]; masks of T x T pixels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

WIDTHS = (4, 16, 32)  # channels of the mask beside the levels 0 to 2
AFTER = (1, 4, 16)  # and after them


class MaskRefine(nn.Layer):
    """A correlation becomes a small mask, which takes in the levels from the coarsest to the finest as it grows.

    Args:
        in_channels (int): of the correlation.
        level_channels (list[int]): C_i.
        windows (list[int]): w_i.
        size (int): T.
    """

    def __init__(self, in_channels, level_channels, windows, size):
        super().__init__()
        self.sizes = [size, *windows[:-1]]  # of the mask after each level
        self.grow = nn.Conv2DTranspose(in_channels, WIDTHS[-1], windows[-1])
        self.beside = nn.LayerList(
            [two_convolutions(wide, max(1, wide // 4), to) for wide, to in zip(level_channels, WIDTHS)]
        )
        self.own = nn.LayerList([two_convolutions(wide, wide, wide) for wide in WIDTHS])
        self.after = nn.LayerList([nn.Conv2D(wide, to, 3, padding=1) for wide, to in zip(WIDTHS, AFTER)])

    def forward(self, column, windows):
        """Logits [P, T, T].

        Args:
            column (Tensor): float32 [P, in_channels, 1, 1], the correlation at each place.
            windows (list[Tensor]): the levels about each place, see :func:`windows_at`.
        """
        mask = self.grow(column)
        for level in reversed(range(len(windows))):
            mask = self.own[level](mask) + self.beside[level](windows[level])
            side = self.sizes[level]
            mask = self.after[level](F.interpolate(mask, size=[side, side], mode="nearest"))
        return mask.squeeze(1)


def two_convolutions(in_channels, hidden, out_channels):
    """Two convolutions of 3x3, each with ReLU."""
    first, second = nn.Conv2D(in_channels, hidden, 3, padding=1), nn.Conv2D(hidden, out_channels, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


def windows_at(level, down, across, side):
    """A window of each of P maps, zero where it lies outside of the map: [P, C, side, side].

    Two products with matrices of 0 and 1, so that a program holds it for any places.

    Args:
        level (Tensor): float32 [P, C, H, W].
        down (Tensor): int64 [P], the first row of each window; may be negative.
        across (Tensor): int64 [P], the first column.
        side (int): of a window.
    """
    rows, columns = chosen_rows(down, side, level.shape[2]), chosen_rows(across, side, level.shape[3])
    part = paddle.matmul(rows.unsqueeze(1), level)  # [P, C, side, W]
    return paddle.matmul(part, columns.unsqueeze(1).transpose([0, 1, 3, 2]))


def chosen_rows(first, count, length):
    """Matrices [P, count, length] whose product takes `count` rows from `first` (int64 [P]) on."""
    wanted = first.reshape([-1, 1, 1]) + paddle.arange(count, dtype="int64").reshape([1, -1, 1])
    return (wanted == paddle.arange(length, dtype="int64").reshape([1, 1, -1])).astype("float32")
