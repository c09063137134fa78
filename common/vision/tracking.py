"""Crops around a tracked object: its template, and the region in which the next frame is searched.

Boxes are x, y, width and height in pixels, continuous: pixel i covers i to i + 1.  A crop is square; its side in the
frame grows with the box, `context_side`, so that the object covers the same part of every template.

Shapes in this file:
    F frames of a sequence; templates of T x T and search regions of S x S pixels.
"""

import math

import numpy as np

from common.data.refusals import bad_file
from common.data.transform import Transform
from common.vision.decode import PIXEL_LIMIT, Decode, decode_image, read_image_file
from common.vision.track_masks import read_track_mask

CONTEXT = 0.5  # the part of width + height that is added to each side of a box
HALF = 0.5  # of a pixel of a mask
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def context_side(box, context=CONTEXT):
    """The side of the square around a box, sqrt((w + p)(h + p)) with p = context (w + h), in pixels (float).

    https://arxiv.org/abs/1606.09549, section 3.4.

    Args:
        box (Sequence[float]): x, y, w, h.
        context (float): the part of width + height that is added to each side.
    """
    width, height = float(box[2]), float(box[3])
    margin = context * (width + height)
    return math.sqrt((width + margin) * (height + margin))


def center_of(box):
    """The center (x, y) of a box x, y, w, h."""
    return float(box[0]) + float(box[2]) / 2, float(box[1]) + float(box[3]) / 2


def crop_square(image, center, side, size, fill=None):
    """A square of a frame, resized bilinearly; outside of the frame lies its mean color, or a given value.

    Args:
        image (ndarray): uint8 [H, W, C].
        center (tuple[float, float]): x and y in pixels of the frame.
        side (float): of the square in pixels of the frame.
        size (int): of the crop in pixels.
        fill (float | None): the value outside of the frame.

    Returns:
        ndarray: float32 [C, size, size], 0 to 255.
    """
    if fill is None:
        fill = image.reshape(-1, image.shape[2]).mean(0, dtype=np.float64).astype(np.float32)
    rows, below, down = positions(center[1], side, size, image.shape[0])
    columns, right, across = positions(center[0], side, size, image.shape[1])
    top, bottom = rows, below
    corners = []
    for row in (top, bottom):
        lines = image[np.clip(row, 0, image.shape[0] - 1)]
        for column in (columns, right):
            pixels = lines[:, np.clip(column, 0, image.shape[1] - 1)].astype(np.float32)
            outside = (is_outside(row, image.shape[0])[:, None]) | is_outside(column, image.shape[1])[None]
            pixels[outside] = fill
            corners.append(pixels)
    across, down = across[None, :, None], down[:, None, None]
    upper = corners[0] + (corners[1] - corners[0]) * across
    lower = corners[2] + (corners[3] - corners[2]) * across
    return np.ascontiguousarray((upper + (lower - upper) * down).transpose(2, 0, 1))


def positions(center, side, size, length):
    """The pixels before and after each place of a crop along one axis, and the weight of the second (three arrays).

    Args:
        center (float): of the square.
        side (float): of the square.
        size (int): places of the crop.
        length (int): of the frame along the axis.
    """
    places = center + (np.arange(size) + 0.5 - size / 2) * (side / size) - 0.5
    first = np.floor(np.clip(places, -2, length + 1))
    return first.astype(np.int64), first.astype(np.int64) + 1, np.clip(places - first, 0, 1).astype(np.float32)


def is_outside(numbers, length):
    """True for numbers of pixels that lie before or after a frame of this length."""
    return (numbers < 0) | (numbers >= length)


