"""Multi-image augmentation for detection: MixUp and Mosaic. Coordinates as in `common.vision.geometry`."""

import cv2
import numpy as np

from common.data.transform import Transform
from common.vision.geometry import (
    PER_BOX,
    check_interpolation,
    choose_interpolation,
    crop_or_pad,
    parse_size,
    record_shape,
    resize_sample,
    stack_masks,
    window_sample,
)
from common.vision.resize import scale_size


class Mixup(Transform):
    """MixUp for detection: blends two images and keeps all boxes (https://arxiv.org/abs/1902.04103, section 3.1).

    The images are aligned at the top left on a black canvas that contains both. `scores` become the blending weights:
    lam for the boxes of the first image, 1 - lam for those of the second, lam ~ Beta(alpha, alpha). For class labels
    instead of boxes use `MixupLabels`.

    Args:
        alpha (float): parameter of the Beta distribution; above 1 lam concentrates around one half.
        until_epoch (int | None): disables mixing from this epoch on.
        prob (float): probability of applying it.
    """

    augments = True
    extra = 1

    def __init__(self, alpha=1.5, until_epoch=None, prob=1.0):
        if not alpha > 0:
            raise ValueError(f"Mixup got alpha {alpha}; it must be above 0")
        self.alpha = alpha
        self.until_epoch = until_epoch
        self.prob = prob

    def __call__(self, sample, rng, others):
        if "boxes" not in sample:
            raise ValueError("Mixup needs samples with boxes; for class labels use MixupLabels")
        ensure_scores(sample)
        if is_past(self.until_epoch, sample) or rng.random() >= self.prob:
            return sample
        other = ensure_scores(others[0])
        lam = rng.beta(self.alpha, self.alpha)
        height, width = np.maximum(sample["image"].shape[:2], other["image"].shape[:2]).tolist()
        for part, weight in ((sample, lam), (other, 1 - lam)):
            window_sample(part, 0, 0, height, width)
            part["scores"] = part["scores"] * np.float32(weight)
        sample["image"] = cv2.addWeighted(sample["image"], lam, other["image"], 1 - lam, 0)
        return concat_boxes(sample, [sample, other])


class Mosaic(Transform):
    """Mosaic of four images around a random point (YOLOv4, https://arxiv.org/abs/2004.10934, section 3.3).

    Each image is resized to fit `size` times a random factor and placed with a corner at the point; parts outside the
    canvas are cropped, empty parts are filled.

    Args:
        size (int | list[int]): size of the result in pixels, [height, width].
        scale (list[float]): minimum and maximum factor.
        center (list[float]): range of the point, as fractions of the height and width.
        min_size (float): boxes clipped to less than this many pixels are dropped.
        fill (float | list[float]): color of empty parts, 0 to 255.
        ignore (int): class id of empty parts in a mask.
        until_epoch (int | None): disables mixing from this epoch on.
        prob (float): probability of applying it.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    augments = True
    extra = 3

    def __init__(
        self,
        size,
        scale=(0.4, 1.0),
        center=(0.3, 0.7),
        min_size=4.0,
        fill=114,
        ignore=255,
        until_epoch=None,
        prob=1.0,
        interp="bilinear",
    ):
        self.height, self.width = parse_size(size)
        self.scale = scale
        self.center = center
        self.min_size = min_size
        self.fill = fill
        self.ignore = ignore
        self.until_epoch = until_epoch
        self.prob = prob
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng, others):
        if is_past(self.until_epoch, sample) or rng.random() >= self.prob:
            return sample
        row, column = (rng.uniform(*self.center, 2) * [self.height, self.width]).astype(int).tolist()
        corners = [(0, 0), (0, column), (row, 0), (row, column)]
        parts = [sample, *others[:3]]
        for part, (top, left) in zip(parts, corners, strict=True):
            height, width = part["image"].shape[:2]
            factor = min(self.height / height, self.width / width) * rng.uniform(*self.scale)
            resize_sample(part, *scale_size(height, width, factor), choose_interpolation(self.interp, rng))
            height, width = part["image"].shape[:2]
            rows, columns = (self.height - row if top else row), (self.width - column if left else column)
            # the upper images end at the point, the lower ones begin there; likewise left and right
            place = (0 if top else height - rows, 0 if left else width - columns)
            window_sample(part, *place, rows, columns, self.fill, self.ignore, self.min_size)
        return self.assemble(sample, parts, corners)

    def assemble(self, sample, parts, corners):
        """Assembles four samples with corners (top, left) to one."""
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
                masks = [crop_or_pad(mask, -top, -left, self.height, self.width, 0) for mask in part["masks"]]
                part["masks"] = stack_masks(masks, self.height, self.width)
        return concat_boxes(record_shape(sample), parts)


def concat_boxes(sample, parts):
    """Concatenates the per-box arrays of several samples into the first one."""
    for key in PER_BOX:
        if key in sample:
            sample[key] = np.concatenate([part[key] for part in parts])
    return sample


def ensure_scores(sample):
    """Sets the `scores` of a sample to 1 if it has none."""
    if "scores" not in sample:
        sample["scores"] = np.ones(len(sample["boxes"]), np.float32)
    return sample


def is_past(until_epoch, sample):
    """True from epoch `until_epoch` on."""
    return until_epoch is not None and sample.get("epoch", 0) >= until_epoch
