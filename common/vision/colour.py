"""Colour transforms of uint8 RGB pictures, and the step to the network's float32 [3, H, W]."""

import cv2
import numpy as np

from common.data.transform import Transform
from common.vision.decode import without_colour
from common.vision.geometry import colour_of

LUMA = np.array([0.299, 0.587, 0.114])  # Rec. 601
YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
RGB = np.linalg.inv(YIQ)


class Normalize(Transform):
    """Turns uint8 [H, W, 3] into float32 [C, H, W]: (pixel * scale - mean) / std, one table look-up a pixel.

    No other step is needed to put the channels first. The picture must not be changed by other transforms after it.

    Args:
        mean (list[float]): of each channel, after scaling; a single one makes the picture grey, [1, H, W].
        std (list[float]): of each channel, after scaling.
        scale (float): what pixels are multiplied by first.
        bgr (bool): put the channels in the order blue, green, red; `mean` and `std` are in that order too.
    """

    def __init__(self, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), scale=1 / 255, bgr=False):
        if len(mean) not in (1, 3) or len(std) != len(mean) or not all(value > 0 for value in std):
            raise ValueError(f"Normalize got mean {list(mean)} and std {list(std)}; both need 1 or 3 values, std > 0")
        if max(mean) > 255 * scale:
            raise ValueError(
                f"Normalize got mean {list(mean)}, but pixels times scale {scale:.4g} end at {255 * scale:.4g}; "
                "means and deviations of pixels from 0 to 255 take scale: 1"
            )
        levels = np.arange(256, dtype=np.float64) * scale
        self.tables = [((levels - m) / s).astype(np.float32) for m, s in zip(mean, std, strict=True)]
        self.bgr = bgr

    def __call__(self, sample, rng):
        image = sample["image"]
        if image.dtype != np.uint8:
            raise TypeError(
                f"Normalize needs a uint8 picture, got {image.dtype} {image.shape}; is it in the list twice?"
            )
        planes = cv2.split(image) if len(self.tables) == 3 else [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)]
        planes = planes[::-1] if self.bgr else planes
        out = np.empty((len(planes), *image.shape[:2]), np.float32)
        for plane, table, target in zip(planes, self.tables, out, strict=True):
            cv2.LUT(plane, table, dst=target)
        sample["image"] = out
        return sample


class RandomDistort(Transform):
    """Photometric distortion as SSD trains with (https://arxiv.org/abs/1512.02325, section 2.2), in one pass.

    Brightness adds, contrast multiplies, saturation moves away from luma, hue turns the chroma plane of YIQ; each
    is an affine map of (r, g, b) and is applied with probability `prob`, in shuffled order. The maps are multiplied
    together first, so the picture is read once and rounded and clipped once, at the end.

    Args:
        brightness (float): the most that is added or taken away, as a part of 255.
        contrast (float): the factor is drawn from 1 - contrast to 1 + contrast.
        saturation (float): the factor is drawn from 1 - saturation to 1 + saturation.
        hue (float): the most degrees the chroma is turned.
        swap (float): the probability that the channels change places.
        prob (float): the probability of each of the first four.
    """

    def __init__(self, brightness=0.125, contrast=0.5, saturation=0.5, hue=18.0, swap=0.0, prob=0.5):
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.swap = swap
        self.prob = prob

    def __call__(self, sample, rng):
        matrix = self.draw(rng)
        if matrix is not None:
            sample["image"] = cv2.transform(sample["image"], matrix.astype(np.float32))
        return sample

    def draw(self, rng):
        """A random affine map of colours, [3, 4], or None when nothing is to be changed."""
        use = rng.random(5) < [self.prob, self.prob, self.prob, self.prob, self.swap]
        amount = rng.uniform(-1, 1, 4) * [self.brightness * 255, self.contrast, self.saturation, self.hue]
        maps = [
            brightness_map(amount[0]),
            contrast_map(1 + amount[1]),
            saturation_map(1 + amount[2]),
            hue_map(amount[3]),
        ]
        matrix = np.eye(4)
        for index in rng.permutation(4):
            if use[index]:
                matrix = maps[index] @ matrix
        if use[4]:
            matrix = matrix[np.append(rng.permutation(3), 3)]
        return matrix[:3] if use.any() else None


def brightness_map(amount):
    """[4, 4]: adds `amount` (of 255) to every channel."""
    matrix = np.eye(4)
    matrix[:3, 3] = amount
    return matrix


def contrast_map(factor):
    """[4, 4]: multiplies every channel."""
    return np.diag([factor, factor, factor, 1.0])


def saturation_map(factor):
    """[4, 4]: 0 leaves the luma, 1 the picture, more is more colourful."""
    matrix = np.eye(4)
    matrix[:3, :3] = factor * np.eye(3) + (1 - factor) * LUMA
    return matrix


def hue_map(degrees):
    """[4, 4]: turns the chroma plane of YIQ; luma stays."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[:3, :3] = RGB @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ YIQ
    return matrix


class RandomGray(Transform):
    """Takes the colour out of a picture, keeping three equal channels.

    Args:
        prob (float): the probability.
    """

    def __init__(self, prob=0.1):
        self.prob = prob

    def __call__(self, sample, rng):
        if rng.random() < self.prob:
            sample["image"] = without_colour(sample["image"])
        return sample


class GaussianBlur(Transform):
    """Blurs with a Gaussian of random width.

    Args:
        sigma (list[float]): the least and the greatest standard deviation, in pixels.
        prob (float): the probability.
    """

    def __init__(self, sigma=(0.1, 2.0), prob=0.5):
        self.sigma = sigma
        self.prob = prob

    def __call__(self, sample, rng):
        if rng.random() < self.prob:
            sample["image"] = cv2.GaussianBlur(sample["image"], (0, 0), rng.uniform(*self.sigma))
        return sample


class RandomErasing(Transform):
    """Paints over a random rectangle (https://arxiv.org/abs/1708.04896, algorithm 1); for classification.

    Args:
        prob (float): the probability.
        area (list[float]): the least and the greatest part of the picture.
        ratio (list[float]): the least and the greatest height / width of the rectangle.
        fill (str | float | list[float]): `random` for noise, or a colour, 0 to 255.
        attempts (int): rectangles tried until one fits.
    """

    def __init__(self, prob=0.5, area=(0.02, 0.33), ratio=(0.3, 3.33), fill="random", attempts=20):
        if isinstance(fill, str) and fill != "random":
            raise ValueError(f"RandomErasing got fill '{fill}'; it must be 'random' or a colour, 0 to 255")
        self.prob = prob
        self.area = area
        self.ratio = ratio
        self.fill = fill
        self.attempts = attempts

    def __call__(self, sample, rng):
        if rng.random() >= self.prob:
            return sample
        image = sample["image"]
        rows, columns = image.shape[:2]
        areas = rng.uniform(*self.area, self.attempts) * rows * columns
        ratios = np.exp(rng.uniform(*np.log(self.ratio), self.attempts))
        heights, widths = np.rint(np.sqrt(areas * ratios)).astype(int), np.rint(np.sqrt(areas / ratios)).astype(int)
        fits = np.flatnonzero((heights < rows) & (widths < columns) & (heights > 0) & (widths > 0))
        if len(fits):
            height, width = heights[fits[0]], widths[fits[0]]
            top, left = rng.integers(rows - height + 1), rng.integers(columns - width + 1)
            image = np.ascontiguousarray(image)
            part = image[top : top + height, left : left + width]
            part[...] = (
                rng.integers(0, 256, part.shape, np.uint8) if self.fill == "random" else colour_of(self.fill)[:3]
            )
            sample["image"] = image
        return sample
