"""Geometric augmentation: random flip, expand, scale, affine, rotation. Coordinates as in `common.vision.geometry`."""

import numpy as np

from common.data.transform import Transform
from common.vision.geometry import (
    check_interpolation,
    choose_interpolation,
    flip_sample,
    resize_sample,
    warp_sample,
    window_sample,
)
from common.vision.resize import scale_size


class RandomFlip(Transform):
    """Random horizontal and vertical flip.

    Args:
        prob (float): probability of a horizontal flip.
        vertical_prob (float): probability of a vertical flip.
        pairs (list[list[int]]): keypoints that are swapped by a flip, such as [left eye, right eye].
    """

    augments = True

    def __init__(self, prob=0.5, vertical_prob=0.0, pairs=()):
        self.prob = prob
        self.vertical_prob = vertical_prob
        self.pairs = pairs

    def __call__(self, sample, rng):
        across, down = rng.random(2) < [self.prob, self.vertical_prob]
        if across:
            flip_sample(sample, True, self.pairs)
        if down:
            flip_sample(sample, False, self.pairs)
        return sample


class RandomExpand(Transform):
    """Zoom out: places the image at random on a larger canvas (SSD, 1512.02325, section 3.6).

    Args:
        max_ratio (float): maximum ratio of the canvas size to the image size.
        prob (float): probability of applying it.
        fill (float | list[float]): color of the canvas, 0 to 255.
        ignore (int): class id of the canvas in a mask.
        max_pixels (int): maximum number of pixels of the canvas, which limits the memory for large images.
    """

    augments = True

    def __init__(self, max_ratio=4.0, prob=0.5, fill=(123.7, 116.3, 103.5), ignore=255, max_pixels=2**25):
        if max_ratio < 1:
            raise ValueError(f"RandomExpand got max_ratio {max_ratio}; it must be at least 1")
        self.max_ratio = max_ratio
        self.prob = prob
        self.fill = fill
        self.ignore = ignore
        self.max_pixels = max_pixels

    def __call__(self, sample, rng):
        if rng.random() >= self.prob:
            return sample
        old_height, old_width = sample["image"].shape[:2]
        most = max(min(self.max_ratio, (self.max_pixels / (old_height * old_width)) ** 0.5), 1)
        height, width = scale_size(old_height, old_width, rng.uniform(1, most))
        top, left = rng.integers(height - old_height + 1), rng.integers(width - old_width + 1)
        return window_sample(sample, -int(top), -int(left), height, width, self.fill, self.ignore)


class RandomScale(Transform):
    """Resizes by a random factor, keeping the aspect ratio.

    Args:
        scale (list[float]): minimum and maximum factor; of three numbers or more, each range between two neighbors is
            as probable as the others, such as 0.5 to 1 and 1 to 4 of [0.5, 1, 4].
        step (float): step between the possible factors of two numbers, starting at the minimum; 0 draws uniformly.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    augments = True

    def __init__(self, scale=(0.5, 2.0), step=0.0, interp="bilinear"):
        if len(scale) < 2 or scale[0] <= 0 or list(scale) != sorted(scale):
            raise ValueError(f"RandomScale got scale {list(scale)}; it must be [min, max], both above 0")
        if step > 0 and len(scale) > 2:
            raise ValueError(f"RandomScale got step {step} with scale {list(scale)}; a step is for two numbers")
        self.scale = scale
        self.step = step
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        low, high = self.scale[:2]
        if len(self.scale) > 2:
            part = int(rng.integers(len(self.scale) - 1))
            low, high = self.scale[part : part + 2]
        if self.step > 0:
            factor = low + self.step * rng.integers(int((high - low) / self.step + 1e-6) + 1)
        else:
            factor = rng.uniform(low, high)
        size = scale_size(*sample["image"].shape[:2], factor)
        return resize_sample(sample, *size, choose_interpolation(self.interp, rng))


class RandomAffine(Transform):
    """Random rotation, scale, shear and translation about the center; the image size is unchanged.

    Args:
        degrees (float): maximum rotation angle in either direction.
        shift (float): maximum translation as a fraction of the height and width.
        scale (list[float]): minimum and maximum factor.
        shear (float): maximum shear angle along each axis, in degrees.
        prob (float): probability of applying it.
        fill (float | list[float]): color of pixels outside the image, 0 to 255.
        ignore (int): class id of pixels outside the image in a mask.
        interp (str): nearest, bilinear, cubic, lanczos, or random.
    """

    augments = True

    def __init__(
        self, degrees=10.0, shift=0.1, scale=(0.9, 1.1), shear=2.0, prob=1.0, fill=114, ignore=255, interp="bilinear"
    ):
        self.degrees = degrees
        self.shift = shift
        self.scale = scale
        self.shear = shear
        self.prob = prob
        self.fill = fill
        self.ignore = ignore
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        if rng.random() >= self.prob:
            return sample
        height, width = sample["image"].shape[:2]
        angle, shear_x, shear_y = rng.uniform(-1, 1, 3) * [self.degrees, self.shear, self.shear]
        factor = rng.uniform(*self.scale)
        shift = rng.uniform(-self.shift, self.shift, 2) * [width, height]
        linear = factor * rotation_matrix(angle) @ shear_matrix(shear_x, shear_y)
        matrix = about_center(linear, height, width, shift)
        interp = choose_interpolation(self.interp, rng)
        return warp_sample(sample, matrix, height, width, interp, self.fill, self.ignore)


class RandomRotate(RandomAffine):
    """Random rotation about the center; the image size is unchanged, so corners are cut off.

    Args:
        degrees (float): maximum rotation angle in either direction.
        prob (float): probability of applying it.
        fill (float | list[float]): color of pixels outside the image, 0 to 255.
        ignore (int): class id of pixels outside the image in a mask.
        interp (str): nearest, bilinear, cubic, lanczos, or random.
    """

    def __init__(self, degrees=10.0, prob=0.5, fill=0, ignore=255, interp="bilinear"):
        super().__init__(degrees, 0.0, (1.0, 1.0), 0.0, prob, fill, ignore, interp)


def rotation_matrix(degrees):
    """The rotation matrix [2, 2] for (x, y) with y pointing down: positive angles rotate clockwise."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin], [sin, cos]])


def shear_matrix(degrees_x, degrees_y):
    """The shear matrix [2, 2] along x and y."""
    return np.array([[1.0, np.tan(np.radians(degrees_x))], [np.tan(np.radians(degrees_y)), 1.0]])


def about_center(linear, height, width, shift=(0.0, 0.0)):
    """The affine matrix [2, 3] that applies `linear` about the image center, then translates by `shift` (x, y)."""
    center = np.array([width / 2, height / 2])
    return np.concatenate([linear, (center - linear @ center + shift)[:, None]], axis=1)
