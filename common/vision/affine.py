"""Random flips, scales, rotations and other affine moves of a sample. Coordinates as in `image_geometry`."""

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
from common.vision.resize import scaled


class RandomFlip(Transform):
    """Mirrors a sample left to right with one probability, and upside down with another.

    Args:
        prob (float): the probability of left to right.
        vertical_prob (float): the probability of upside down.
        pairs (list[list[int]]): keypoints that change names in a mirror, such as [left eye, right eye].
    """

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
    """Puts the picture somewhere on a larger canvas, which makes small objects (SSD, 1512.02325, section 3.6).

    Args:
        max_ratio (float): the canvas has up to this many times the height and width.
        prob (float): the probability.
        fill (float | list[float]): the colour of the canvas, 0 to 255.
        ignore (int): the class id of the canvas in a mask.
        max_pixels (int): the canvas of a large picture stays under this, so that no memory of gigabytes is needed.
    """

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
        height, width = scaled(old_height, old_width, rng.uniform(1, most))
        top, left = rng.integers(height - old_height + 1), rng.integers(width - old_width + 1)
        return window_sample(sample, -int(top), -int(left), height, width, self.fill, self.ignore)


class RandomScale(Transform):
    """Resizes by a random factor, keeping the picture's shape.

    Args:
        scale (list[float]): the least and the greatest factor.
        step (float): factors are whole steps from the least one; 0 draws any factor between.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    def __init__(self, scale=(0.5, 2.0), step=0.0, interp="bilinear"):
        if not 0 < scale[0] <= scale[1]:
            raise ValueError(f"RandomScale got scale {list(scale)}; it must be [least, greatest] above 0")
        self.scale = scale
        self.step = step
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        low, high = self.scale
        if self.step > 0:
            factor = low + self.step * rng.integers(int((high - low) / self.step + 1e-6) + 1)
        else:
            factor = rng.uniform(low, high)
        size = scaled(*sample["image"].shape[:2], factor)
        return resize_sample(sample, *size, choose_interpolation(self.interp, rng))


class RandomAffine(Transform):
    """Rotates, scales, shears and shifts about the centre; the size of the picture stays.

    Args:
        degrees (float): the most it is rotated, either way.
        shift (float): the most it is moved, as a part of the height and width.
        scale (list[float]): the least and the greatest factor.
        shear (float): the most degrees it is sheared, along each axis.
        prob (float): the probability.
        fill (float | list[float]): the colour of what comes into view, 0 to 255.
        ignore (int): the class id of what comes into view in a mask.
        interp (str): nearest, bilinear, cubic, lanczos, or random.
    """

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
        linear = factor * rotation(angle) @ shearing(shear_x, shear_y)
        matrix = about_centre(linear, height, width, shift)
        interp = choose_interpolation(self.interp, rng)
        return warp_sample(sample, matrix, height, width, interp, self.fill, self.ignore)


class RandomRotate(RandomAffine):
    """Rotates about the centre; the size of the picture stays, so corners are lost.

    Args:
        degrees (float): the most it is rotated, either way.
        prob (float): the probability.
        fill (float | list[float]): the colour of what comes into view, 0 to 255.
        ignore (int): the class id of what comes into view in a mask.
        interp (str): nearest, bilinear, cubic, lanczos, or random.
    """

    def __init__(self, degrees=10.0, prob=0.5, fill=0, ignore=255, interp="bilinear"):
        super().__init__(degrees, 0.0, (1.0, 1.0), 0.0, prob, fill, ignore, interp)


def rotation(degrees):
    """[2, 2] of (x, y) with y down: positive turns clockwise as seen."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin], [sin, cos]])


def shearing(degrees_x, degrees_y):
    """[2, 2]: x moves with y, and y with x."""
    return np.array([[1.0, np.tan(np.radians(degrees_x))], [np.tan(np.radians(degrees_y)), 1.0]])


def about_centre(linear, height, width, shift=(0.0, 0.0)):
    """The affine map [2, 3] that applies `linear` about a picture's centre, then moves it by `shift` (x, y)."""
    centre = np.array([width / 2, height / 2])
    return np.concatenate([linear, (centre - linear @ centre + shift)[:, None]], axis=1)
