"""Reading of `segmentation` in COCO annotations: polygons and run-length codes, checked before a library reads them."""

import numpy as np

from common.vision.instance_masks import check_runs, decode_runs, encode_runs

from .values import read_integer, read_number

FIX = "`segmentation` is a list of polygons [x1, y1, x2, y2, x3, y3, ...], or {size: [height, width], counts: ...}"


def read_segment(value, height, width):
    """A `segmentation` as a run-length code, `{"size": [height, width], "counts": str}`.

    Raises:
        ValueError: it is no mask of an image of this size.
    """
    if value is None:
        raise ValueError("has no 'segmentation'")
    if isinstance(value, dict):
        size = value.get("size")
        size = [read_integer(side) for side in size] if isinstance(size, list) else size
        if size != [height, width]:
            raise ValueError(f"'segmentation' has the size {value.get('size')}, the image {[height, width]}")
        return {"size": size, "counts": encode_runs(read_counts(value.get("counts"), height, width))}
    if not isinstance(value, list) or not value:
        raise ValueError("'segmentation' is neither polygons nor a run-length code")
    return merge_polygons([read_polygon(polygon, height, width) for polygon in value], height, width)


def read_counts(counts, height, width):
    """The lengths of the runs, given as a list or as COCO's text."""
    if isinstance(counts, str):
        counts = decode_runs(counts)
    elif isinstance(counts, list):
        counts = [read_integer(count) for count in counts]
    if not isinstance(counts, list) or None in counts:
        raise ValueError("'counts' of 'segmentation' is neither a text nor a list of whole numbers")
    check_runs(counts, height, width)
    return counts


def read_polygon(polygon, height, width):
    """The coordinates of a polygon (list[float])."""
    numbers = [read_number(number) for number in polygon] if isinstance(polygon, list) else [None]
    if None in numbers:
        raise ValueError("a polygon of 'segmentation' is not a list of numbers")
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError(
            f"a polygon of 'segmentation' has {len(numbers)} numbers; it takes x, y of three points or more"
        )
    points = np.reshape(numbers, (-1, 2))
    if (points < [-width, -height]).any() or (points > [2 * width, 2 * height]).any():
        raise ValueError("a polygon of 'segmentation' lies far outside the image")
    return numbers


def merge_polygons(polygons, height, width):
    """The run-length code of the union of polygons, as COCO draws them."""
    from faster_coco_eval.core import mask as library  # imports OpenCV: not needed to read a configuration

    merged = library.merge(library.frPyObjects(polygons, height, width))
    return {"size": [height, width], "counts": bytes(merged["counts"]).decode("ascii")}


def warn_of_distance(boxes, place, issues):
    """Warns of boxes that overlap the box around their mask by less than half (D111)."""
    from faster_coco_eval.core import mask as library

    known = np.flatnonzero([code is not None for code in boxes.segment])
    if not len(known):
        return
    x, y, width, height = np.reshape(library.toBbox(list(boxes.segment[known])), (-1, 4)).T
    around = np.stack([x, y, x + width, y + height], 1)
    box = boxes.box[known]
    inner = np.clip(np.minimum(box[:, 2:], around[:, 2:]) - np.maximum(box[:, :2], around[:, :2]), 0, None).prod(1)
    union = (box[:, 2:] - box[:, :2]).prod(1) + (around[:, 2:] - around[:, :2]).prod(1) - inner
    for k in known[inner < 0.5 * union]:
        file, where = place(k)
        issues.warn("D111", "the mask lies elsewhere than its box", where, boxes.box[k].round(1).tolist(), file=file)
