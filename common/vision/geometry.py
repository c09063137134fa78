"""Four ways to move a sample, each carrying its boxes, masks and keypoints along; the transforms are made of these.

Coordinates are continuous: the pixel in row i and column j covers [i, i + 1) x [j, j + 1), and the picture
[0, H] x [0, W]. A sample may hold, besides `image` uint8 [H, W, 3]:
    boxes float32 [n, 4] (x1, y1, x2, y2)    keypoints float32 [n, K, 3] (x, y, visible; 0 is not labelled)
    mask uint8 [H, W] of class ids           masks uint8 [n, H, W] of instances
and further arrays with one row a box, named in `PER_BOX`.
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
    """Scales a sample to a size in pixels; no box is dropped. Masks take the nearest value.

    Raises:
        BadSample: D103, it would have more pixels than any picture may: a thin one whose short side is to grow.
    """
    old_height, old_width = sample["image"].shape[:2]
    if height * width > PIXEL_LIMIT:
        sizes = f"{old_width}x{old_height} would be resized to {width}x{height}"
        raise bad_file(
            "D103", sample.get("path", "a picture"), f"{sizes}, more than {PIXEL_LIMIT} pixels", "leave it out"
        )
    if (height, width) != (old_height, old_width):
        sample["image"] = cv2.resize(sample["image"], (width, height), interpolation=INTERPOLATIONS[interp])
        each_mask(sample, lambda mask: cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT))
        new, old = np.array([[width, height, 1], [old_width, old_height, 1]], np.float32)
        if "boxes" in sample:  # multiplied before divided, so that the picture's edge comes out exactly
            sample["boxes"] = sample["boxes"] * new[[0, 1, 0, 1]] / old[[0, 1, 0, 1]]
        if "keypoints" in sample:
            sample["keypoints"] = sample["keypoints"] * new / old
        if "scale_factor" in sample:
            sample["scale_factor"] = sample["scale_factor"] * new[1::-1] / old[1::-1]
    return set_shape(sample)


def window_sample(sample, top, left, height, width, fill=0, ignore=255, min_size=1.0):
    """Looks at a sample through a window whose corner lies at (top, left), which may be negative.

    What lies outside the picture is painted `fill` (a value, or one a channel) and `ignore` in the mask. Boxes are
    clipped to the window; one that is cut to less than `min_size` pixels is dropped. Only crops: the image stays a
    view of the larger one.
    """
    old_height, old_width = sample["image"].shape[:2]
    if (top, left, height, width) == (0, 0, old_height, old_width):
        return set_shape(sample)
    sample["image"] = window(sample["image"], top, left, height, width, fill)
    if "mask" in sample:
        sample["mask"] = window(sample["mask"], top, left, height, width, ignore)
    if "masks" in sample:
        masks = [window(mask, top, left, height, width, 0) for mask in sample["masks"]]
        sample["masks"] = stack(masks, height, width)
    offset = np.array([left, top], np.float32)
    if "boxes" in sample:
        sample["boxes"] = sample["boxes"] - np.tile(offset, 2)
    if "keypoints" in sample:
        sample["keypoints"] = sample["keypoints"] - np.append(offset, np.float32(0))
    clip_boxes(sample, min_size)
    return set_shape(sample)


def warp_sample(sample, matrix, height, width, interp="bilinear", fill=0, ignore=255, min_size=1.0):
    """Moves a sample by an affine map, `matrix` [2, 3] from old to new (x, y), into a picture of the given size.

    A box becomes the box around its four moved corners; one that is cut to less than `min_size` pixels is dropped.
    """
    matrix = np.asarray(matrix, np.float64)
    index = matrix.copy()  # the same map between the indexes of pixels, whose centres lie at + 0.5
    index[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    flags = INTERPOLATIONS[interp] if interp != "nearest" else cv2.INTER_NEAREST
    size = (width, height)
    sample["image"] = cv2.warpAffine(sample["image"], index, size, flags=flags, borderValue=colour_of(fill))
    if "mask" in sample:
        sample["mask"] = cv2.warpAffine(sample["mask"], index, size, flags=cv2.INTER_NEAREST, borderValue=ignore)
    if "masks" in sample:
        masks = [cv2.warpAffine(mask, index, size, flags=cv2.INTER_NEAREST) for mask in sample["masks"]]
        sample["masks"] = stack(masks, height, width)
    if "boxes" in sample:
        corners = sample["boxes"][:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
        sample["boxes"] = np.concatenate([corners.min(1), corners.max(1)], axis=1).astype(np.float32)
    if "keypoints" in sample:
        points = sample["keypoints"].copy()
        points[..., :2] = points[..., :2] @ matrix[:, :2].T + matrix[:, 2]
        sample["keypoints"] = points
    clip_boxes(sample, min_size)
    return set_shape(sample)


def flip_sample(sample, horizontal, pairs=()):
    """Mirrors a sample left to right, or upside down; `pairs` are the keypoints that change names when mirrored."""
    code, axis = (1, 0) if horizontal else (0, 1)
    extent = np.float32(sample["image"].shape[1 - axis])
    sample["image"] = cv2.flip(sample["image"], code)
    each_mask(sample, lambda mask: cv2.flip(mask, code))
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
    """Clips boxes to the picture, drops those the clipping leaves under `min_size` pixels, hides keypoints outside."""
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
    """Keeps the boxes chosen by a bool [n] or by indexes, and their rows of every other per-box array."""
    for key in PER_BOX:
        if key in sample:
            sample[key] = np.ascontiguousarray(sample[key][keep])
    return sample


def window(image, top, left, height, width, fill):
    """The pixels of an array [H, W] or [H, W, C] through a window; a view when nothing lies outside."""
    y1, x1 = max(top, 0), max(left, 0)
    y2, x2 = min(top + height, image.shape[0]), min(left + width, image.shape[1])
    part = image[y1 : max(y1, y2), x1 : max(x1, x2)]
    if part.shape[:2] == (height, width):
        return part
    if not part.size:
        return np.full((height, width, *image.shape[2:]), np.rint(fill), image.dtype)
    borders = (y1 - top, top + height - y2, x1 - left, left + width - x2)
    return cv2.copyMakeBorder(part, *borders, cv2.BORDER_CONSTANT, value=colour_of(fill))


def each_mask(sample, change):
    """Applies a function of one mask [H, W] to `mask` and to each of `masks`."""
    if "mask" in sample:
        sample["mask"] = change(sample["mask"])
    if "masks" in sample and len(sample["masks"]):
        sample["masks"] = np.stack([change(mask) for mask in sample["masks"]])
    elif "masks" in sample:
        sample["masks"] = np.zeros((0, *sample["image"].shape[:2]), np.uint8)


def stack(masks, height, width):
    """A list of masks as uint8 [n, H, W]."""
    return np.stack(masks) if masks else np.zeros((0, height, width), np.uint8)


def set_shape(sample):
    """Notes the picture's present size in `im_shape`."""
    sample["im_shape"] = np.array(sample["image"].shape[:2], np.float32)
    return sample


def colour_of(fill):
    """A fill value or one value a channel, as the four numbers OpenCV wants."""
    values = [fill] * 3 if np.ndim(fill) == 0 else list(fill)
    return (*(float(value) for value in values), 0.0)


def pair_of(size):
    """A size given as one number or as [height, width], as two ints; refuses another."""
    sides = (size, size) if np.ndim(size) == 0 else tuple(size)
    if len(sides) != 2 or min(sides) < 1:
        raise ValueError(f"a size is one number of pixels or [height, width], each at least 1, not {size}")
    return int(sides[0]), int(sides[1])


def choose_interpolation(interp, rng):
    """The name of the interpolation, drawn when `interp` is `random`."""
    return list(INTERPOLATIONS)[rng.integers(len(INTERPOLATIONS))] if interp == "random" else interp


def check_interpolation(interp, more=("random",)):
    """Refuses a name that is neither an interpolation nor among `more`."""
    names = (*INTERPOLATIONS, *more)
    if interp not in names:
        raise ValueError(f"interp is '{interp}'; it must be one of {', '.join(names)}")
    return interp
