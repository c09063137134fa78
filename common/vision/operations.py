"""The operations that augmentation policies are made of; each takes (sample, value, moving) and returns the sample.

`moving` holds `fill`, `ignore` and `interp` for operations that move pixels. What an operation does to colours is
what the function of the same name does in Pillow's `ImageOps` and `ImageEnhance`, one look-up a pixel where possible.
"""

import cv2
import numpy as np

from common.vision.affine import about_centre, rotation
from common.vision.colour import saturation_map
from common.vision.geometry import warp_sample

LEVELS = np.arange(256)
SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
SIGNED = frozenset(
    ("shear_x", "shear_y", "shift_x", "shift_y", "rotate", "brightness", "colour", "contrast", "sharpness")
)


def identity(sample, value, moving):
    """Nothing."""
    return sample


def shear_x(sample, value, moving):
    """Moves each row by `value` times its distance from the middle."""
    return move(sample, moving, linear=[[1, value], [0, 1]])


def shear_y(sample, value, moving):
    """Moves each column by `value` times its distance from the middle."""
    return move(sample, moving, linear=[[1, 0], [value, 1]])


def shift_x(sample, value, moving):
    """Moves the picture to the right by a part of its width."""
    return move(sample, moving, shift=(round(value * sample["image"].shape[1]), 0))


def shift_y(sample, value, moving):
    """Moves the picture down by a part of its height."""
    return move(sample, moving, shift=(0, round(value * sample["image"].shape[0])))


def rotate(sample, value, moving):
    """Turns the picture about its centre by `value` degrees."""
    return move(sample, moving, linear=rotation(value))


def brightness(sample, value, moving):
    """Multiplies every channel by 1 + `value`."""
    return look_up(sample, LEVELS * (1 + value))


def contrast(sample, value, moving):
    """Moves every channel away from the picture's mean luma by the factor 1 + `value`."""
    middle = round(cv2.mean(cv2.cvtColor(sample["image"], cv2.COLOR_RGB2GRAY))[0])
    return look_up(sample, middle + (LEVELS - middle) * (1 + value))


def colour(sample, value, moving):
    """Moves every pixel away from its luma by the factor 1 + `value`."""
    sample["image"] = cv2.transform(sample["image"], saturation_map(1 + value)[:3].astype(np.float32))
    return sample


def sharpness(sample, value, moving):
    """Moves every pixel away from its smoothed self by the factor 1 + `value`; the border stays."""
    image = sample["image"]
    smooth = cv2.filter2D(image, -1, SMOOTH)
    mixed = cv2.addWeighted(image, 1 + value, smooth, -value, 0)
    inner = (slice(1, -1), slice(1, -1))
    sample["image"] = image.copy()
    sample["image"][inner] = mixed[inner]
    return sample


def posterize(sample, value, moving):
    """Clears the lowest bits, `value` of them, rounded."""
    return look_up(sample, LEVELS & (0xFF << round(value)))


def solarize(sample, value, moving):
    """Inverts what is at or above the threshold 256 - `value`."""
    return look_up(sample, np.where(256 - value <= LEVELS, 255 - LEVELS, LEVELS))


def invert(sample, value, moving):
    """Inverts every channel."""
    return look_up(sample, 255 - LEVELS)


def autocontrast(sample, value, moving):
    """Stretches every channel so that its least value becomes 0 and its greatest 255."""
    tables = []
    for counts in histograms(sample["image"]):
        seen = np.flatnonzero(counts)
        low, high = (seen[0], seen[-1]) if len(seen) > 1 else (0, 255)
        tables.append(np.floor((LEVELS - low) * 255 / (high - low) + 1e-9))
    return look_up(sample, np.stack(tables, axis=-1))


def equalize(sample, value, moving):
    """Makes the values of every channel equally frequent, as far as a look-up can."""
    tables = []
    for counts in histograms(sample["image"]):
        seen = counts[counts > 0]
        step = (seen.sum() - seen[-1]) // 255 if len(seen) > 1 else 0
        before = np.cumsum(counts) - counts  # pixels below each level
        tables.append((step // 2 + before) // step if step else LEVELS)
    return look_up(sample, np.stack(tables, axis=-1))


OPERATIONS = {
    operation.__name__: operation
    for operation in (
        *(identity, shear_x, shear_y, shift_x, shift_y, rotate, brightness, contrast),
        *(colour, sharpness, posterize, solarize, invert, autocontrast, equalize),
    )
}


def move(sample, moving, linear=((1, 0), (0, 1)), shift=(0, 0)):
    """Applies a linear map about the centre and a shift (x, y) in pixels; the size stays."""
    height, width = sample["image"].shape[:2]
    matrix = about_centre(np.array(linear, float), height, width, shift)
    return warp_sample(sample, matrix, height, width, **moving)


def look_up(sample, table):
    """Replaces values by a table [256], or [256, 3] with a column a channel, clipped to 0..255."""
    table = np.clip(np.floor(np.asarray(table) + 1e-9), 0, 255).astype(np.uint8)
    sample["image"] = cv2.LUT(sample["image"], table if table.ndim == 1 else table[:, None])
    return sample


def histograms(image):
    """How often each value occurs in each channel, int64 [3, 256]."""
    return [np.bincount(plane.ravel(), minlength=256) for plane in cv2.split(image)]
