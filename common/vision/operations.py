"""The operations of augmentation policies; each takes (sample, value, moving) and returns the sample.

`moving` contains `fill`, `ignore` and `interp` for geometric operations. Color operations are equivalent to the
functions of the same names in Pillow's `ImageOps` and `ImageEnhance`, implemented with lookup tables where possible.
"""

import cv2
import numpy as np

from common.vision.affine import about_center, rotation_matrix
from common.vision.color import saturation_map
from common.vision.geometry import warp_sample

LEVELS = np.arange(256)
SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
SIGNED = frozenset(
    ("shear_x", "shear_y", "shift_x", "shift_y", "rotate", "brightness", "color", "contrast", "sharpness")
)


def identity(sample, value, moving):
    """Returns the sample unchanged."""
    return sample


def shear_x(sample, value, moving):
    """Shears along x by the factor `value` about the center."""
    return warp_about_center(sample, moving, linear=[[1, value], [0, 1]])


def shear_y(sample, value, moving):
    """Shears along y by the factor `value` about the center."""
    return warp_about_center(sample, moving, linear=[[1, 0], [value, 1]])


def shift_x(sample, value, moving):
    """Translates the image to the right by a fraction of its width."""
    return warp_about_center(sample, moving, shift=(round(value * sample["image"].shape[1]), 0))


def shift_y(sample, value, moving):
    """Translates the image down by a fraction of its height."""
    return warp_about_center(sample, moving, shift=(0, round(value * sample["image"].shape[0])))


def rotate(sample, value, moving):
    """Rotates the image about its center by `value` degrees."""
    return warp_about_center(sample, moving, linear=rotation_matrix(value))


def brightness(sample, value, moving):
    """Multiplies every channel by 1 + `value`."""
    return apply_table(sample, LEVELS * (1 + value))


def contrast(sample, value, moving):
    """Scales the distance of every channel from the mean luma of the image by 1 + `value`."""
    middle = round(cv2.mean(cv2.cvtColor(sample["image"], cv2.COLOR_RGB2GRAY))[0])
    return apply_table(sample, middle + (LEVELS - middle) * (1 + value))


def color(sample, value, moving):
    """Scales the distance of every pixel from its luma by 1 + `value`."""
    sample["image"] = cv2.transform(sample["image"], saturation_map(1 + value)[:3].astype(np.float32))
    return sample


def sharpness(sample, value, moving):
    """Scales the distance of every pixel from the smoothed image by 1 + `value`; border pixels are unchanged."""
    image = sample["image"]
    smooth = cv2.filter2D(image, -1, SMOOTH)
    mixed = cv2.addWeighted(image, 1 + value, smooth, -value, 0)
    inner = (slice(1, -1), slice(1, -1))
    sample["image"] = image.copy()
    sample["image"][inner] = mixed[inner]
    return sample


def posterize(sample, value, moving):
    """Clears the lowest `value` bits (rounded)."""
    return apply_table(sample, LEVELS & (0xFF << round(value)))


def solarize(sample, value, moving):
    """Inverts values at or above the threshold 256 - `value`."""
    return apply_table(sample, np.where(256 - value <= LEVELS, 255 - LEVELS, LEVELS))


def invert(sample, value, moving):
    """Inverts every channel."""
    return apply_table(sample, 255 - LEVELS)


def autocontrast(sample, value, moving):
    """Stretches every channel so that its minimum becomes 0 and its maximum 255."""
    tables = []
    for counts in histograms(sample["image"]):
        seen = np.flatnonzero(counts)
        low, high = (seen[0], seen[-1]) if len(seen) > 1 else (0, 255)
        tables.append(np.floor((LEVELS - low) * 255 / (high - low) + 1e-9))
    return apply_table(sample, np.stack(tables, axis=-1))


def equalize(sample, value, moving):
    """Histogram equalization of every channel."""
    tables = []
    for counts in histograms(sample["image"]):
        seen = counts[counts > 0]
        step = (seen.sum() - seen[-1]) // 255 if len(seen) > 1 else 0
        before = np.cumsum(counts) - counts  # pixels below each level
        tables.append((step // 2 + before) // step if step else LEVELS)
    return apply_table(sample, np.stack(tables, axis=-1))


OPERATIONS = {
    operation.__name__: operation
    for operation in (
        *(identity, shear_x, shear_y, shift_x, shift_y, rotate, brightness, contrast),
        *(color, sharpness, posterize, solarize, invert, autocontrast, equalize),
    )
}


def warp_about_center(sample, moving, linear=((1, 0), (0, 1)), shift=(0, 0)):
    """Applies a linear map about the center and a translation (x, y) in pixels; the size is unchanged."""
    height, width = sample["image"].shape[:2]
    matrix = about_center(np.array(linear, float), height, width, shift)
    return warp_sample(sample, matrix, height, width, **moving)


def apply_table(sample, table):
    """Applies a lookup table [256], or [256, 3] with one column per channel, clipped to 0..255."""
    table = np.clip(np.floor(np.asarray(table) + 1e-9), 0, 255).astype(np.uint8)
    sample["image"] = cv2.LUT(sample["image"], table if table.ndim == 1 else table[:, None])
    return sample


def histograms(image):
    """The histogram of each channel, int64 [3, 256]."""
    return [np.bincount(plane.ravel(), minlength=256) for plane in cv2.split(image)]
