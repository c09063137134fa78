"""Probe of evaluation pipelines with synthetic images: random transforms, and those that cannot be undone.

A model that predicts in pixels of the original image is given `im_shape` and `scale_factor` and knows nothing else of
the pre-processing: it divides by the one and clips to the other. The probe does the same with the boxes, the keypoints
and a mark in the pixels of synthetic images, so that it holds for every transform, whatever it is called.
"""

import cv2
import numpy as np

from common.data.transform import random_for
from common.errors import KitError
from common.vision.batch import is_planar

SIZES = ((24, 40), (45, 23), (333, 500))  # height and width; small ones are padded, large ones cropped
DARK, LIGHT = 0, 255
NEEDS_REAL_SAMPLES = (LookupError, ValueError, TypeError, AttributeError, RuntimeError, cv2.error, KitError)


class WatchedRandom:
    """A random number generator that records whether it was used.

    Attributes:
        drawn (bool): a number was drawn.
    """

    def __init__(self):
        self.drawn = False
        self._numbers = random_for(0)

    def __getattr__(self, name):
        self.drawn = True
        return getattr(self._numbers, name)


def examine_pipeline(transforms, inputs):
    """The indexes of the first random transform and of the first one that the model cannot undo, or None.

    Args:
        transforms (list[Transform]): for evaluation or inference, in order of application.
        inputs (Collection[str]): names of the model's inputs; one with `scale_factor` predicts in original pixels.

    Returns:
        tuple[int | None, int | None]: random, not undone.
    """
    return first_random(transforms), first_lasting(transforms) if "scale_factor" in inputs else None


def first_random(transforms):
    """The index of the first transform whose result is random, or None.

    These are random augmentations, those that mix in other samples, and those that draw a number for a synthetic image;
    of a transform with nested ones, these decide.
    """
    sample, readable = synthetic_sample(*SIZES[0], LIGHT), True
    for number, transform in enumerate(transforms):
        inner = getattr(transform, "transforms", None)
        if transform.augments or transform.extra or (inner and first_random(inner) is not None):
            return number
        watched = random_for(0) if inner else WatchedRandom()
        if readable:
            try:
                sample = apply(transform, sample, watched)
            except NEEDS_REAL_SAMPLES:  # the check of the data runs it on one of these
                readable = False
        if getattr(watched, "drawn", False):
            return number
    return None


def first_lasting(transforms):
    """The index of the transform from which on a model cannot map its boxes back to the original image, or None."""
    for height, width in SIZES:
        exact = stages(transforms, height, width)
        if exact and not exact[-1]:
            return len(exact) - next((back for back, good in enumerate(reversed(exact)) if good), len(exact))
    return None


def stages(transforms, height, width):
    """True where positions can be mapped back after each transform (list[bool]); empty where only real samples will do.

    The mark is sought on a dark and on a light ground, because a padding may have the value of one of them.
    """
    samples = [synthetic_sample(height, width, light) for light in (LIGHT, DARK)]
    known, exact = {key: samples[0][key] for key in ("boxes", "keypoints", "mark")}, []
    for transform in transforms:
        try:
            samples = [apply(transform, sample, random_for(0)) for sample in samples]
        except NEEDS_REAL_SAMPLES:
            return []
        if any(key not in sample for sample in samples for key in ("scale_factor", "im_shape")):
            return []
        seen = any(mark_stays(s, known["mark"], light) for s, light in zip(samples, (LIGHT, DARK), strict=True))
        exact.append(is_exact(samples[0], known, height, width) and seen)
    return exact


def apply(transform, sample, rng):
    """A sample after one transform, also of a batch."""
    return transform([sample], rng)[0] if transform.per_batch else transform(sample, rng)


def synthetic_sample(height, width, light):
    """An image with a mark of the value `light` on the opposite one, and boxes and keypoints of known positions."""
    x1, y1, x2, y2 = (round(part * side) for part, side in zip((0.1, 0.15, 0.4, 0.5), (width, height) * 2, strict=True))
    image = np.full((height, width, 3), LIGHT + DARK - light, np.uint8)
    image[y1:y2, x1:x2] = light
    boxes = np.array([[0, 0, width, height], [x1, y1, x2, y2]], np.float32)
    return {
        "path": "a synthetic image",
        "image_id": 0,
        "epoch": 0,
        "image": image,
        "boxes": boxes,
        "labels": np.arange(2),  # tells which boxes are left
        "scores": np.ones(2, np.float32),
        "difficult": np.zeros(2, bool),
        "crowd": np.zeros(2, bool),
        "keypoints": np.array([[[x1, y1, 1]], [[x2, y2, 1]]], np.float32),
        "mark": boxes[1],
    }


def is_exact(sample, known, height, width):
    """True if `scale_factor` and `im_shape` map boxes and keypoints back to the original image of this size."""
    scale = np.asarray(sample["scale_factor"], np.float64)[::-1]
    limits = np.round(np.asarray(sample["im_shape"], np.float64)[::-1] / scale)
    if not np.array_equal(limits, [width, height]) or 0 not in sample["labels"]:
        return False
    left = np.asarray(sample["labels"])
    boxes = np.clip(sample["boxes"].reshape(-1, 2, 2) / scale, 0, limits).reshape(-1, 4)
    points = sample["keypoints"][..., :2] / scale
    seen = sample["keypoints"][..., 2] > 0
    return np.allclose(boxes, known["boxes"][left], atol=0.05) and np.allclose(
        points[seen], known["keypoints"][left][..., :2][seen], atol=0.05
    )


def mark_stays(sample, mark, light):
    """True if the mark lies in the pixels where `scale_factor` says; to a pixel of the original image or the input."""
    image = sample["image"][0] if is_planar(sample["image"]) else sample["image"][..., 0]
    low, high = float(image.min()), float(image.max())
    if low == high:
        return True  # nothing is left to be seen
    part = (np.float64(image) - low) / (high - low)
    rows, columns = np.nonzero(part > 0.75 if light == LIGHT else part < 0.25)
    scale = np.asarray(sample["scale_factor"], np.float64)[::-1]
    found = np.array([columns.min() + columns.max() + 1, rows.min() + rows.max() + 1]) / 2
    return bool((np.abs(found - (mark[:2] + mark[2:]) / 2 * scale) <= np.maximum(1.5, 1.5 * scale)).all())
