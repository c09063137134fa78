"""The items of a request, checked against the limits by what their headers say, before anything is decoded.

An item is (dict, list[bytes]): `kind`, `threshold` and what the kind needs, and its bytes; see `worker.predict_items`.
"""

import base64
import json
import math

import numpy as np

from common.errors import BadSample
from common.inference.boxes import read_box
from common.vision.decode import open_header
from deploy.serving.problems import Problem

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
AUDIO_FORMATS = {"WAV": b"RIFF", "FLAC": b"fLaC", "OGG": b"OggS"}


def each(calls):
    """The results of calls (function, *arguments), or the Problem of one in its place; raises it if all have one."""
    found = []
    for function, *arguments in calls:
        try:
            found.append(function(*arguments))
        except Problem as problem:
            found.append(problem)
    if all(isinstance(one, Problem) for one in found):
        raise found[0]
    return found


def check_count(count, limits):
    """Refuses too many items; raises Problem 413."""
    if count > limits.items:
        raise Problem(413, f"{count} items; a request may have {limits.items}")


def with_boxes(items, boxes, limits):
    """Items of images with the boxes in which people are sought, `[x1, y1, x2, y2]` or the records of a detector.

    Args:
        items (list[tuple[dict, list[bytes]] | Problem]): of the images.
        boxes (list[list]): of each image.
        limits (Limits): of requests.

    Raises:
        Problem: 413 or 422.
    """
    if not isinstance(boxes, list) or len(boxes) != len(items) or not all(isinstance(own, list) for own in boxes):
        raise Problem(422, "boxes is a list of boxes for image, or a list of such lists, one for each of images")
    for place, (item, own) in enumerate(zip(items, boxes, strict=True), 1):
        if len(own) > limits.boxes:
            raise Problem(413, f"image {place} has {len(own)} boxes; {limits.boxes} are allowed")
        found = [read_box(box if isinstance(box, dict) else {"box": box}) for box in own]
        if None in found:
            wrong = json.dumps(own[found.index(None)])[:80]
            raise Problem(422, f"image {place}: {wrong} is no box; write [x1, y1, x2, y2] in pixels, x1 < x2, y1 < y2")
        if not isinstance(item, Problem):
            item[0]["boxes"] = found
    return items


def from_base64(value, name, number, threshold, limits):
    """The item of an image or a recording in base64; raises Problem 400, 415 or 422."""
    try:
        data = base64.b64decode(value.encode("ascii"), validate=True)
    except ValueError:
        raise Problem(400, f"{name} {number} is not base64") from None
    return ENCODED[name](data, f"{name} {number}", threshold, limits)


def image(data, name, threshold, limits):
    """The item of an image file, whose format and size are read from its header.

    Raises:
        Problem: 415 another format, 422 not an image, or too many pixels.
    """
    try:
        open_header(data, name, limits.pixels, FORMATS)
    except BadSample as error:
        status = 415 if error.issue.code == "D101" and data else 422
        about = f"[{error.issue.code}] {name}: {error.issue.message}"
        raise Problem(status, about + (f"; formats read: {', '.join(FORMATS)}" if status == 415 else "")) from None
    item = {"kind": "image", "name": name, "threshold": threshold, "max_pixels": limits.pixels}
    return item, [data]


def audio(data, name, threshold, limits):
    """The item of an audio file, whose format is known by its first bytes; its header is read where it is decoded.

    Raises:
        Problem: 415 another format.
    """
    if not (data.startswith((*AUDIO_FORMATS.values(), b"ID3")) or (data[:1] == b"\xff" and data[1:2] >= b"\xe0")):
        about = f"[D140] {name}: not an audio file" if data else f"[D140] {name}: the file is empty (0 bytes)"
        raise Problem(415 if data else 422, f"{about}; formats read: {', '.join(AUDIO_FORMATS)}, MP3")
    return {"kind": "audio", "name": name, "threshold": threshold, "max_seconds": limits.audio_seconds}, [data]


def whole_file(data, name, threshold, limits):
    """The item of a video, of a file of features or of a cloud of points, which is read where it is decoded.

    Raises:
        Problem: 422 it is empty.
    """
    if not data:
        raise Problem(422, f"[D101] {name}: the file is empty (0 bytes)")
    return {"kind": "file", "name": name, "threshold": threshold}, [data]


ENCODED = {"image": image, "audio": audio, "video": whole_file, "feature_file": whole_file, "cloud": whole_file}


def text(value, threshold, limits):
    """The item of a text, of one character at least; raises Problem 413 or 422."""
    if not value.strip():
        raise Problem(422, "[D126] the text is empty")
    if len(value) > limits.characters:
        raise Problem(413, f"a text of {len(value)} characters; {limits.characters} are allowed")
    try:
        return {"kind": "text", "threshold": threshold}, [value.encode()]
    except UnicodeEncodeError:
        raise Problem(422, "the text contains an unpaired surrogate") from None


def tensors(value, threshold, model, limits):
    """An item for each row of the arrays of a batch, given as nested lists by the names of the inputs.

    Raises:
        Problem: 413 too many rows, 422 an input is missing, unknown, or not what the model takes.
    """
    wanted = {entry["name"]: entry for entry in model["inputs"]}
    if not isinstance(value, dict) or set(value) != set(wanted):
        raise Problem(422, f"inputs is an object with the keys {', '.join(wanted)}")
    arrays = {name: array(name, value[name], entry) for name, entry in wanted.items()}
    if len({len(one) for one in arrays.values()}) != 1:
        raise Problem(422, "the inputs have different numbers of rows")
    rows = len(next(iter(arrays.values())))
    check_count(rows, limits)
    heads = [[name, str(one.dtype), list(one.shape[1:])] for name, one in arrays.items()]
    item = {"kind": "tensors", "threshold": threshold, "arrays": heads}
    return [(item, [one[row].tobytes() for one in arrays.values()]) for row in range(rows)]


def array(name, value, entry):
    """The array of one input; raises Problem 422."""
    shape, dtype = entry["shape"], np.dtype(entry["dtype"])
    taken = f"{name} is {dtype} of the shape [{', '.join(str(n) if n and n > 0 else 'any' for n in shape)}]"
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            given = np.array(value)
            found = given.astype(dtype)
    except (ValueError, TypeError, OverflowError):
        raise Problem(422, taken) from None
    kinds = "iuf" if dtype.kind == "f" else "iu" if dtype.kind in "iu" else dtype.kind
    fits = found.ndim == len(shape) and all(want in (None, -1, size) for want, size in zip(shape[1:], found.shape[1:]))
    if not fits or given.dtype.kind not in kinds or math.prod(found.shape) == 0:
        raise Problem(422, taken)
    if dtype.kind == "f" and not np.isfinite(found).all():
        raise Problem(422, f"{name} holds a number too large for {dtype}")
    if dtype.kind in "iu" and not np.array_equal(given, found):
        raise Problem(422, f"{name} holds a number too large for {dtype}")
    return found
