"""Crops of one person each, for top-down models of keypoints. Coordinates as in `common.vision.geometry`.

Names of keypoints tell which of them are on the left and on the right: `left_eye` and `right_eye`, `l_hip` and `r_hip`.
"""

import re

import numpy as np

from common.data.refusals import bad_file
from common.data.transform import Transform
from common.vision.affine import rotation_matrix
from common.vision.decode import PIXEL_LIMIT
from common.vision.geometry import (
    check_interpolation,
    flip_sample,
    parse_size,
    resize_sample,
    warp_sample,
    window_sample,
)

SIDE = re.compile(r"(?<![a-z])(left|right|l|r)(?![a-z])", re.IGNORECASE)
OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}
LOWER = re.compile(r"hip|knee|ankle|foot|feet|heel|toe|leg|pelvis", re.IGNORECASE)
LOOSE = 1.5  # margin around the joints of half a body
FEWEST = 3  # joints of half a body


class PersonCrop(Transform):
    """Crops the box of a person, wider or higher so that its shape is that of the result, and resizes it.

    The corners of the crop are whole pixels. A sample without a box is cropped whole, without padding. `crop` float32
    [4] is the part (x1, y1, x2, y2) of the image that the result shows, by which a model finds its way back.

    Args:
        size (int | list[int]): of the result in pixels, [height, width].
        padding (float): factor of the height and width of the box.
        fill (float | list[float]): color of what lies outside the image, 0 to 255.
        interp (str): nearest, bilinear, cubic or lanczos.
    """

    def __init__(self, size=(256, 192), padding=1.25, fill=0, interp="bilinear"):
        self.height, self.width = parse_size(size)
        if padding < 1:
            raise ValueError(f"{type(self).__name__} got padding {padding}; it must be at least 1")
        self.size, self.padding, self.fill = size, padding, fill
        self.interp = check_interpolation(interp, more=())

    def __call__(self, sample, rng):
        center, extent = self.place(sample)
        first, last = (np.floor(center + sign * extent / 2 + 0.5) for sign in (-1, 1))  # whole pixels
        (left, top), (width, height) = first.astype(int).tolist(), np.maximum(last - first, 1).astype(int).tolist()
        if height * width > PIXEL_LIMIT:
            message = f"the crop of a person is {width}x{height}, more than {PIXEL_LIMIT} pixels"
            raise bad_file("D103", sample.get("path", "an image"), message, "correct the box")
        window_sample(sample, top, left, height, width, self.fill, min_size=0.0)
        sample["crop"] = np.array([left, top, left + width, top + height], np.float32)
        return resize_sample(sample, self.height, self.width, self.interp)

    def place(self, sample):
        """The center [2] and the extent [2] of the crop in pixels, x and y."""
        if "boxes" in sample and len(sample["boxes"]):
            return self.around(sample["boxes"][0], self.padding)
        height, width = sample["image"].shape[:2]
        return self.around([0, 0, width, height], 1.0)

    def around(self, box, padding):
        """The center and the extent of the crop of a box (x1, y1, x2, y2)."""
        x1, y1, x2, y2 = (float(value) for value in box)
        unit = max((x2 - x1) / self.width, (y2 - y1) / self.height, 1e-3)
        return np.array([(x1 + x2) / 2, (y1 + y2) / 2]), unit * padding * np.array([self.width, self.height])


