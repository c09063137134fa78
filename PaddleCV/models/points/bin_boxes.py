"""Boxes as bins and residuals, seen from points (PointRCNN, https://arxiv.org/abs/1812.04244, section 3.2).

Shapes in this file:
    P points, K bins along x and along z, R bins of the rotation.

A box is (x, y, z, h, w, l, ry), see common/vision/boxes_3d.py.  A prediction of C = 4 K + 1 + 2 R + 3 numbers for a
point holds, one after another: the scores of the bins of x and of z, their residuals along x and along z, the residual
of y, the scores of the bins of the rotation and their residuals, the residuals of h, w and l.
"""

import math

import paddle
from paddle.nn import functional as F


class BinBoxes:
    """The lengths of the bins, and the mean size of an object.

    The bins of the rotation are of a whole turn, the first one around 0. Fine ones divide the quarter turn around 0, as
    of boxes that are nearly in place; a box that points the other way counts as one that points this way.

    Args:
        scope (float): the middle of a box is at most so far from its points, along x and along z, in meters.
        bin_size (float): length of a bin in meters.
        heading_bins (int): R.
        mean_size (list[float]): h, w and l in meters.
        fine (bool): fine bins of the rotation.
    """

    def __init__(self, scope, bin_size, heading_bins, mean_size, fine=False):
        self.scope, self.bin_size, self.heading_bins = scope, bin_size, heading_bins
        self.bins = round(2 * scope / bin_size)
        if abs(self.bins * bin_size - 2 * scope) > 1e-6 or heading_bins < 1 or len(mean_size) != 3:
            raise ValueError(
                f"bins of {bin_size} do not divide {2 * scope}, or there are {heading_bins} heading bins and "
                f"{len(mean_size)} sizes; a bin divides twice the scope, and the sizes are h, w and l"
            )
        self.mean_size = [float(value) for value in mean_size]
        self.turn = math.pi / 2 if fine else 2 * math.pi
        self.before = self.turn / 2 if fine else self.step / 2  # from the beginning of the first bin to the rotation 0
        self.fine, self.channels = fine, 4 * self.bins + 1 + 2 * heading_bins + 3

    @property
    def step(self):
        """The angle of a bin of the rotation."""
        return self.turn / self.heading_bins

    def encode(self, boxes, points):
        """The bins int64 and residuals of boxes, seen from points.

        Args:
            boxes (Tensor): float32 [P, 7].
            points (Tensor): float32 [P, 3].

        Returns:
            dict[str, Tensor]: `x_bin`, `z_bin`, `heading_bin` int64 [P]; `x`, `z`, `y`, `heading` [P], `size` [P, 3].
        """
        found = {}
        for name, axis in (("x", 0), ("z", 2)):
            shift = paddle.clip(boxes[:, axis] - points[:, axis] + self.scope, 0, 2 * self.scope - 1e-3)
            number = paddle.floor(shift / self.bin_size)
            found[f"{name}_bin"] = number.astype("int64")
            found[name] = (shift - (number + 0.5) * self.bin_size) / self.bin_size
        turn = self.from_first_bin(boxes[:, 6])
        number = paddle.clip(paddle.floor(turn / self.step), max=self.heading_bins - 1)
        found["heading_bin"] = number.astype("int64")
        found["heading"] = (turn - (number + 0.5) * self.step) / (self.step / 2)
        found["y"] = boxes[:, 1] - points[:, 1]
        mean = paddle.to_tensor(self.mean_size)
        found["size"] = (boxes[:, 3:6] - mean) / mean
        return found

    def from_first_bin(self, rotation):
        """Rotations [P] counted from the beginning of the first bin, at most :attr:`turn`."""
        if self.fine:
            half = paddle.remainder(rotation + math.pi / 2, paddle.full_like(rotation, math.pi)) - math.pi / 2
            return paddle.clip(half + self.before, 1e-3, self.turn - 1e-3)
        return paddle.remainder(rotation + self.before, paddle.full_like(rotation, self.turn))

    def split(self, predictions):
        """The parts of predictions [..., C] by name, in their order."""
        sizes = [self.bins] * 4 + [1] + [self.heading_bins] * 2 + [3]
        names = ("x_bin", "z_bin", "x", "z", "y", "heading_bin", "heading", "size")
        return dict(zip(names, paddle.split(predictions, sizes, axis=-1)))

    def decode(self, predictions, points):
        """The boxes [N, P, 7] of predictions [N, P, C] at points [N, P, 3]: the best bins, and their residuals."""
        parts = self.split(predictions)
        middle = []
        for name, axis in (("x", 0), ("z", 2)):
            number = parts[f"{name}_bin"].argmax(axis=-1, keepdim=True)
            residual = paddle.take_along_axis(parts[name], number, -1, broadcast=False)
            shift = (number.astype("float32") + 0.5 + residual) * self.bin_size - self.scope
            middle.append(points[:, :, axis : axis + 1] + shift)
        number = parts["heading_bin"].argmax(axis=-1, keepdim=True)
        residual = paddle.take_along_axis(parts["heading"], number, -1, broadcast=False)
        heading = (number.astype("float32") + 0.5) * self.step - self.before + residual * (self.step / 2)
        size = (parts["size"] + 1) * paddle.to_tensor(self.mean_size)
        return paddle.concat([middle[0], points[:, :, 1:2] + parts["y"], middle[1], size, heading], -1)

    def losses(self, predictions, boxes, points):
        """The terms of the loss of points with a box: `bins`, cross entropy, and `residuals`, smooth L1; sums of means.

        Args:
            predictions (Tensor): [P, C].
            boxes (Tensor): float32 [P, 7].
            points (Tensor): float32 [P, 3].
        """
        parts, wanted = self.split(predictions), self.encode(boxes, points)
        bins, residuals = 0.0, F.smooth_l1_loss(parts["y"][:, 0], wanted["y"])
        for name in ("x", "z", "heading"):
            number = wanted[f"{name}_bin"]
            bins = bins + F.cross_entropy(parts[f"{name}_bin"], number)
            mine = paddle.take_along_axis(parts[name], number.unsqueeze(1), 1, broadcast=False)[:, 0]
            residuals = residuals + F.smooth_l1_loss(mine, wanted[name])
        return {"bins": bins, "residuals": residuals + F.smooth_l1_loss(parts["size"], wanted["size"])}
