"""Color augmentation of uint8 RGB images, and normalization to the network's float32 [3, H, W]."""

import cv2
import numpy as np

from common.data.transform import Transform
from common.vision.decode import to_gray
from common.vision.geometry import by_channels, fill_color

LUMA = np.array([0.299, 0.587, 0.114])  # Rec. 601
YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
RGB = np.linalg.inv(YIQ)


class Normalize(Transform):
    """Normalizes uint8 [H, W, 3] to float32 [C, H, W]: (pixel * scale - mean) / std, by a lookup table.

    It also moves the channels to the front. No transform of image content may follow it. Images uint16 [H, W, C] of
    `DecodeChannels` may have any number of channels; their pixels count as 0 to 255 too.

    Args:
        mean (list[float]): mean of each channel after scaling; a single value produces a grayscale image [1, H, W].
        std (list[float]): standard deviation of each channel after scaling.
        scale (float): factor applied to the pixels first.
        bgr (bool): produces the channels in the order blue, green, red; `mean` and `std` are in that order too.
    """

    alike = True

    def __init__(self, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), scale=1 / 255, bgr=False):
        if not mean or len(std) != len(mean) or not all(value > 0 for value in std):
            raise ValueError(f"Normalize got mean {list(mean)} and std {list(std)}; both need 1 or 3 values, std > 0")
        if max(mean) > 255 * scale:
            raise ValueError(
                f"Normalize got mean {list(mean)}, but the maximum of pixels times scale {scale:.4g} is "
                f"{255 * scale:.4g}; for mean and std of pixels from 0 to 255 set scale: 1"
            )
        levels = np.arange(256, dtype=np.float64) * scale
        self.mean, self.std, self.scale = mean, std, scale
        self.tables = [((levels - m) / s).astype(np.float32) for m, s in zip(mean, std, strict=True)]
        self.bgr = bgr

    def __call__(self, sample, rng):
        image = sample["image"]
        if image.dtype == np.uint16:
            sample["image"] = self.normalize_16_bits(image)
            return sample
        if image.dtype == np.uint8 and len(self.tables) not in (1, 3):
            raise TypeError(f"Normalize has {len(self.tables)} means for an image of 3 channels; see DecodeChannels")
        if image.dtype != np.uint8:
            raise TypeError(
                f"Normalize needs a uint8 image, got {image.dtype} {image.shape}; is Normalize applied twice?"
            )
        planes = cv2.split(image) if len(self.tables) == 3 else [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)]
        planes = planes[::-1] if self.bgr else planes
        out = np.empty((len(planes), *image.shape[:2]), np.float32)
        for plane, table, target in zip(planes, self.tables, out, strict=True):
            cv2.LUT(plane, table, dst=target)
        sample["image"] = out
        return sample

    def normalize_16_bits(self, image):
        """The normalized image, float32 [C, H, W], of one of any number of channels, uint16 [H, W, C]."""
        if image.shape[2] != len(self.mean):
            raise TypeError(f"Normalize has {len(self.mean)} means for an image of {image.shape[2]} channels")
        planes = image.transpose(2, 0, 1)[:: -1 if self.bgr else 1].astype(np.float32)
        scale, mean, std = (np.float32(value) for value in (self.scale / 257, self.mean, self.std))
        return np.ascontiguousarray((planes * scale - mean[:, None, None]) / std[:, None, None])

    def restore(self, image):
        """The image uint8 [H, W, 3] of a normalized one, float32 [C, H, W]; for display."""
        planes = [
            (plane * std + mean) / self.scale for plane, mean, std in zip(image, self.mean, self.std, strict=True)
        ]
        planes = planes[:1] * 3 if len(planes) < 3 else planes[::-1] if self.bgr else planes[:3]
        return np.clip(np.rint(np.stack(planes, axis=-1)), 0, 255).astype(np.uint8)


