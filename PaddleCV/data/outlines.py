"""Outlines of labelme's shapes: polygons, and the pixels of shapes that are masks, as run-length codes.

An outline is a polygon [x1, y1, x2, y2, ...] in pixels, or a dict of a mask: `text`, its PNG in base64, `left`, `top`.
"""

import base64
import binascii

import numpy as np

from common.errors import BadSample
from common.vision.decode import decode_ids
from common.vision.instance_masks import decode_masks, encode_mask

from .segments import merge_polygons, read_polygon
from .values import read_number

ARC = 64  # corners of the polygon of a circle


def outline_of_shape(kind, points, corners, mask=None):
    """The outline of a shape with valid points.

    Args:
        kind (str): its `shape_type`; of an unknown one the outline is its bounding box.
        points (list): its pairs of numbers.
        corners (list[float]): its bounding box [x1, y1, x2, y2].
        mask (object): its `mask`, of the kind mask.
    """
    x1, y1, x2, y2 = corners
    if kind == "mask" and isinstance(mask, str):
        return {"text": mask, "left": x1, "top": y1}
    if kind == "circle":
        angles = np.arange(ARC) * (2 * np.pi / ARC)
        around = np.stack([np.cos(angles), np.sin(angles)], 1)
        return (np.array([x1 + x2, y1 + y2]) / 2 + around * (x2 - x1) / 2).ravel().tolist()
    if kind in ("polygon", "oriented_rectangle", "rotation", "quadrilateral"):
        return [read_number(number) for pair in points for number in pair]
    return [x1, y1, x2, y1, x2, y2, x1, y2]


def encode_outlines(outlines, height, width):
    """The union of outlines as a run-length code, `{"size": [height, width], "counts": str}`.

    Raises:
        ValueError: one of them is no outline in an image of this size.
    """
    polygons = [read_polygon(outline, height, width) for outline in outlines if isinstance(outline, list)]
    code = merge_polygons(polygons, height, width) if polygons else None
    masks = [outline for outline in outlines if isinstance(outline, dict)]
    if not masks:
        return code
    whole = decode_masks([code], height, width)[0] > 0 if code else np.zeros((height, width), bool)
    for outline in masks:
        whole |= place_mask(outline, height, width)
    return encode_mask(whole)


def place_mask(outline, height, width):
    """The pixels of a mask in its image, bool [H, W]; what lies outside is cut off.

    Raises:
        ValueError: its text is no PNG of one channel.
    """
    try:
        part = decode_ids(base64.b64decode(outline["text"], validate=True), "mask") > 0
    except (binascii.Error, ValueError):
        raise ValueError("'mask' is not a text in base64") from None
    except BadSample as error:
        raise ValueError(f"'mask' is not the PNG of a mask: {error.issue.message}") from None
    whole, left, top = np.zeros((height, width), bool), round(outline["left"]), round(outline["top"])
    part = part[max(0, -top) :, max(0, -left) :]
    target = whole[max(0, top) :, max(0, left) :]
    rows, columns = np.minimum(part.shape, target.shape)
    target[:rows, :columns] = part[:rows, :columns]
    return whole
