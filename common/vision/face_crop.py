"""Data-anchor-sampling, the crop of face detectors (PyramidBox, https://arxiv.org/abs/1803.07737, section 3.3)."""

import numpy as np

from common.data.transform import Transform
from common.vision.crop import centers_inside
from common.vision.geometry import check_interpolation, choose_interpolation, keep_boxes, resize_sample, window_sample
from common.vision.resize import scale_size


class DataAnchorSampling(Transform):
    """Brings a random face near the scale of a random anchor, and crops a square around it.

    The anchor that is nearest to the face in scale is found; one of the anchors up to the next larger one is drawn, and
    of the scales from half to twice this anchor one: large faces become small ones, of which a dataset has few. Boxes
    with centers outside the square are dropped. Images without boxes are left as they are.

    Args:
        size (int): side of the square in pixels.
        anchors (list[float]): scales of the anchors in pixels, ascending.
        prob (float): probability of applying it.
        fill (float | list[float]): color of pixels outside the image, 0 to 255.
        min_size (float): boxes with a smaller side than this after the crop, in pixels, are dropped.
        interp (str): nearest, bilinear, cubic, area, lanczos, or random.
    """

    augments = True

    def __init__(
        self,
        size=640,
        anchors=(16, 32, 64, 128, 256, 512),
        prob=1.0,
        fill=(123.7, 116.3, 103.5),
        min_size=1.0,
        interp="bilinear",
    ):
        if not len(anchors) or list(anchors) != sorted(anchors) or anchors[0] <= 0:
            raise ValueError(f"DataAnchorSampling got anchors {list(anchors)}; they must be above 0 and ascending")
        self.size = int(size)
        self.anchors = np.array(anchors, np.float64)
        self.prob = prob
        self.fill = fill
        self.min_size = min_size
        self.interp = check_interpolation(interp)

    def __call__(self, sample, rng):
        boxes = sample.get("boxes")
        if boxes is None or not len(boxes) or rng.random() >= self.prob:
            return sample
        chosen = int(rng.integers(len(boxes)))
        scale = self.draw_scale(boxes[chosen], rng)
        interp = choose_interpolation(self.interp, rng)
        if scale < 1:  # resized first: the square may cover many times the image
            resize_sample(sample, *scale_size(*sample["image"].shape[:2], scale), interp)
            crop_around(sample, chosen, self.size, self.fill, rng)
        else:
            crop_around(sample, chosen, max(round(self.size / scale), 1), self.fill, rng)
            resize_sample(sample, self.size, self.size, interp)
        boxes = sample["boxes"]
        return keep_boxes(sample, (boxes[:, 2:] - boxes[:, :2] >= self.min_size).all(1))

    def draw_scale(self, box, rng):
        """The factor that brings a box [4] to the scale that was drawn."""
        side = max(float(np.sqrt((box[2] - box[0]) * (box[3] - box[1]))), 1e-3)
        nearest = int(np.abs(self.anchors - side).argmin())
        anchor = self.anchors[rng.integers(min(nearest + 1, len(self.anchors) - 1) + 1)]
        return rng.uniform(anchor / 2, anchor * 2) / side


def crop_around(sample, chosen, side, fill, rng):
    """Crops a random square that holds the chosen box, or lies inside it if the box is larger."""
    x1, y1, x2, y2 = np.float64(sample["boxes"][chosen])
    left, top = (draw_start(low, high, side, rng) for low, high in ((x1, x2), (y1, y2)))
    window = np.array([[left, top, left + side, top + side]], np.float32)
    keep_boxes(sample, centers_inside(sample["boxes"], window)[0])
    return window_sample(sample, top, left, side, side, fill)


def draw_start(low, high, side, rng):
    """The first pixel of a random interval of `side` pixels that holds [low, high], or lies inside it."""
    first, last = sorted((int(np.ceil(high)) - side, int(np.floor(low))))
    return int(rng.integers(first, last + 1))
