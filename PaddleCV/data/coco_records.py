"""Parsing and validation of the images and annotations of a COCO JSON file."""

import difflib
import os

from .values import read_flag, read_integer, read_number, read_size

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
        image_id, name = read_integer(record["id"]), record["file_name"]
        if image_id is None or not isinstance(name, str) or not name:
            issues.error("D113", "needs an integer 'id' and a string 'file_name'", place, str(record)[:80])
            continue
        if image_id < 0:
            issues.warn("D113", "image id is negative", place, image_id)
        if image_id in ids:
            issues.error("D115", f"image id {image_id} appears twice", place, name)
            continue
        if name in files:
            issues.warn("D115", "image file is listed twice", place, name)
        ids.add(image_id)
        files.add(name)
        width, height = (read_size(record.get(key)) for key in ("width", "height"))
        path = os.path.join(folder, name.replace("\\", "/"))
        images.append({"id": image_id, "file_name": name, "path": path, "width": width, "height": height})
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
        image_id, category, corners = record["image_id"], record["category_id"], record["bbox"]
    except (KeyError, TypeError) as error:
        report_invalid(record, position, error, issues)
        return None
    own_id = record.get("id")
    place = f"annotations[{position}] (id={own_id}, image_id={image_id})"
    image = index_of.get(read_integer(image_id))
    if image is None:
        issues.warn("D116", "annotation of an image that is not listed; left out", place)
        return None
    numbers = read_corners(corners)
    if numbers is None:
        message = "'bbox' is not four numbers (x, y, width, height)"
        issues.error("D113", message, f"annotations[{position}] (id={own_id})", str(corners)[:80])
        return None
    category = read_integer(category)
    if category not in names:
        valid = ", ".join(map(str, list(names)[:12])) + (", ..." if len(names) > 12 else "")
        value = str(record["category_id"])[:80]
        issues.error("D109", "category_id is unknown", place, value, f"valid ids: {valid}", image=image)
        return None
    if category not in number_of:
        issues.warn("D109", "box of a class that is not in `labels`; left out", place, names[category])
        return None
    area = read_number(record.get("area"))
    if area is None or area < 0:
        fault = "missing" if record.get("area") is None else "not a positive number"
        issues.warn("D114", f"'area' is {fault}, computed from the box", place, str(record.get("area", ""))[:80])
        area = numbers[2] * numbers[3]
    crowd = read_crowd(record, place, image, issues)
    own_id = read_integer(own_id)
    own_id = -1 - position if own_id is None else own_id
    return image, *numbers, number_of[category], crowd, area, own_id, position


def read_corners(values):
    """The four numbers of a `bbox`, NaN and infinity as they are; None for anything else."""
    if not isinstance(values, list) or len(values) != 4:
        return None
    numbers = [value if isinstance(value, float) else read_number(value) for value in values]
    return None if None in numbers else numbers


def read_crowd(record, place, image, issues):
    """The flag `iscrowd`; an unknown value is an error (D113), a missing one a warning (D114)."""
    value = record.get("iscrowd")
    if value is None:
        issues.warn("D114", "'iscrowd' is missing, assumed 0", place)
        return False
    crowd = read_flag(value)
    if crowd is None:
        issues.error("D113", "'iscrowd' is neither 0 nor 1", place, repr(value)[:80], "write 0 or 1", image=image)
    return bool(crowd)


def report_invalid(record, position, error, issues):
    """Records which key of an annotation is missing or invalid (D113)."""
    place = f"annotations[{position}]"
    if not isinstance(record, dict):
        issues.error("D113", "is not an object", place, str(record)[:80])
    else:
        near = difflib.get_close_matches(error.args[0], list(record), n=1)
        fix = f"did you mean {near[0]!r}?" if near else ""
        issues.error("D113", f"has no {error.args[0]!r}", f"{place} (id={record.get('id')})", fix=fix)