class RandomDistort(Transform):
    """Photometric distortion (SSD, https://arxiv.org/abs/1512.02325, section 2.2) in one pass.

    Brightness adds, contrast multiplies, saturation scales the distance from the luma, hue rotates the chroma plane of
    YIQ; each is an affine map of (r, g, b) and is applied with probability `prob`, in random order. The maps are
    composed first, so each pixel is read, rounded and clipped only once.

    Args:
        brightness (float): maximum change of brightness, as a fraction of 255.
        contrast (float): the factor is drawn from 1 - contrast to 1 + contrast.
        saturation (float): the factor is drawn from 1 - saturation to 1 + saturation.
        hue (float): maximum rotation of the hue, in degrees.
        swap (float): probability of permuting the channels.
        prob (float): probability of each of the first four.
    """

    augments = True

    def __init__(self, brightness=0.125, contrast=0.5, saturation=0.5, hue=18.0, swap=0.0, prob=0.5):
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.swap = swap
        self.prob = prob

    def __call__(self, sample, rng):
        need_rgb(sample["image"], self)
        matrix = self.draw(rng)
        if matrix is not None:
            sample["image"] = cv2.transform(sample["image"], matrix.astype(np.float32))
        return sample

    def draw(self, rng):
        """A random affine color map [3, 4]; None for the identity."""
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
    """The color map [4, 4] that adds `amount` (of 255) to every channel."""
    matrix = np.eye(4)
    matrix[:3, 3] = amount
    return matrix


def contrast_map(factor):
    """The color map [4, 4] that multiplies every channel by a factor."""
    return np.diag([factor, factor, factor, 1.0])


def saturation_map(factor):
    """The color map [4, 4] that scales the saturation: 0 is grayscale, 1 the original image."""
    matrix = np.eye(4)
    matrix[:3, :3] = factor * np.eye(3) + (1 - factor) * LUMA
    return matrix


def hue_map(degrees):
    """The color map [4, 4] that rotates the chroma plane of YIQ and preserves the luma."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[:3, :3] = RGB @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ YIQ
    return matrix


class RandomGray(Transform):
    """Random grayscale with three equal channels.

    Args:
        prob (float): probability of applying it.
    """

    augments = True

    def __init__(self, prob=0.1):
        self.prob = prob

    def __call__(self, sample, rng):
        need_rgb(sample["image"], self)
        if rng.random() < self.prob:
            sample["image"] = to_gray(sample["image"])
        return sample


class GaussianBlur(Transform):
    """Gaussian blur with a random standard deviation.

    Args:
        sigma (list[float]): minimum and maximum standard deviation in pixels.
        prob (float): probability of applying it.
    """

    augments = True

    def __init__(self, sigma=(0.1, 2.0), prob=0.5):
        self.sigma = sigma
        self.prob = prob

    def __call__(self, sample, rng):
        if rng.random() < self.prob:
            sigma = rng.uniform(*self.sigma)
            sample["image"] = by_channels(sample["image"], lambda part, _: cv2.GaussianBlur(part, (0, 0), sigma))
        return sample


class RandomErasing(Transform):
    """Random erasing of a rectangle, for classification (https://arxiv.org/abs/1708.04896, algorithm 1).

    Args:
        prob (float): probability of applying it.
        area (list[float]): minimum and maximum area of the rectangle relative to the image.
        ratio (list[float]): minimum and maximum height / width of the rectangle.
        fill (str | float | list[float]): `random` for noise, or a color, 0 to 255.
        attempts (int): maximum number of rectangles drawn until one fits.
    """

    augments = True

    def __init__(self, prob=0.5, area=(0.02, 0.33), ratio=(0.3, 3.33), fill="random", attempts=20):
        if isinstance(fill, str) and fill != "random":
            raise ValueError(f"RandomErasing got fill '{fill}'; it must be 'random' or a color, 0 to 255")
        self.prob = prob
        self.area = area
        self.ratio = ratio
        self.fill = fill
        self.attempts = attempts

    def __call__(self, sample, rng):
        need_rgb(sample["image"], self)
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
                rng.integers(0, 256, part.shape, np.uint8) if self.fill == "random" else fill_color(self.fill)[:3]
            )
            sample["image"] = image
        return sample


def need_rgb(image, transform):
    """Raises TypeError for an image that is not RGB of 8 bits, which a transform of colors cannot change."""
    if image.dtype != np.uint8 or image.shape[2:] != (3,):
        looks = f"{image.dtype}{list(image.shape)}"
        raise TypeError(f"{type(transform).__name__} changes colors of RGB images of 8 bits, not {looks}; leave it out")