class RandomPersonCrop(PersonCrop):
    """The same for training: of random scale and rotation, mirrored at random, or of half a body.

    Scale and angle are normally distributed, cut off at one and at two deviations
    (https://arxiv.org/abs/1804.06208, section 3). Half a body (https://arxiv.org/abs/1902.09212, section 4) is a crop
    of the joints from the hips down, or of the others.

    Args:
        labels (list[str]): names of the keypoints, supplied by the dataset.
        size (int | list[int]): as of :class:`PersonCrop`, with padding, fill and interp.
        padding (float): factor of the height and width of the box.
        scale (float): deviation of the factor of the extent.
        rotation (float): deviation of the angle in degrees.
        rotation_prob (float): probability of a rotation.
        flip_prob (float): probability of mirroring, which exchanges left and right keypoints.
        half_body_prob (float): probability of half a body, of people with enough joints.
        half_body_joints (int): labeled joints of a person must be more than these for half a body.
        pairs (list[list[int]] | None): keypoints that are exchanged; None for those that the names tell.
        fill (float | list[float]): color of what lies outside the image, 0 to 255.
        interp (str): nearest, bilinear, cubic or lanczos.
    """

    augments = True

    def __init__(
        self,
        labels,
        size=(256, 192),
        padding=1.25,
        scale=0.3,
        rotation=40.0,
        rotation_prob=0.6,
        flip_prob=0.5,
        half_body_prob=0.0,
        half_body_joints=8,
        pairs=None,
        fill=0,
        interp="bilinear",
    ):
        super().__init__(size, padding, fill, interp)
        if not 0 <= scale < 1:
            raise ValueError(f"RandomPersonCrop got scale {scale}; it must be from 0 to below 1")
        self.scale, self.rotation, self.rotation_prob = scale, rotation, rotation_prob
        self.flip_prob, self.half_body_prob, self.half_body_joints = flip_prob, half_body_prob, half_body_joints
        self.pairs = mirrored_pairs(labels or []) if pairs is None else pairs
        self.lower = np.array([bool(LOWER.search(name)) for name in labels or []], bool)

    def __call__(self, sample, rng):
        half, upper, turned, mirrored = rng.random(4) < [self.half_body_prob, 0.5, self.rotation_prob, self.flip_prob]
        factor, angle = rng.standard_normal(2)
        center, extent = self.place(sample)
        if half and "keypoints" in sample:
            center, extent = self.half_body(sample["keypoints"][0], upper) or (center, extent)
        extent = extent * float(np.clip(1 + self.scale * factor, 1 - self.scale, 1 + self.scale))
        degrees = float(np.clip(angle, -2, 2)) * self.rotation if turned else 0.0
        size = np.array([self.width, self.height])
        linear = rotation_matrix(degrees) * (size / extent)[:, None]
        matrix = np.concatenate([linear, (size / 2 - linear @ center)[:, None]], axis=1)
        sample["crop"] = np.concatenate([center - extent / 2, center + extent / 2]).astype(np.float32)
        warp_sample(sample, matrix, self.height, self.width, self.interp, self.fill, min_size=0.0)
        return flip_sample(sample, True, self.pairs) if mirrored else sample

    def half_body(self, points, upper):
        """The center and the extent of half a body; None for a person of too few joints."""
        seen = points[:, 2] > 0
        if seen.sum() <= self.half_body_joints:
            return None
        halves = [seen & ~self.lower, seen & self.lower]
        chosen = halves[0 if upper else 1]
        chosen = chosen if chosen.sum() >= FEWEST else halves[1 if upper else 0]
        places = points[chosen, :2]
        center = places.mean(0)
        reach = np.ptp(places, axis=0) / 2
        return self.around([*(center - reach), *(center + reach)], LOOSE)


def mirrored_pairs(names):
    """The pairs of keypoints that a mirror exchanges, by their names: [left_eye, right_eye] gives [[0, 1]].

    Args:
        names (list[str]): of the keypoints.
    """
    number_of, found = {name.lower(): k for k, name in enumerate(names)}, []
    for number, name in enumerate(names):
        other = number_of.get(SIDE.sub(lambda match: OTHER[match[0].lower()], name.lower(), count=1))
        if other is not None and other > number:
            found.append([number, other])
    return found


def mirrored_order(names):
    """For each keypoint the one that it becomes in a mirror (list[int])."""
    order = list(range(len(names)))
    for one, other in mirrored_pairs(names):
        order[one], order[other] = other, one
    return order
