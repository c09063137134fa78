"""Geometric primitives of samples: resize, crop and pad, warp, flip, applied to image, boxes, masks and keypoints.

Coordinates are continuous: the pixel in row i and column j covers [i, i + 1) x [j, j + 1), and the image
[0, H] x [0, W]. Besides `image`, uint8 [H, W, 3] or uint16 [H, W, C], a sample may contain:
    boxes float32 [n, 4] (x1, y1, x2, y2)    keypoints float32 [n, K, 3] (x, y, visible; 0 is not labeled)
    mask uint8 [H, W] of class ids           masks uint8 [n, H, W] of instances
and further arrays with one row per box, listed in `PER_BOX`.
"""

import cv2
import numpy as np

from common.data.refusals import bad_file
from common.vision.decode import PIXEL_LIMIT

PER_BOX = ("boxes", "labels", "scores", "difficult", "crowd", "areas", "masks", "keypoints")
INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST_EXACT,
    "bilinear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}


def resize_sample(sample, height, width, interp="bilinear"):
    """Resizes a sample to a size in pixels; keeps all boxes. Masks use nearest-neighbor interpolation.

    Raises:
        BadSample: D103, the result would exceed the pixel limit, such as a thin image resized by its short side.
    """
    old_height, old_width = sample["image"].shape[:2]
    if height * width > PIXEL_LIMIT:
        sizes = f"{old_width}x{old_height} would be resized to {width}x{height}"
        raise bad_file("D103", sample.get("path", "an image"), f"{sizes}, more than {PIXEL_LIMIT} pixels", "remove it")
    if (height, width) != (old_height, old_width):
        size, flags = (width, height), INTERPOLATIONS[interp]
        sample["image"] = by_channels(sample["image"], lambda part, _: cv2.resize(part, size, interpolation=flags))
        map_masks(sample, lambda mask: cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT))
        new, old = np.array([[width, height, 1], [old_width, old_height, 1]], np.float32)
        if "boxes" in sample:  # multiplied before divided, so that the image's edge is mapped exactly
            sample["boxes"] = sample["boxes"] * new[[0, 1, 0, 1]] / old[[0, 1, 0, 1]]
        if "keypoints" in sample:
            sample["keypoints"] = sample["keypoints"] * new / old
        if "scale_factor" in sample:
            sample["scale_factor"] = sample["scale_factor"] * new[1::-1] / old[1::-1]
    return record_shape(sample)


def window_sample(sample, top, left, height, width, fill=0, ignore=255, min_size=1.0):
    """Crops or pads a sample to a window with its corner at (top, left), which may be negative.

    Pixels outside the image get the value `fill` (one, or one per channel), and `ignore` in the mask. Boxes are clipped
    to the window; those clipped to less than `min_size` pixels are dropped. A pure crop is a view of the image.
    """
    old_height, old_width = sample["image"].shape[:2]
    if (top, left, height, width) == (0, 0, old_height, old_width):
        return record_shape(sample)
    sample["image"] = crop_or_pad(sample["image"], top, left, height, width, fill)
    if "mask" in sample:
        sample["mask"] = crop_or_pad(sample["mask"], top, left, height, width, ignore)
    if "masks" in sample:
        masks = [crop_or_pad(mask, top, left, height, width, 0) for mask in sample["masks"]]
        sample["masks"] = stack_masks(masks, height, width)
    offset = np.array([left, top], np.float32)
    if "boxes" in sample:
        sample["boxes"] = sample["boxes"] - np.tile(offset, 2)
    if "keypoints" in sample:
        sample["keypoints"] = sample["keypoints"] - np.append(offset, np.float32(0))
    clip_boxes(sample, min_size)
    return record_shape(sample)


