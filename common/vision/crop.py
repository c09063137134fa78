"""Crop transforms: IoU-constrained, resized, center and random crops. Coordinates as in `common.vision.geometry`."""

import numpy as np

from common.data.transform import Transform
from common.vision.geometry import (
    check_interpolation,
    choose_interpolation,
    clip_boxes,
    keep_boxes,
    parse_size,
    resize_sample,
    window_sample,
)


class RandomCrop(Transform):
    """IoU-constrained random crop for detection (SSD, 1512.02325, section 2.2).

    An IoU threshold, or no crop, is drawn at random; the crop is the first of a number of random windows whose IoU with
    some box reaches the threshold and that contains the center of some box. Without such a window the next threshold is
    tried. Boxes with centers outside the window are dropped, the others are clipped to it. Images without boxes are
    not cropped.

    Args:
        thresholds (list[float]): the IoU thresholds to draw from.
        scaling (list[float]): minimum and maximum scale of the window relative to the image.
        aspect_ratio (list[float]): minimum and maximum width / height relative to the image.
        attempts (int): number of windows per threshold.
        allow_whole (bool): includes no crop in the choices.
        prob (float): probability of applying it.
    """

    augments = True

    def __init__(
        self,
        thresholds=(0.0, 0.1, 0.3, 0.5, 0.7, 0.9),
        scaling=(0.3, 1.0),
        aspect_ratio=(0.5, 2.0),
        attempts=50,
        allow_whole=True,
        prob=1.0,
    ):
        if not 0 < scaling[0] <= scaling[1] <= 1:
            raise ValueError(
                f"RandomCrop got scaling {list(scaling)}; it must be [min, max], both above 0 and at most 1"
            )
        self.thresholds = list(thresholds)
        self.scaling = scaling
        self.aspect_ratio = aspect_ratio
        self.attempts = attempts
        self.allow_whole = allow_whole
        self.prob = prob

    def __call__(self, sample, rng):
        boxes = sample.get("boxes")
        if boxes is None or not len(boxes) or rng.random() >= self.prob:
            return sample
        for choice in rng.permutation(len(self.thresholds) + self.allow_whole):
            if choice == len(self.thresholds):
                return sample
            windows = self.draw_windows(*sample["image"].shape[:2], rng)
            inside = centers_inside(boxes, windows)
            good = (iou(windows, boxes).max(1) >= self.thresholds[choice]) & inside.any(1)
            if good.any():
                found = int(good.argmax())
                left, top, right, bottom = (int(edge) for edge in windows[found])
                keep_boxes(sample, inside[found])
                return window_sample(sample, top, left, bottom - top, right - left)
        return sample

    def draw_windows(self, height, width, rng):
        """Random windows inside the image, with integer coordinates [attempts, 4] (x1, y1, x2, y2)."""
        scale, shape, across, down = rng.random((4, self.attempts), np.float32)
        scale = self.scaling[0] + scale * (self.scaling[1] - self.scaling[0])
        least, most = np.maximum(self.aspect_ratio[0], scale**2), np.minimum(self.aspect_ratio[1], scale**-2)
        root = np.sqrt(least + shape * (most - least))  # neither side exceeds the image
        heights, widths = np.maximum(np.floor(height * scale / root), 1), np.maximum(np.floor(width * scale * root), 1)
        heights, widths = np.minimum(heights, height), np.minimum(widths, width)
        left = np.minimum(np.floor(across * (width - widths + 1)), width - widths)
        top = np.minimum(np.floor(down * (height - heights + 1)), height - heights)
        return np.stack([left, top, left + widths, top + heights], axis=1)


