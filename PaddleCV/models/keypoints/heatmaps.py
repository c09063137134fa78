"""Heat maps of keypoints and back (https://arxiv.org/abs/1804.06208, section 2).

Shapes in this file:
    N images, K keypoints, h x w cells of a heat map.
A cell i stands for the position (i + center) of h or w cells, counted from the edge of the image.
"""

import paddle

REACH = 3  # standard deviations from which on a target is 0
QUARTER = 0.25


def draw_heatmaps(positions, height, width, sigma, center):
    """A Gaussian of height 1 around the cell of each keypoint; 0 beyond three standard deviations.

    Args:
        positions (Tensor): float32 [N, K, 2], x and y in cells.
        height (int): h.
        width (int): w.
        sigma (float): standard deviation in cells.
        center (float): position in a cell that it stands for.

    Returns:
        Tensor: float32 [N, K, h, w].
    """
    cells = paddle.floor(positions - center + 0.5)
    rows = one_axis(cells[:, :, 1:], height, sigma)
    columns = one_axis(cells[:, :, :1], width, sigma)
    return rows.unsqueeze(3) * columns.unsqueeze(2)


def one_axis(cells, size, sigma):
    """The Gaussian along one axis, of cells [N, K, 1] to [N, K, size]."""
    away = paddle.arange(size, dtype="float32") - cells
    near = (away.abs() <= REACH * sigma).astype("float32")
    return near * paddle.exp(-(away**2) / (2 * sigma**2))


def find_peaks(heatmaps, center):
    """The peak of each heat map, a quarter of a cell toward the higher neighbor, and its value.

    Args:
        heatmaps (Tensor): float32 [N, K, h, w].
        center (float): position in a cell that it stands for.

    Returns:
        tuple[Tensor, Tensor]: float32 [N, K, 2], x and y in cells from the edge, and float32 [N, K, 1].
    """
    width = heatmaps.shape[3]
    flat = heatmaps.flatten(2)
    best = flat.argmax(axis=2, keepdim=True)
    score = paddle.take_along_axis(flat, best, 2)
    steps = [paddle.take_along_axis(slope.flatten(2), best, 2).sign() for slope in slopes(heatmaps)]
    cells = paddle.concat([best % width, best // width], axis=2).astype("float32")
    return cells + center + QUARTER * paddle.concat(steps, axis=2), score


def slopes(heatmaps):
    """The difference of the neighbors of each cell along x and along y, two [N, K, h, w]; 0 at the edges."""
    pad = paddle.nn.functional.pad
    across = pad(heatmaps[:, :, :, 2:] - heatmaps[:, :, :, :-2], [1, 1, 0, 0])
    down = pad(heatmaps[:, :, 2:] - heatmaps[:, :, :-2], [0, 0, 1, 1])
    return across, down


def mirror_heatmaps(heatmaps, order, center):
    """The heat maps of mirrored images as those of the images: mirrored, with left and right keypoints exchanged.

    Where the center of a cell is not that which it stands for, a mirrored map is moved by the nearest number of cells
    (the original shifts by one).

    Args:
        heatmaps (Tensor): float32 [N, K, h, w].
        order (list[int]): for each keypoint the one that it becomes in a mirror.
        center (float): position in a cell that it stands for.
    """
    found = heatmaps.index_select(paddle.to_tensor(order), axis=1).flip(3)
    shift = round(1 - 2 * center)
    if shift == 0:
        return found
    return paddle.concat([found[..., :shift], found[..., :-shift]], axis=3)
