"""A synthetic detection dataset from installed packages: handwritten digits on photographs and textures.

The digits are those of scikit-learn (E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998;
1797 of 8 x 8 pixels), the backgrounds those of scikit-image.  Training and evaluation share no digit and no background.
"""

import importlib.util
from pathlib import Path

import cv2
import numpy as np

from common.data.transform import random_for
from common.errors import EnvironmentProblem

BACKGROUNDS = {
    "train": (
        *("astronaut.png", "brick.png", "camera.png", "coffee.png", "coins.png", "grass.png"),
        *("hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png", "retina.jpg"),
    ),
    "eval": ("chelsea.png", "gravel.png", "moon.png", "rocket.jpg"),
}
SPLITS = ("train", "eval")
EVAL_SHARE = 0.2  # of the digits of each class
MIN_HEIGHT, MAX_HEIGHT = 1 / 7, 1 / 4  # of a digit, relative to the side of the image
MIN_DIGITS, MAX_DIGITS = 3, 12
EMPTY_SHARE = 0.02  # of images without a digit
CONTRAST = 110  # gray levels between a digit and its background
INK = 0.4  # opacity from which a pixel belongs to the box of a digit


class DigitScenes:
    """Images with pasted digits; every image is a function of (seed, split, index).

    Args:
        size (int): side of the square images in pixels, at least 96.
        seed (int): random seed.
    """

    def __init__(self, size=192, seed=0):
        self.size, self.seed = size, seed
        self.digits = split_digits(seed)
        self.backgrounds = {split: load_backgrounds(split, size) for split in SPLITS}

    def draw(self, split, index):
        """One image and its annotation.

        Args:
            split (str): train or eval.
            index (int): of the image in the split.

        Returns:
            tuple[ndarray, ndarray, ndarray]: RGB uint8 [size, size, 3]; boxes int64 [n, 4] (x1, y1, x2, y2), the
            edges of the pixels covered; digits int64 [n].
        """
        rng = random_for(self.seed, SPLITS.index(split), index)
        image = self._background(split, rng)
        digits, values = self.digits[split]
        boxes, labels = [], []
        count = 0 if rng.random() < EMPTY_SHARE else int(rng.integers(MIN_DIGITS, MAX_DIGITS + 1))
        for _ in range(count):
            which = int(rng.integers(len(values)))
            ink = render(digits[which], self.size, rng)
            corner = find_free_corner(ink.shape, boxes, self.size, rng)
            if corner is not None:
                boxes.append(paste(image, ink, corner, rng))
                labels.append(values[which])
        return image.round().astype(np.uint8), np.array(boxes, np.int64).reshape(-1, 4), np.array(labels, np.int64)

    def _background(self, split, rng):
        """A random crop of a random photograph with random flip and brightness, float32 [size, size, 3]."""
        photos = self.backgrounds[split]
        photo = photos[int(rng.integers(len(photos)))]
        side = int(rng.uniform(1, min(2, min(photo.shape[:2]) / self.size)) * self.size)
        y, x = (int(rng.integers(length - side + 1)) for length in photo.shape[:2])
        crop = cv2.resize(photo[y : y + side, x : x + side], (self.size, self.size), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        return np.clip(crop.astype(np.float32) * rng.uniform(0.6, 1.1) + rng.uniform(-15, 15), 0, 255)


def split_digits(seed):
    """The 8 x 8 digits and their values for each split; a fifth of each class is for evaluation."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise EnvironmentProblem("the digits are part of scikit-learn: pip install scikit-learn") from None
    data = load_digits()
    order = random_for(seed, len(SPLITS)).permutation(len(data.target))
    chosen = {split: [] for split in SPLITS}
    for value in range(10):
        rows = order[data.target[order] == value]
        cut = int(len(rows) * EVAL_SHARE)
        chosen["eval"].extend(rows[:cut])
        chosen["train"].extend(rows[cut:])
    return {split: (data.images[rows].astype(np.float32), data.target[rows]) for split, rows in chosen.items()}


def load_backgrounds(split, size):
    """The photographs of a split as RGB uint8, each side at least `size`."""
    spec = importlib.util.find_spec("skimage")
    if spec is None:
        raise EnvironmentProblem("the backgrounds are part of scikit-image: pip install scikit-image")
    folder = Path(spec.submodule_search_locations[0]) / "data"
    found = []
    for name in BACKGROUNDS[split]:
        path = folder / name
        if not path.is_file():
            raise EnvironmentProblem(f"scikit-image has no {name} (in {folder}); reinstall version 0.26")
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
        scale = max(1.0, size / min(image.shape[:2]))
        found.append(cv2.resize(image, None, fx=scale, fy=scale) if scale > 1 else image)
    return found


def render(digit, size, rng):
    """An enlarged digit, randomly stretched and slanted, cropped to its ink; opacity float32 [h, w]."""
    height = size * rng.uniform(MIN_HEIGHT, MAX_HEIGHT)
    padded = np.pad(digit / 16, 2)
    zoom = 10
    large = cv2.resize(padded, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    center = large.shape[1] / 2
    turn = cv2.getRotationMatrix2D((center, center), rng.uniform(-10, 10), 1)
    turn[0, 1] += rng.uniform(-0.15, 0.15)
    turn[0, 2] -= turn[0, 1] * center * 0.5
    large = np.clip((cv2.warpAffine(large, turn, large.shape[::-1]) - 0.33) * 3, 0, 1)
    rows, columns = np.flatnonzero((large > INK).any(1)), np.flatnonzero((large > INK).any(0))
    large = large[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    width = max(height * 0.25, large.shape[1] / large.shape[0] * height * rng.uniform(0.85, 1.2))
    return cv2.resize(large, (round(width), round(height)), interpolation=cv2.INTER_AREA)


def find_free_corner(shape, boxes, size, rng, margin=3, tries=30):
    """A position where a digit of `shape` with a margin overlaps no box: (x, y), or None if no position is free."""
    h, w = shape
    taken = np.array(boxes, np.int64).reshape(-1, 4)
    for _ in range(tries):
        x, y = int(rng.integers(margin, size - w - margin)), int(rng.integers(margin, size - h - margin))
        across = (taken[:, 0] < x + w + margin) & (taken[:, 2] > x - margin)
        along = (taken[:, 1] < y + h + margin) & (taken[:, 3] > y - margin)
        if not (across & along).any():
            return x, y
    return None


def paste(image, ink, corner, rng):
    """Draws a digit into the image in place, in a light contrasting color with a thin dark halo.

    Returns:
        tuple[int, int, int, int]: its box.
    """
    (x, y), (h, w) = corner, ink.shape
    around = image[y : y + h, x : x + w]
    level = float(around.mean())
    color = contrasting_color(level, rng)
    halo = cv2.GaussianBlur(cv2.dilate(np.pad(ink, 3), np.ones((3, 3), np.uint8)), (5, 5), 0)[..., None] * 0.6
    region = image[y - 3 : y + h + 3, x - 3 : x + w + 3]
    region -= region * halo
    around += (color - around) * ink[..., None]
    return x, y, x + w, y + h


def contrasting_color(level, rng):
    """A random light RGB color, float32 [3], whose luma exceeds a gray level by CONTRAST or more, or near white."""
    weights = np.array([0.299, 0.587, 0.114])
    color, distance = rng.uniform(0, 255, 3), CONTRAST + rng.uniform(0, 40)
    luma = color @ weights
    color = 255 - (255 - color) * (255 - min(255, level + distance)) / (255 - luma)
    return np.clip(color, 0, 255).astype(np.float32)
