"""Batch transforms: multi-scale resizing, padding to the largest image, MixUp and CutMix of class labels."""

import cv2
import numpy as np

from common.data.transform import Transform
from common.vision.geometry import (
    check_interpolation,
    choose_interpolation,
    crop_or_pad,
    parse_size,
    resize_sample,
    stack_masks,
)


class ResizeBatch(Transform):
    """Multi-scale training: resizes all images of a batch to one size drawn at random (YOLOv3).

    Args:
        sizes (list[int] | list[list[int]]): sizes in pixels, each one number or [height, width].
        interp (str): nearest, bilinear, cubic, area, lanczos, or random (one per batch).
    """

    per_batch = True

    def __init__(self, sizes, interp="bilinear"):
        if not len(sizes):
            raise ValueError("ResizeBatch got no sizes")
        self.sizes = [parse_size(size) for size in sizes]
        self.interp = check_interpolation(interp)

    def __call__(self, samples, rng):
        height, width = self.sizes[rng.integers(len(self.sizes)) if len(self.sizes) > 1 else 0]
        interp = choose_interpolation(self.interp, rng)
        return [resize_sample(sample, height, width, interp) for sample in samples]


class PadBatch(Transform):
    """Pads all images of a batch at the bottom and right to the largest height and width in it.

    Works before and after `Normalize`. `im_shape` is the size without padding.

    Args:
        divisor (int): height and width are rounded up to multiples of it.
        fill (float): padding value: a color, 0 to 255, or after `Normalize` a normalized value (0 is the mean).
        ignore (int): class id of the padding in a mask.
    """

    per_batch = True

    def __init__(self, divisor=32, fill=0.0, ignore=255):
        self.divisor = divisor
        self.fill = fill
        self.ignore = ignore

    def __call__(self, samples, rng):
        sizes = [spatial_size(sample["image"]) for sample in samples]
        height, width = (-(-int(most) // self.divisor) * self.divisor for most in np.max(sizes, axis=0))
        for sample in samples:
            sample["image"] = pad_image(sample["image"], height, width, self.fill)
            if "mask" in sample:
                sample["mask"] = crop_or_pad(sample["mask"], 0, 0, height, width, self.ignore)
            if "masks" in sample:
                masks = [crop_or_pad(mask, 0, 0, height, width, 0) for mask in sample["masks"]]
                sample["masks"] = stack_masks(masks, height, width)
        return samples


class MixupLabels(Transform):
    """MixUp for classification: blends images and labels of a batch (https://arxiv.org/abs/1710.09412, eq. 1).

    One lam ~ Beta(alpha, alpha) and one permutation of partners are drawn per batch. Every sample, blended or not,
    gets `soft_label` float32 [num_classes]; `label` is unchanged. Several such transforms can be chained.

    Args:
        num_classes (int): supplied by the dataset.
        alpha (float): parameter of the Beta distribution.
        prob (float): probability of blending a batch.
        label_smoothing (float): label smoothing applied before blending.
    """

    augments = True
    per_batch = True

    def __init__(self, num_classes, alpha=0.2, prob=1.0, label_smoothing=0.0):
        if not alpha > 0:
            raise ValueError(f"{type(self).__name__} got alpha {alpha}; it must be above 0")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"{type(self).__name__} got label_smoothing {label_smoothing}; it must be in [0, 1)")
        self.num_classes = num_classes
        self.alpha = alpha
        self.prob = prob
        self.label_smoothing = label_smoothing

    def __call__(self, samples, rng):
        for sample in samples:
            if "soft_label" not in sample:
                if "label" not in sample:
                    raise ValueError(f"{type(self).__name__} needs class labels; these samples have none")
                sample["soft_label"] = soft_label(sample["label"], self.num_classes, self.label_smoothing)
        if rng.random() >= self.prob:
            return samples
        lam = rng.beta(self.alpha, self.alpha)
        partners = [samples[index] for index in rng.permutation(len(samples))]
        images, lam = self.blend([sample["image"] for sample in samples], [p["image"] for p in partners], lam, rng)
        labels = [
            sample["soft_label"] * np.float32(lam) + partner["soft_label"] * np.float32(1 - lam)
            for sample, partner in zip(samples, partners, strict=True)
        ]
        for sample, image, label in zip(samples, images, labels, strict=True):
            sample["image"], sample["soft_label"] = image, label
        return samples

    def blend(self, images, partners, lam, rng):
        """The blended images, and the weight of the first image's label."""
        return [blend_images(one, other, lam) for one, other in zip(images, partners, strict=True)], lam


class CutMix(MixupLabels):
    """CutMix: pastes a rectangle of another image and mixes labels by area (https://arxiv.org/abs/1905.04899).

    One rectangle and one permutation of partners are drawn per batch; samples get `soft_label` as in `MixupLabels`.

    Args:
        num_classes (int): supplied by the dataset.
        alpha (float): parameter of the Beta distribution of the remaining area.
        prob (float): probability of applying it to a batch.
        label_smoothing (float): label smoothing applied before mixing.
    """

    def __init__(self, num_classes, alpha=1.0, prob=1.0, label_smoothing=0.0):
        super().__init__(num_classes, alpha, prob, label_smoothing)

    def blend(self, images, partners, lam, rng):
        """The mixed images, and the visible fraction of the first image."""
        height, width = spatial_size(images[0])
        side = np.sqrt(1 - lam)
        row, column = rng.integers(height), rng.integers(width)
        y1, y2 = (int(np.clip(row + k * height * side / 2, 0, height)) for k in (-1, 1))
        x1, x2 = (int(np.clip(column + k * width * side / 2, 0, width)) for k in (-1, 1))
        area = (slice(y1, y2), slice(x1, x2))
        area = (slice(None), *area) if is_planar(images[0]) else area
        mixed = [image.copy() for image in images]
        for image, partner in zip(mixed, partners, strict=True):
            image[area] = partner[area]
        return mixed, 1 - (y2 - y1) * (x2 - x1) / (height * width)


def blend_images(one, other, lam):
    """lam * one + (1 - lam) * other, rounded for uint8 images."""
    if one.shape != other.shape:
        raise ValueError(f"images of {one.shape} and {other.shape} cannot be blended; resize them first")
    flat = cv2.addWeighted(one.reshape(len(one), -1), lam, other.reshape(len(other), -1), 1 - lam, 0)
    return flat.reshape(one.shape)


def soft_label(label, num_classes, smoothing=0.0):
    """The smoothed one-hot vector float32 [num_classes] of a class id or of a label vector."""
    if np.ndim(label):
        return (np.asarray(label) * (1 - smoothing) + smoothing / num_classes).astype(np.float32)
    vector = np.full(num_classes, smoothing / num_classes, np.float32)
    vector[int(label)] += np.float32(1 - smoothing)
    return vector


def is_planar(image):
    """True for a float32 image [C, H, W], the output of `Normalize`; False for uint8 or uint16 [H, W, C]."""
    return image.dtype == np.float32


def spatial_size(image):
    """The (height, width) of an image before or after `Normalize`."""
    return image.shape[1:] if is_planar(image) else image.shape[:2]


def pad_image(image, height, width, fill):
    """Pads an image at the bottom and right, before or after `Normalize`."""
    if not is_planar(image):
        return crop_or_pad(image, 0, 0, height, width, fill)
    if image.shape[1:] == (height, width):
        return image
    canvas = np.full((len(image), height, width), fill, image.dtype)
    canvas[:, : image.shape[1], : image.shape[2]] = image
    return canvas