def warp_sample(sample, matrix, height, width, interp="bilinear", fill=0, ignore=255, min_size=1.0):
    """Warps a sample by an affine `matrix` [2, 3] from old to new (x, y) into an image of the given size.

    A box becomes the bounding box of its four warped corners; those clipped to less than `min_size` are dropped.
    """
    matrix = np.asarray(matrix, np.float64)
    index = matrix.copy()  # the same map between pixel indexes, whose centers lie at + 0.5
    index[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    flags = INTERPOLATIONS[interp] if interp != "nearest" else cv2.INTER_NEAREST
    size = (width, height)
    sample["image"] = by_channels(
        sample["image"], lambda part, color: cv2.warpAffine(part, index, size, flags=flags, borderValue=color), fill
    )
    if "mask" in sample:
        sample["mask"] = cv2.warpAffine(sample["mask"], index, size, flags=cv2.INTER_NEAREST, borderValue=ignore)
    if "masks" in sample:
        masks = [cv2.warpAffine(mask, index, size, flags=cv2.INTER_NEAREST) for mask in sample["masks"]]
        sample["masks"] = stack_masks(masks, height, width)
    if "boxes" in sample:
        corners = sample["boxes"][:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
        sample["boxes"] = np.concatenate([corners.min(1), corners.max(1)], axis=1).astype(np.float32)
    if "keypoints" in sample:
        points = sample["keypoints"].copy()
        points[..., :2] = points[..., :2] @ matrix[:, :2].T + matrix[:, 2]
        sample["keypoints"] = points
    clip_boxes(sample, min_size)
    return record_shape(sample)


def flip_sample(sample, horizontal, pairs=()):
    """Flips a sample horizontally or vertically; `pairs` are the keypoints that are swapped."""
    code, axis = (1, 0) if horizontal else (0, 1)
    extent = np.float32(sample["image"].shape[1 - axis])
    sample["image"] = by_channels(sample["image"], lambda part, _: cv2.flip(part, code))
    map_masks(sample, lambda mask: cv2.flip(mask, code))
    if "boxes" in sample:
        boxes = sample["boxes"].copy()
        boxes[:, axis], boxes[:, axis + 2] = extent - sample["boxes"][:, axis + 2], extent - sample["boxes"][:, axis]
        sample["boxes"] = boxes
    if "keypoints" in sample:
        order = np.arange(sample["keypoints"].shape[1])
        for one, other in pairs:
            order[one], order[other] = other, one
        points = np.take(sample["keypoints"], order, axis=1)
        points[..., axis] = np.where(points[..., 2] > 0, extent - points[..., axis], points[..., axis])
        sample["keypoints"] = points
    return sample


def clip_boxes(sample, min_size=1.0):
    """Clips boxes to the image, drops those clipped to less than `min_size` pixels, hides keypoints outside."""
    height, width = sample["image"].shape[:2]
    if "keypoints" in sample:
        points = sample["keypoints"]
        inside = (points[..., :2] >= 0).all(-1) & (points[..., 0] < width) & (points[..., 1] < height)
        sample["keypoints"] = np.where((inside & (points[..., 2] > 0))[..., None], points, np.float32(0))
    if "boxes" in sample:
        boxes = sample["boxes"]
        limits = np.array([width, height, width, height], np.float32)
        sample["boxes"] = clipped = np.clip(boxes, np.float32(0), limits)
        small = (clipped[:, 2:] - clipped[:, :2] < min_size).any(1) & (clipped != boxes).any(1)
        if small.any():
            keep_boxes(sample, ~small)
    return sample


def keep_boxes(sample, keep):
    """Selects boxes, by a bool [n] or by indexes, in all per-box arrays."""
    for key in PER_BOX:
        if key in sample:
            sample[key] = np.ascontiguousarray(sample[key][keep])
    return sample


def crop_or_pad(image, top, left, height, width, fill):
    """Crops or pads an array [H, W] or [H, W, C] to a window; a view if the window lies inside the image."""
    y1, x1 = max(top, 0), max(left, 0)
    y2, x2 = min(top + height, image.shape[0]), min(left + width, image.shape[1])
    part = image[y1 : max(y1, y2), x1 : max(x1, x2)]
    if part.shape[:2] == (height, width):
        return part
    if not part.size:
        return np.full((height, width, *image.shape[2:]), np.rint(np.multiply(fill, unit_of(image))), image.dtype)
    borders = (y1 - top, top + height - y2, x1 - left, left + width - x2)
    return by_channels(
        part, lambda some, color: cv2.copyMakeBorder(some, *borders, cv2.BORDER_CONSTANT, value=color), fill
    )


def by_channels(image, change, fill=0):
    """Applies a function of OpenCV, which takes four channels at most, to an image [H, W] or [H, W, C].

    Args:
        image (ndarray): the image.
        change (Callable): from some channels, and the color of new pixels in them, to the result.
        fill (float | list[float]): color of new pixels, 0 to 255.

    Raises:
        ValueError: the color has another number of channels.
    """
    unit = unit_of(image)
    if image.ndim == 2 or image.shape[2] == 3:
        return change(image, fill_color(np.multiply(fill, unit)))
    channels = image.shape[2]
    if np.ndim(fill) and len(fill) != channels:
        raise ValueError(f"fill has {len(fill)} values for images of {channels} channels; one value suits any number")
    colors = np.broadcast_to(np.multiply(fill, unit), channels)
    parts = []  # of three channels, then of one; pairs are interpolated less exactly
    ends = [*range(3, channels + 1, 3), *range(channels - channels % 3 + 1, channels + 1)]
    for first, end in zip([0, *ends], ends):
        some = np.ascontiguousarray(image[..., first:end])
        changed = change(some, fill_color(colors[first:end]))
        parts.append(changed[..., None] if changed.ndim == 2 else changed)
    return np.concatenate(parts, axis=2)


def unit_of(image):
    """The step between two of 256 levels in the pixels of an image: 257 for uint16, else 1."""
    return 257 if image.dtype == np.uint16 else 1


def map_masks(sample, change):
    """Applies a function of one mask [H, W] to `mask` and to each of `masks`, in place."""
    if "mask" in sample:
        sample["mask"] = change(sample["mask"])
    if "masks" in sample and len(sample["masks"]):
        sample["masks"] = np.stack([change(mask) for mask in sample["masks"]])
    elif "masks" in sample:
        sample["masks"] = np.zeros((0, *sample["image"].shape[:2]), np.uint8)


def stack_masks(masks, height, width):
    """Stacks a list of masks to uint8 [n, H, W]."""
    return np.stack(masks) if masks else np.zeros((0, height, width), np.uint8)


def record_shape(sample):
    """Sets `im_shape` to the current image size."""
    sample["im_shape"] = np.array(sample["image"].shape[:2], np.float32)
    return sample


def fill_color(fill):
    """Converts a fill value, or one value per channel, to the four numbers that OpenCV takes."""
    values = [fill] * 3 if np.ndim(fill) == 0 else list(fill)
    return (*(float(value) for value in values), 0.0)


def parse_size(size):
    """Converts a size, one number or [height, width], to two ints; raises ValueError for anything else."""
    sides = (size, size) if np.ndim(size) == 0 else tuple(size)
    if len(sides) != 2 or min(sides) < 1:
        raise ValueError(f"a size must be one number of pixels or [height, width], each at least 1, not {size}")
    return int(sides[0]), int(sides[1])


def choose_interpolation(interp, rng):
    """The name of the interpolation; one drawn at random if `interp` is `random`."""
    return list(INTERPOLATIONS)[rng.integers(len(INTERPOLATIONS))] if interp == "random" else interp


def check_interpolation(interp, more=("random",)):
    """Refuses a name that is neither an interpolation nor in `more`."""
    names = (*INTERPOLATIONS, *more)
    if interp not in names:
        raise ValueError(f"interp is '{interp}'; it must be one of {', '.join(names)}")
    return interp
