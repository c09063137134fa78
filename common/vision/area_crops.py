"""Crops whose area is a multiple of that of the object, for trackers that learn while tracking.

Boxes of sequences are x, y, width and height in pixels, as in :mod:`common.vision.tracking`.

Shapes in this file:
    Crops of S x S pixels, B boxes that are tried, see :mod:`PaddleCV.models.trackers.atom` for D, C, k and K.
"""

import math

import numpy as np

from common.data.transform import Transform
from common.vision.decode import PIXEL_LIMIT, Decode
from common.vision.tracking import center_of, change_colors, crop_square, read_frame

JITTER = (0.1, 0.1, 0.5, 0.5)  # of the center and the size of boxes, in sizes of the object
TRIES = 100
LEAST_SIDE = 2.0  # pixels of a proposal


class AreaCrops(Transform):
    """The region in which the next frame is searched, and what a tracker begins with before it has learned anything.

    A sample is as for :class:`common.vision.tracking.TrackingCrops`.  Sets `image` float32 [3, S, S], of 0 to 255, and
    `size` float32 [2] of the object; and, always the same, random `projection` and `filter`, `known3` and `known4` of
    ones, and `jitter`, whose first row is zero.  Of a sample of :class:`AreaPair`, for training, `image` is the middle
    of the region, which its loss does not look at.

    Args:
        size (int): S.
        factor (float): side of the region in sizes sqrt(w h) of the object.
        channels (int): D, after the projection.
        depth (int): C, of the features.
        kernel (int): k, of the filter.
        known (int): K, channels of what is known of an object.
        boxes (int): B.
        max_pixels (int): maximum number of pixels of a frame.
    """

    examine = staticmethod(Decode.examine)

    def __init__(
        self, size=224, factor=4.0, channels=64, depth=256, kernel=4, known=256, boxes=10, max_pixels=PIXEL_LIMIT
    ):
        if size < 1 or factor <= 1:
            raise ValueError(f"AreaCrops got size {size} and factor {factor}; 1 or more, and above 1")
        self.size, self.factor, self.max_pixels = size, factor, max_pixels
        rng = np.random.default_rng(0)
        jitter = (rng.random((boxes, 4)) - 0.5) * JITTER
        jitter[0] = 0
        self.beginning = {
            "projection": rng.normal(0, depth**-0.5, (channels, depth)),
            "filter": rng.normal(0, (channels * kernel * kernel) ** -0.5, (channels, kernel, kernel)),
            "known3": np.ones(known),
            "known4": np.ones(known),
            "jitter": jitter,
        }

    def scale_of(self, box):
        """Pixels of the crop for one of the frame, about a box x, y, w, h (float)."""
        return self.size / (self.factor * math.sqrt(float(box[2]) * float(box[3])))

    def __call__(self, sample, rng):
        beginning = {name: value.astype(np.float32) for name, value in self.beginning.items()}
        if "proposals" in sample:
            first = (sample["search"].shape[1] - self.size) // 2
            inner = slice(first, first + self.size)
            return sample | {"image": np.ascontiguousarray(sample["search"][:, inner, inner])} | beginning
        frames, state = sample["frames"], sample.get("state", sample["boxes"][0])
        scale = self.scale_of(state)
        frame = read_frame(frames[min(1, len(frames) - 1)], self.max_pixels)
        sample["image"] = crop_square(frame, center_of(state), self.size / scale, self.size)
        sample["size"] = np.array([state[2] * scale, state[3] * scale], np.float32)
        return sample | beginning


class AreaPair(Transform):
    """Crops of two frames with the box of the object, and boxes that overlap it more or less, for training.

    A sample is as for :class:`common.vision.tracking.TrackingPair`.  Sets `template` and `search` float32 [3, S, S],
    `template_box` float32 [4], `proposals` float32 [B, 4] of the search region, all x1, y1, x2, y2 in pixels of the
    crop, their `overlaps` float32 [B] with the object, and its `size` float32 [2] in the region.

    Args:
        size (int): S.
        factor (float): side of a crop in sizes sqrt(w h) of the object.
        shift (float): the region's center moves by up to half of so many sizes.
        scale (float): the logarithm of its side has this standard deviation.
        gray (float): probability that both become gray.
        brightness (float): the contrast and the brightness of each change by up to this part.
        proposals (int): B.
        least (float): overlap of a proposal.
        sigmas (list[float]): standard deviations of center and size in sizes of the object, one for each proposal.
        max_pixels (int): maximum number of pixels of a frame.
    """

    augments = True
    examine = staticmethod(Decode.examine)

    def __init__(
        self,
        size=288,
        factor=5.0,
        shift=4.5,
        scale=0.5,
        gray=0.05,
        brightness=0.2,
        proposals=16,
        least=0.1,
        sigmas=(0.01, 0.05, 0.1, 0.2, 0.3),
        max_pixels=PIXEL_LIMIT,
    ):
        if size < 1 or factor <= 1 or not 0 <= brightness < 1 or not 0 <= least < 1:
            raise ValueError(f"AreaPair got size {size}, factor {factor}, brightness {brightness} and least {least}")
        self.size, self.factor, self.jitter = size, factor, ((0.0, 0.0), (shift, scale))
        self.gray, self.brightness = gray, brightness
        self.count, self.least, self.sigmas, self.max_pixels = proposals, least, sigmas, max_pixels

    def __call__(self, sample, rng):
        gray, found = rng.random() < self.gray, {}
        for frame, box, name, (shift, scale) in zip(
            sample["frames"], sample["boxes"], ("template", "search"), self.jitter, strict=True
        ):
            frame, (x, y) = read_frame(frame, self.max_pixels), center_of(box)
            reach = math.sqrt(box[2] * box[3]) * math.exp(rng.normal(0, scale) if scale else 0.0)
            moved = (rng.random(2) - 0.5) * shift * reach
            side = self.factor * reach
            crop = crop_square(frame, (x + moved[0], y + moved[1]), side, self.size)
            found[name] = change_colors(crop, gray, self.brightness, rng)
            zoom = self.size / side
            center, half = self.size / 2 - moved * zoom, np.array(box[2:]) * zoom / 2
            found[f"{name}_box"] = np.concatenate([center - half, center + half])
        truth = found.pop("search_box")
        found["size"] = (truth[2:] - truth[:2]).astype(np.float32)
        boxes = [near_box(truth, rng.choice(self.sigmas), self.least, rng) for _ in range(self.count)]
        found["proposals"] = np.array(boxes, np.float32)
        found["overlaps"] = np.array([corner_overlap(box, truth) for box in boxes], np.float32)
        found["template_box"] = found["template_box"].astype(np.float32)
        return {"path": sample["path"]} | found


def near_box(box, sigma, least, rng):
    """A box x1, y1, x2, y2 (float64 [4]) near another one, which it overlaps by `least` or more.

    Args:
        box (ndarray): [4].
        sigma (float): standard deviation of its center and its size, in sizes of the box; less after each try.
        least (float): overlap.
        rng (Generator): decides.
    """
    center, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    for _ in range(TRIES):
        reach = sigma * math.sqrt(size.prod())
        middle, sides = center + rng.normal(0, reach, 2), size + rng.normal(0, reach, 2)
        tried = np.concatenate([middle - sides / 2, middle + sides / 2])
        if sides.min() >= LEAST_SIDE and corner_overlap(tried, box) >= least:
            return tried
        sigma *= 0.9
    return box.copy()


def corner_overlap(one, other):
    """Intersection over union of two boxes x1, y1, x2, y2 (float)."""
    inner = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None).prod()
    return float(inner / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - inner))