class TrackingCrops(Transform):
    """The template of the first frame and the search region of the next one, around where the object was.

    A sample is a sequence: `frames`, paths or RGB uint8 [H, W, 3], and `boxes` [F, 4].  The template lies around the
    first box in the first frame; the region around the same place of the second frame (of the first if there is no
    other), or around `state`, the box of the frame before.  Sets `template` float32 [3, T, T] and `search`
    float32 [3, S, S], of 0 to 255, and `size` float32 [2], width and height of the object in pixels of the region.  A
    sample that has its `template` keeps it.

    Args:
        exemplar (int): T, which shows a square of the side `context_side`.
        instance (int): S, of the same scale.
        context (float): see :func:`context_side`.
        max_pixels (int): maximum number of pixels of a frame.
    """

    examine = staticmethod(Decode.examine)

    def __init__(self, exemplar=127, instance=255, context=CONTEXT, max_pixels=PIXEL_LIMIT):
        check_crop_sizes(type(self).__name__, exemplar, instance, context)
        self.exemplar, self.instance, self.context, self.max_pixels = exemplar, instance, context, max_pixels

    def scale_of(self, box):
        """Pixels of the crops for one of the frame, about a box x, y, w, h (float)."""
        return self.exemplar / context_side(box, self.context)

    def __call__(self, sample, rng):
        frames, boxes = sample["frames"], sample["boxes"]
        if "template" not in sample:
            first = read_frame(frames[0], self.max_pixels)
            check_first_box(boxes[0], first, sample)
            sample["template"] = crop_square(
                first, center_of(boxes[0]), context_side(boxes[0], self.context), self.exemplar
            )
        state = sample.get("state", boxes[0])
        scale = self.scale_of(state)
        frame = read_frame(frames[min(1, len(frames) - 1)], self.max_pixels)
        sample["search"] = crop_square(frame, center_of(state), self.instance / scale, self.instance)
        sample["size"] = np.array([state[2] * scale, state[3] * scale], np.float32)
        return sample


class TrackingPair(Transform):
    """A template and a search region of two frames with jitter, for training.

    A sample has `frames`, two paths or images, and `boxes` [2, 4].  Sets `template`, `search` as `TrackingCrops` does,
    `size` float32 [2], and `target` float32 [4]: center x, y, width and height of the object in pixels of the region,
    whose center is (0, 0).  A sample with `mask`, that of the object in the second frame or None, gets `mask` uint8
    [S, S] of the region and `masked` int64, 0 where there was none.

    Args:
        exemplar (int): T.
        instance (int): S.
        context (float): see :func:`context_side`.
        template_shift (float): the template's center moves by up to this part of its side.
        template_scale (float): its side changes by up to this part.
        search_shift (float): the region's center moves by up to this part of the template's side.
        search_scale (float): the region's side changes by up to this part.
        gray (float): probability that both become gray.
        brightness (float): the contrast and the brightness of each change by up to this part.
        flip (float): probability that both are mirrored.
        max_pixels (int): maximum number of pixels of a frame.
    """

    augments = True
    examine = staticmethod(Decode.examine)

    def __init__(
        self,
        exemplar=127,
        instance=255,
        context=CONTEXT,
        template_shift=0.0,
        template_scale=0.0,
        search_shift=0.0,
        search_scale=0.0,
        gray=0.25,
        brightness=0.2,
        flip=0.5,
        max_pixels=PIXEL_LIMIT,
    ):
        check_crop_sizes("TrackingPair", exemplar, instance, context)
        if not (0 <= template_scale < 1 and 0 <= search_scale < 1 and 0 <= brightness < 1):
            raise ValueError("TrackingPair: template_scale, search_scale and brightness are from 0 to below 1")
        self.exemplar, self.instance, self.context, self.max_pixels = exemplar, instance, context, max_pixels
        self.jitter = (template_shift, template_scale), (search_shift, search_scale)
        self.gray, self.brightness, self.flip = gray, brightness, flip

    def __call__(self, sample, rng):
        gray, mirrored = rng.random() < self.gray, rng.random() < self.flip
        parts = zip(sample["frames"], sample["boxes"], ("template", "search"), self.jitter, strict=True)
        for frame, box, name, (shift, scale) in parts:
            frame = read_frame(frame, self.max_pixels)
            size = self.exemplar if name == "template" else self.instance
            side = context_side(box, self.context) * (1 + rng.uniform(-scale, scale))
            moved = rng.uniform(-shift, shift, 2) * side
            center = center_of(box)
            region = (center[0] + moved[0], center[1] + moved[1])
            crop = crop_square(frame, region, side * size / self.exemplar, size)
            crop = change_colors(crop, gray, self.brightness, rng)
            sample[name] = np.ascontiguousarray(crop[:, :, ::-1]) if mirrored else crop
        masks = self.crop_mask(sample, frame, region, side, mirrored) if "mask" in sample else {}
        zoom = self.exemplar / side
        sign = -1 if mirrored else 1
        target = [-moved[0] * zoom * sign, -moved[1] * zoom, box[2] * zoom, box[3] * zoom]
        found = {"target": np.array(target, np.float32), "size": np.array(target[2:], np.float32)}
        return {key: sample[key] for key in ("path", "same", "template", "search") if key in sample} | found | masks

    def crop_mask(self, sample, frame, center, side, mirrored):
        """`mask` and `masked` of a region of a frame, about its center."""
        if sample["mask"] is None:
            return {"mask": np.zeros((self.instance,) * 2, np.uint8), "masked": np.int64(0)}
        mask = read_track_mask(sample["mask"])
        if mask.shape != frame.shape[:2]:
            message = (
                f"the mask is of {mask.shape[1]}x{mask.shape[0]} pixels, its frame of {frame.shape[1]}x{frame.shape[0]}"
            )
            raise bad_file("D111", sample["mask"].get("path", sample["path"]), message)
        crop = crop_square(mask[..., None], center, side * self.instance / self.exemplar, self.instance, 0.0)[0]
        crop = (crop[:, ::-1] if mirrored else crop) >= HALF
        return {"mask": np.ascontiguousarray(crop, np.uint8), "masked": np.int64(1)}