class RandomResizedCrop(Transform):
    """Crop of random area and aspect ratio, resized (GoogLeNet, https://arxiv.org/abs/1409.4842, section 6).

    Args:
        size (int | list[int]): size of the result in pixels, [height, width].
        scale (list[float]): minimum and maximum area of the crop relative to the image.
        ratio (list[float]): minimum and maximum width / height of the crop.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
        attempts (int): maximum number of windows drawn; if none fits, the largest valid center crop is used.
    """

    augments = True

    def __init__(self, size=224, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3), interp="bilinear", attempts=10):
        self.height, self.width = parse_size(size)
        self.scale = scale
        self.ratio = ratio
        self.interp = check_interpolation(interp)
        self.attempts = attempts

    def __call__(self, sample, rng):
        window_sample(sample, *self.draw_window(*sample["image"].shape[:2], rng))
        return resize_sample(sample, self.height, self.width, choose_interpolation(self.interp, rng))

    def draw_window(self, height, width, rng):
        """A random window as (top, left, height, width)."""
        areas = rng.uniform(*self.scale, self.attempts) * height * width
        ratios = np.exp(rng.uniform(*np.log(self.ratio), self.attempts))
        widths, heights = np.rint(np.sqrt(areas * ratios)), np.rint(np.sqrt(areas / ratios))
        fits = np.flatnonzero((widths <= width) & (heights <= height) & (widths > 0) & (heights > 0))
        if not len(fits):
            shape = min(max(width / height, self.ratio[0]), self.ratio[1])
            new_height = min(height, max(round(width / shape), 1))
            new_width = min(width, max(round(height * shape), 1))
            return (height - new_height) // 2, (width - new_width) // 2, new_height, new_width
        new_height, new_width = int(heights[fits[0]]), int(widths[fits[0]])
        top, left = rng.integers(height - new_height + 1), rng.integers(width - new_width + 1)
        return int(top), int(left), new_height, new_width


class CenterCrop(Transform):
    """Center crop of a given size; smaller images are padded.

    Args:
        size (int | list[int]): size in pixels, [height, width].
        fill (float | list[float]): color of the padding, 0 to 255.
        ignore (int): class id of the padding in a mask.
    """

    def __init__(self, size, fill=0, ignore=255):
        self.height, self.width = parse_size(size)
        self.fill = fill
        self.ignore = ignore

    def __call__(self, sample, rng):
        height, width = sample["image"].shape[:2]
        top, left = (height - self.height) // 2, (width - self.width) // 2
        return window_sample(sample, top, left, self.height, self.width, self.fill, self.ignore)


class RandomCropToSize(Transform):
    """Random crop of a given size; smaller images are padded first, at the bottom and right.

    Args:
        size (int | list[int]): size in pixels, [height, width].
        fill (float | list[float]): color of the padding, 0 to 255.
        ignore (int): class id of the padding in a mask.
        max_part (float): maximum fraction of the window that one class of the mask may cover.
        attempts (int): maximum number of windows drawn to satisfy `max_part`; the last one is used in any case.
    """

    augments = True

    def __init__(self, size, fill=0, ignore=255, max_part=1.0, attempts=10):
        self.height, self.width = parse_size(size)
        self.fill = fill
        self.ignore = ignore
        self.max_part = max_part
        self.attempts = attempts

    def __call__(self, sample, rng):
        for _ in range(self.attempts):
            height, width = sample["image"].shape[:2]
            top = int(rng.integers(max(height - self.height, 0) + 1))
            left = int(rng.integers(max(width - self.width, 0) + 1))
            if self.max_part >= 1 or "mask" not in sample or self.is_varied(sample["mask"], top, left):
                break
        return window_sample(sample, top, left, self.height, self.width, self.fill, self.ignore)

    def is_varied(self, mask, top, left):
        """True if no class covers more than `max_part` of a window of the mask."""
        part = mask[top : top + self.height, left : left + self.width]
        counts = np.bincount(part[part != self.ignore].ravel(), minlength=2)
        return counts.max() <= self.max_part * max(counts.sum(), 1)


class DropSmallBoxes(Transform):
    """Clips boxes to the image and drops those smaller than a minimum size.

    Args:
        min_size (float): minimum width and height in pixels.
    """

    def __init__(self, min_size=1.0):
        self.min_size = min_size

    def __call__(self, sample, rng):
        clip_boxes(sample, 0)
        boxes = sample["boxes"]
        return keep_boxes(sample, (boxes[:, 2:] - boxes[:, :2] >= self.min_size).all(1))


def iou(windows, boxes):
    """The pairwise intersection over union [A, n] of windows [A, 4] and boxes [n, 4]."""
    (x1, y1, x2, y2), (left, top, right, bottom) = windows.T[..., None], boxes.T
    across, down = np.minimum(x2, right) - np.maximum(x1, left), np.minimum(y2, bottom) - np.maximum(y1, top)
    overlap = np.maximum(across, 0) * np.maximum(down, 0)
    union = (x2 - x1) * (y2 - y1) + (right - left) * (bottom - top) - overlap
    return overlap / np.maximum(union, np.float32(1e-9))


def centers_inside(boxes, windows):
    """True where the center of a box [n, 4] lies in a window [A, 4], bool [A, n]."""
    (x1, y1, x2, y2), (left, top, right, bottom) = windows.T[..., None], boxes.T
    across, down = (left + right) / 2, (top + bottom) / 2
    return (across >= x1) & (across < x2) & (down >= y1) & (down < y2)
