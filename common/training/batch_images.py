"""Images of a training batch as the network sees them, with the annotations that the samples carry.

`tools/train.py` writes those of the first batches of a run to `plots/`, `tools/check.py --show FOLDER` before a run.
"""

import contextlib
import itertools
from pathlib import Path

import cv2
import numpy as np

from common.build.data import build_loader, class_names
from common.inference.drawing import color_of, draw_name
from common.inference.labels import label_of
from common.training import plotting

FILES = 3  # batches that are shown
MOST = 16  # samples of a batch that are shown
CELL = 320  # pixels of the longer side of an image
LETTERS = 13  # pixels
LEAST_SHARE = 0.05  # of a class among the labels that a mixing transform blends


def write_batch(folder, number, batch, transforms, labels):
    """Writes `train_batch_<number>.jpg`; a batch without images has none.

    Args:
        folder (Path): where to.
        number (int): of the batch.
        batch (dict): of arrays, as the loader yields it; it is not changed.
        transforms (list[Transform]): of the training, whose normalization is undone.
        labels (list[str] | None): class names.

    Returns:
        Path | None: the file.
    """
    images = draw_batch(batch, transforms, labels)
    if not images:
        return None
    path = Path(folder) / f"train_batch_{number}.jpg"
    plotting.draw_mosaic(path, images, cell=CELL)
    return path


def draw_batch(batch, transforms, labels, most=MOST):
    """The images of a batch with their annotations, scaled to the size of a cell.

    A sample may have several images, such as `image_a` and `image_b`, whose annotations are `image_a_boxes` and so on;
    of a clip the first frame is shown.

    Args:
        batch (dict): `image` float32 [N, C, H, W] or uint8 [N, H, W, 3], and what else it has of `boxes`, `labels`,
            `scores` [N, n], `mask` [N, H, W], `masks` [N, n, H, W], `keypoints` [N, n, K, 3], `label`, `soft_label`.
        transforms (list[Transform]): see :func:`write_batch`.
        labels (list[str] | None): class names.
        most (int): samples.

    Returns:
        list[ndarray]: RGB uint8 [h, w, 3].
    """
    keys, found = [key for key, value in batch.items() if is_images(value)], []
    undo = restorers(transforms)
    for row in range(min(most, max((len(batch[key]) for key in keys), default=0))):
        for key in keys:
            image = batch[key][row]
            image = displayed(image[0] if image.ndim == 4 else image, undo.get(key))
            prefix = "" if key == "image" else f"{key}_"
            names = ("boxes", "labels", "scores", "mask", "masks", "keypoints", "label", "soft_label")
            sample = {name: batch[prefix + name][row] for name in names if prefix + name in batch}
            found.append(annotated(image, sample, labels or []))
    return found


def is_images(value):
    """True for arrays of images [N, C, H, W], [N, H, W, 3], or of clips of them."""
    if not isinstance(value, np.ndarray) or value.ndim not in (4, 5) or not len(value):
        return False
    planar = value.dtype == np.float32 and value.shape[-3] in (1, 3)
    return planar or (value.dtype == np.uint8 and value.shape[-1] == 3)


def restorers(transforms):
    """The transform with `restore` that made the images of each key: {key: transform}."""
    found = {}
    for transform in transforms:
        if hasattr(transform, "restore"):
            found["image"] = transform
        for inner in restorers(getattr(transform, "transforms", ())).values():
            found |= dict.fromkeys(getattr(transform, "keys", [getattr(transform, "key", "image")]), inner)
    return found


def displayed(image, transform):
    """An image of a batch as uint8 [H, W, 3]; one that no transform can restore is stretched to its range."""
    if image.dtype == np.uint8:
        return image
    if transform is not None:
        return transform.restore(image)
    low, high = float(image.min()), float(image.max())
    image = np.moveaxis((image - low) * (255 / max(high - low, 1e-6)), 0, -1)
    return np.repeat(image, 3 // image.shape[-1], axis=-1).astype(np.uint8)


def annotated(image, sample, labels):
    """A copy of an image, scaled to the size of a cell, with the annotations of its sample.

    Args:
        image (ndarray): RGB uint8 [H, W, 3].
        sample (dict): its annotations in pixels, see :func:`draw_batch`; boxes whose label is negative are padding.
        labels (list[str]): class names.
    """
    ratio = CELL / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * ratio)), max(1, round(image.shape[0] * ratio)))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_NEAREST)
    if "mask" in sample and sample["mask"].ndim == 2:
        for number in np.setdiff1d(np.unique(sample["mask"]), [0, 255]).tolist():
            tint(image, sample["mask"] == number, color_of(number))
    if "boxes" in sample:
        draw_boxes(image, sample, labels, ratio)
    if text := class_text(sample, labels):
        draw_name(image, text, (0, 0), (40, 40, 40), LETTERS + 2)
    return image


def draw_boxes(image, sample, labels, ratio):
    """Draws boxes with names, weights of mixing, masks and keypoints on a scaled image, in place."""
    numbers = sample.get("labels", np.zeros(len(sample["boxes"]), int))
    for row in np.flatnonzero(np.asarray(numbers) >= 0):
        color, number = color_of(int(numbers[row])), int(numbers[row])
        if "masks" in sample and row < len(sample["masks"]):
            tint(image, sample["masks"][row] > 0, color)
        x1, y1, x2, y2 = (round(float(np.clip(value * ratio, -1e4, 1e5))) for value in sample["boxes"][row])
        cv2.rectangle(image, (x1, y1), (x2, y2), color, 1, cv2.LINE_AA)
        weight = float(sample["scores"][row]) if "scores" in sample else 1.0
        draw_name(image, label_of(number, labels) + f": {weight:.2f}" * (weight != 1), (x1, y1), color, LETTERS)
        for x, y, visible in sample["keypoints"][row] * [ratio, ratio, 1] if "keypoints" in sample else ():
            if visible > 0:
                cv2.circle(image, (round(float(x)), round(float(y))), 3, color, cv2.FILLED, cv2.LINE_AA)


def tint(image, mask, color):
    """Blends a color into the pixels of a mask (bool, of any size), in place."""
    mask = cv2.resize(mask.astype(np.uint8), image.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
    image[mask] = (image[mask] * 0.5 + np.array(color) * 0.5).astype(np.uint8)


def class_text(sample, labels):
    """The class of an image; the shares of its classes where labels are mixed, the largest first."""
    soft = sample.get("soft_label")
    if soft is not None and np.ndim(soft) == 1 and len(soft):
        order = [k for k in np.argsort(-soft, kind="stable")[:3].tolist() if soft[k] >= LEAST_SHARE]
        return ", ".join(f"{label_of(k, labels)}: {soft[k]:.2f}" for k in order)
    label = sample.get("label")
    return label_of(int(label), labels) if isinstance(label, int | np.integer) else ""


def show_batches(config, dataset, folder):
    """Writes the first training batches of a configuration to a folder.

    Args:
        config (Config): checked.
        dataset (object): of `data.train`.
        folder (str | Path): created if missing.

    Returns:
        list[Path]: the files; none for data without images.
    """
    found = []
    settings, labels = config.settings("train"), class_names(dataset)
    with (
        build_loader(config, "train", dataset, settings, training=True) as loader,
        contextlib.closing(loader.epoch(0)) as batches,
    ):
        for number, batch in enumerate(itertools.islice(batches, FILES)):
            found.append(write_batch(folder, number, batch, loader.pipeline.transforms, labels))
    return [path for path in found if path]