def change_colors(crop, gray, brightness, rng):
    """A crop float32 [3, H, W], gray if asked, whose contrast and brightness change by up to a part."""
    if gray:
        crop = np.repeat(np.tensordot(LUMA, crop, 1)[None], 3, 0)
    contrast, brightness = rng.uniform(-brightness, brightness, 2)
    mean = crop.mean()
    return np.clip((crop - mean) * np.float32(1 + contrast) + mean * np.float32(1 + brightness), 0, 255)


def check_crop_sizes(name, exemplar, instance, context):
    """Raises ValueError for sizes that no crop has."""
    if not 1 <= exemplar <= instance or context < 0:
        raise ValueError(
            f"{name} got exemplar {exemplar}, instance {instance} and context {context}; the exemplar has 1 pixel or "
            "more, the instance is not smaller, the context is 0 or more"
        )


def read_frame(frame, max_pixels=PIXEL_LIMIT):
    """A frame uint8 [H, W, 3], read where it is a path; raises BadSample."""
    if isinstance(frame, np.ndarray):
        return frame
    return decode_image(read_image_file(frame), frame, max_pixels)


def check_first_box(box, frame, sample):
    """Checks the box of the first frame; raises BadSample D113 for one without area, outside of the
    frame, or of more than twice its width or height.

    Args:
        box (Sequence[float]): x, y, w, h.
        frame (ndarray): [H, W, 3].
        sample (dict): with its `path`.
    """
    height, width = frame.shape[:2]
    x, y, w, h = (float(value) for value in box)
    text = ", ".join(f"{value:g}" for value in (x, y, w, h))
    fix = "give x,y,width,height in pixels of this frame"
    if not (math.isfinite(x + y + w + h) and w > 0 and h > 0):
        raise bad_file("D113", sample.get("path", "a sequence"), f"the first box [{text}] has no area", fix=fix)
    if not (x < width and y < height and x + w > 0 and y + h > 0):
        message = f"the first box [{text}] lies outside of the first frame of {width}x{height} pixels"
        raise bad_file("D113", sample.get("path", "a sequence"), message, fix=fix)
    if w > 2 * width or h > 2 * height:
        message = f"the first box [{text}] is larger than the first frame of {width}x{height} pixels"
        raise bad_file("D113", sample.get("path", "a sequence"), message, fix=fix)
