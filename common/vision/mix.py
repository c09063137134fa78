"""Transforms that make one picture with boxes of several. Coordinates as in `image_geometry`."""

import cv2
import numpy as np

from common.data.transform import Transform
from common.vision.geometry import (
    PER_BOX,
    check_interpolation,
    choose_interpolation,
    pair_of,
    resize_sample,
    set_shape,
    stack,
    window,
    window_sample,
)
from common.vision.resize import scaled


class Mixup(Transform):
    """Blends two pictures and keeps the boxes of both (https://arxiv.org/abs/1902.04103, section 3.1).

    The pictures lie corner on corner, on black, in the size that holds both. `scores` become the blend's weights:
    lam for the boxes of the first, 1 - lam for those of the second, with lam drawn from Beta(alpha, alpha).
    For class labels instead of boxes there is `MixupLabels`.

    Args:
        alpha (float): above 1 the blend is near one half.
        until_epoch (int | None): from this epoch on, nothing is mixed.
        prob (float): the probability.
    """

    extra = 1

    def __init__(self, alpha=1.5, until_epoch=None, prob=1.0):
        if not alpha > 0:
            raise ValueError(f"Mixup got alpha {alpha}; it must be above 0")
        self.alpha = alpha
        self.until_epoch = until_epoch
        self.prob = prob

    def __call__(self, sample, rng, others):
        if "boxes" not in sample:
            raise ValueError("Mixup blends pictures with boxes; for class labels there is MixupLabels")
        with_scores(sample)
        if is_over(self.until_epoch, sample) or rng.random() >= self.prob:
            return sample
        other = with_scores(others[0])
        lam = rng.beta(self.alpha, self.alpha)
        height, width = np.maximum(sample["image"].shape[:2], other["image"].shape[:2]).tolist()
        for part, weight in ((sample, lam), (other, 1 - lam)):
            window_sample(part, 0, 0, height, width)
            part["scores"] = part["scores"] * np.float32(weight)
        sample["image"] = cv2.addWeighted(sample["image"], lam, other["image"], 1 - lam, 0)
        return join_boxes(sample, [sample, other])


class Mosaic(Transform):
    """Four pictures around a random point (YOLOv4, https://arxiv.org/abs/2004.10934, section 3.3).

    Each picture is resized to fit `size` times a factor of its own and laid with a corner at the point; what sticks
    out is cut, what stays empty is painted.

    Args:
        size (int | list[int]): pixels of the result, [height, width].
        scale (list[float]): the least and greatest factor.
        centre (list[float]): the point lies between these parts of the height, and of the width.
        min_size (float): a box cut to less than this many pixels is dropped.
        fill (float | list[float]): the colour of what stays empty, 0 to 255.
        ignore (int): the class id of what stays empty in a mask.
        until_epoch (int | None): from this epoch on, nothing is mixed.
        prob (float): the probability.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    extra = 3

    def __init__(
        self,
        size,
        scale=(0.4, 1.0),
        centre=(0.3, 0.7),
        min_size=4.0,
        fill=114,
        ignore=255,
        until_epoch=None,
        prob=1.0,
        interp="bilinear",
    ):
        self.height, self.width = pair_of(size)
        self.scale = scale
        self.centre = centre
        self.min_size = min_size
        self.fill = fill
        self.ignore = ignore
        self.until_epoch = until_epoch
        self.prob = prob
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng, others):
        if is_over(self.until_epoch, sample) or rng.random() >= self.prob:
            return sample
        row, column = (rng.uniform(*self.centre, 2) * [self.height, self.width]).astype(int).tolist()
        corners = [(0, 0), (0, column), (row, 0), (row, column)]
        parts = [sample, *others[:3]]
        for part, (top, left) in zip(parts, corners, strict=True):
            height, width = part["image"].shape[:2]
            factor = min(self.height / height, self.width / width) * rng.uniform(*self.scale)
            resize_sample(part, *scaled(height, width, factor), choose_interpolation(self.interp, rng))
            height, width = part["image"].shape[:2]
            rows, columns = (self.height - row if top else row), (self.width - column if left else column)
            # the upper pictures end at the point, the lower ones begin there; so for left and right
            place = (0 if top else height - rows, 0 if left else width - columns)
            window_sample(part, *place, rows, columns, self.fill, self.ignore, self.min_size)
        return self.assemble(sample, parts, corners)

    def assemble(self, sample, parts, corners):
        """One sample of four that fill the canvas from their corners (top, left)."""
        for key in ("image", "mask"):
            if key in sample:
                canvas = np.empty((self.height, self.width, *sample[key].shape[2:]), np.uint8)
                for part, (top, left) in zip(parts, corners, strict=True):
                    rows, columns = part[key].shape[:2]
                    canvas[top : top + rows, left : left + columns] = part[key]
                sample[key] = canvas
        for part, (top, left) in zip(parts, corners, strict=True):
            if "boxes" in part:
                part["boxes"] = part["boxes"] + np.array([left, top, left, top], np.float32)
            if "keypoints" in part:
                points = part["keypoints"]
                part["keypoints"] = points + (points[..., 2:] > 0) * np.array([left, top, 0], np.float32)
            if "masks" in part:
                masks = [window(mask, -top, -left, self.height, self.width, 0) for mask in part["masks"]]
                part["masks"] = stack(masks, self.height, self.width)
        return join_boxes(set_shape(sample), parts)


def join_boxes(sample, parts):
    """Puts the per-box arrays of several samples one after another into the first."""
    for key in PER_BOX:
        if key in sample:
            sample[key] = np.concatenate([part[key] for part in parts])
    return sample


def with_scores(sample):
    """Gives every box the weight 1 where a sample has no `scores`."""
    if "scores" not in sample:
        sample["scores"] = np.ones(len(sample["boxes"]), np.float32)
    return sample


def is_over(until_epoch, sample):
    """Whether the epoch has come from which nothing is mixed."""
    return until_epoch is not None and sample.get("epoch", 0) >= until_epoch
