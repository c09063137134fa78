"""Parsing and validation of the images and annotations of a COCO JSON file."""

import difflib
import math
import os

COLUMNS = ("image", "x", "y", "w", "h", "label", "crowd", "area", "id", "position")


def read_images(records, folder, source, issues):
    """The listed images (list[dict]), in the order of the file."""
    images, ids, files = [], set(), set()
    for position, record in enumerate(records):
        place = f"images[{position}]"
        missing = [key for key in ("id", "file_name") if not isinstance(record, dict) or key not in record]
        if missing:
            issues.error("D113", f"has no {' and no '.join(map(repr, missing))}", place, str(record)[:80])
            continue
        image_id, name = record["id"], record["file_name"]
        if not is_integer(image_id) or not isinstance(name, str) or not name:
            issues.error("D113", "needs an integer 'id' and a string 'file_name'", place, str(record)[:80])
            continue
        if int(image_id) in ids:
            issues.error("D115", f"image id {image_id} appears twice", place, name)
            continue
        if name in files:
            issues.warn("D115", "image file is listed twice", place, name)
        ids.add(int(image_id))
        files.add(name)
        width, height = (max(0, int(v)) if is_finite(v := record.get(key)) else 0 for key in ("width", "height"))
        path = os.path.join(folder, name.replace("\\", "/"))
        images.append({"id": int(image_id), "file_name": name, "path": path, "width": width, "height": height})
        images[-1].update(file=source, place=f"{place} (id={image_id})")
    return images


def read_box(record, position, index_of, names, number_of, issues):
    """One annotation as a row of COLUMNS.

    Args:
        record (dict): as in the file.
        position (int): its index in the list.
        index_of (dict[int, int]): image id -> index of the image.
        names (dict[int, str]): category id -> name.
        number_of (dict[int, int]): category id -> class id, of the selected classes.
        issues (IssueList): collects the problems.

    Returns:
        tuple | None: None if it is invalid, of an unlisted image, or of a class that is not selected.
    """
    try:
        image_id, category = record["image_id"], record["category_id"]
        x, y, w, h = map(float, record["bbox"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        report_invalid(record, position, error, issues)
        return None
    own_id = record.get("id")
    place = f"annotations[{position}] (id={own_id}, image_id={image_id})"
    image = index_of.get(int(image_id)) if is_integer(image_id) else None
    if image is None:
        issues.warn("D116", "annotation of an image that is not listed; left out", place)
        return None
    category = int(category) if is_integer(category) else None
    if category not in names:
        valid = ", ".join(map(str, list(names)[:12])) + (", ..." if len(names) > 12 else "")
        value = str(record["category_id"])[:80]
        issues.error("D109", "category_id is unknown", place, value, f"valid ids: {valid}", image=image)
        return None
    if category not in number_of:
        issues.warn("D109", "box of a class that is not in `labels`; left out", place, names[category])
        return None
    area, crowd = record.get("area"), record.get("iscrowd")
    if not is_finite(area):
        issues.warn("D114", "'area' is missing, computed from the box", place)
        area = w * h
    if crowd is None:
        issues.warn("D114", "'iscrowd' is missing, assumed 0", place)
    own_id = int(own_id) if is_integer(own_id) else -1 - position
    return image, x, y, w, h, number_of[category], bool(crowd), area, own_id, position


def report_invalid(record, position, error, issues):
    """Records which key of an annotation is missing or invalid (D113)."""
    place = f"annotations[{position}]"
    if not isinstance(record, dict):
        issues.error("D113", "is not an object", place, str(record)[:80])
    elif isinstance(error, KeyError):
        near = difflib.get_close_matches(error.args[0], list(record), n=1)
        fix = f"did you mean {near[0]!r}?" if near else ""
        issues.error("D113", f"has no {error.args[0]!r}", f"{place} (id={record.get('id')})", fix=fix)
    else:
        value = str(record["bbox"])[:80]
        issues.error(
            "D113", "'bbox' is not four numbers (x, y, width, height)", f"{place} (id={record.get('id')})", value
        )


def is_finite(value):
    """Checks that a JSON value is a finite number."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def is_integer(value):
    """Checks that a JSON value can be used as an id: an integer, or a string of digits."""
    if type(value) is int:  # the common case, for speed
        return -(2**53) < value < 2**53
    if isinstance(value, str):
        return value.isdecimal() and len(value) < 16
    return is_finite(value) and value == math.floor(value) and abs(value) < 2**53
