"""Validation of the images and boxes of a detection dataset, independent of the annotation format.

Shapes in this file:
    I images, B boxes of all images.  Boxes are (x1, y1, x2, y2) in pixels of the upright image.
"""

import contextlib
import os
import tempfile
import time

import numpy as np

from common.data.issues import IssueList, settle
from common.errors import BadSample
from common.log import logger
from common.vision.channels import read_channels
from common.vision.decode import decode_image, read_image_file, stores_16_bits
from common.vision.files import Listing, image_size, read_image_header

CLIP_SILENTLY = 0.5  # pixels that a box may exceed the image without a warning: rounding of the annotation tool
MAX_SUGGESTIONS = 10
MAX_ASPECT = 1000
DARK_FIX = "if pixels are stored in the low bits of 16, scale them to 0..65535 (12 bits: times 16) and save them again"


def check_files(images, issues, what="image"):
    """Checks that every file exists (D104) of images with a path; one listing per folder, suggests the nearest name."""
    listing, missing = Listing(), 0
    for i, image in enumerate(images):
        if not image["path"] or image["path"] in listing:
            continue
        missing += 1
        near = listing.nearest(image["path"]) if missing <= MAX_SUGGESTIONS else None
        folder = os.path.dirname(image["path"])
        fix = f"did you mean {near!r}?" if near else f"put the file into {folder}"
        if not os.path.isdir(folder):
            fix = f"the folder {folder} does not exist: correct `root` (and `images`, if there is one)"
        issues.error("D104", f"{what} file is missing: {image['path']}", image["place"], "", fix, image["file"], i)


def settle_listed(images, issues, bad_samples, source):
    """Checks the files of the images of a list, and settles the problems of its lines and files.

    Args:
        images (list[dict]): one per line; `path` is empty where the line could not be read.
        issues (IssueList): the problems of the lines.
        bad_samples (str): see :func:`common.data.issues.settle`.
        source (str): the list.

    Returns:
        tuple[list[dict], list[DataIssue]]: the images without errors, and what remains, all of it warnings.

    Raises:
        DataError: lists every error found.
    """
    known = [(number, image) for number, image in enumerate(images) if image["path"]]
    missing = IssueList(source)
    check_files([image for _, image in known], missing)
    issues.errors += missing.errors
    issues.of_images += [known[row][0] for row in missing.of_images]
    remaining = settle(issues, bad_samples, len(images))
    stay = np.setdiff1d(np.arange(len(images)), issues.of_images).astype(np.int64)
    return [images[i] for i in stay], remaining


def fill_sizes(images, issues):
    """Reads missing image sizes from the headers of the files (D114)."""
    for i, image in enumerate(images):
        if image["width"] and image["height"]:
            continue
        try:
            width, height, turned = image_size(image["path"])
        except BadSample as error:
            if error.issue.code != "D104":  # a missing file is already reported
                issues.error(error.issue.code, error.issue.message, file=image["path"], image=i)
            continue
        image["width"], image["height"] = (height, width) if turned else (width, height)
        if not image.get("unread"):  # an unreadable annotation file is an error already
            issues.warn("D114", "image size missing, read from the file", image["place"], file=image["file"])


def check_boxes(images, boxes, place, issues, bad_boxes):
    """Reports or drops invalid boxes, and clips those that exceed their image.

    Returns:
        tuple[Boxes, ndarray]: the valid boxes as annotated, and clipped to their images, float64 [B, 4].
    """
    sizes = np.array([(image["width"], image["height"]) for image in images], np.float64).reshape(-1, 2)
    size = sizes[boxes.image]
    known = (size > 0).all(1)
    size = np.where(known[:, None], size, np.inf)
    finite = np.isfinite(boxes.box).all(1)
    box = np.where(finite[:, None], boxes.box, 0)
    clipped = np.clip(box, 0, np.concatenate([size, size], 1))
    empty = finite & ((box[:, 2:] <= box[:, :2]).any(1))
    outside = finite & ~empty & ((clipped[:, 2:] <= clipped[:, :2]).any(1))
    normalized = normalized_boxes(boxes.image, box, finite & ~empty, len(images))
    over = finite & ~empty & ~outside & (np.abs(clipped - box).max(1, initial=0) > CLIP_SILENTLY)

    def report(which, code, message, fix, drop=False):
        for k in np.flatnonzero(which):
            x1, y1, x2, y2 = (round(float(v), 2) for v in boxes.box[k])
            image = images[boxes.image[k]]
            file, where = place(k)
            value = (
                f"box ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) in {image['file_name']} ({image['width']}x{image['height']})"
            )
            if drop:
                issues.warn(code, f"{message}; dropped", where, value, fix, file)
            else:
                issues.error(code, message, where, value, fix, file, int(boxes.image[k]))

    drop = bad_boxes == "drop"
    fix = "tools/check.py --fix FILE writes a corrected copy"
    fix = fix if drop else f"set `bad_boxes: drop`; with it, {fix}"
    report(~finite, "D119", "a coordinate is not a finite number", "correct the annotation")
    report(empty, "D106", "box has no area: its width or height is not positive", fix, drop)
    report(normalized, "D108", "box looks normalized", "use pixels: multiply x by the width, y by the height")
    report(outside & ~normalized, "D107", "box lies outside the image", fix, drop)
    for k in np.flatnonzero(over & ~normalized):
        file, where = place(k)
        issues.warn("D107", "box exceeds the image; clipped", where, boxes.box[k].round(2).tolist(), file=file)
    stay = finite & ~empty & ~outside
    return boxes.select(stay), clipped[stay]


def normalized_boxes(image_index, boxes, valid, num_images):
    """The mask of boxes that look normalized: all boxes of the image within [0, 1] and some fractional, bool [B]."""
    small = valid & (np.abs(boxes) <= 1.001).all(1)
    broken = (boxes != np.round(boxes)).any(1)
    total = np.bincount(image_index[valid], minlength=num_images)
    tiny = np.bincount(image_index[small], minlength=num_images)
    fractional = np.bincount(image_index[small & broken], minlength=num_images)
    return small & ((tiny == total) & (fractional > 0))[image_index]


def check_images(images, deep, source):
    """The issues of the image files: headers against annotations and, with `deep`, decoding errors."""
    issues, logged, turned = IssueList(source), time.monotonic(), 0
    for i, image in enumerate(images):
        if time.monotonic() - logged > 10:
            logged = time.monotonic()
            logger.info("checked %d of %d images", i, len(images))
        try:
            width, height, orientation = read_image_header(image["path"])
            compare_size(image, width, height, orientation >= 5, issues)
            turned += orientation > 1
            if orientation in (2, 3, 4) and image["width"] is not None:  # the size tells nothing of these
                message = "the EXIF orientation turns the image by 180 degrees or mirrors it"
                fix = "boxes must be those of the image as viewers show it"
                issues.warn("D111", message, value=f"orientation {orientation}", fix=fix, file=image["path"])
            if deep and image["path"].lower().endswith((".npy", ".tif", ".tiff")):
                read_channels(read_image_file(image["path"]), image["path"])
            elif deep:
                data = read_image_file(image["path"])
                with capture_stderr() as warnings:
                    pixels = decode_image(data, image["path"])
                warn_dark(data, pixels, image["path"], issues)
                if warnings:
                    issues.warn(
                        "D102",
                        "the decoder reports an error: part of the image is damaged",
                        value=warnings[0],
                        file=image["path"],
                    )
        except BadSample as error:
            issues.errors.append(error.issue)
    if turned:
        logger.info("%s: %d of %d images are turned upright by their EXIF orientation", source, turned, len(images))
    return issues.all()


def warn_dark(data, pixels, path, issues):
    """Warns of a 16-bit image whose upper bits are empty, so that its 8-bit pixels are dark (D152).

    Args:
        data (bytes): content of the file.
        pixels (ndarray): decoded, uint8 [H, W, 3].
        path (str): of the file.
        issues (IssueList): collects the problems.
    """
    highest = int(pixels.max(initial=0))
    if highest < 16 and stores_16_bits(data):
        what = "nearly black" if highest else "black throughout"
        issues.warn("D152", f"the upper bits of 16 are empty: the image is {what}", value=path, fix=DARK_FIX, file=path)


@contextlib.contextmanager
def capture_stderr():
    """Captures what libraries write to standard error, in a list of lines that is filled at the end."""
    lines = []
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines.extend(line for line in file.read().decode(errors="replace").splitlines() if line.strip())


def compare_size(image, width, height, turned, issues):
    """Compares the annotated size with that of the file (D111); boxes refer to the upright image."""
    upright = (height, width) if turned else (width, height)
    annotated = (image["width"], image["height"])
    if max(width, height) > MAX_ASPECT * min(width, height):
        issues.warn("D120", "extreme aspect ratio", value=f"{width}x{height}", file=image["path"])
    if annotated == upright or annotated == (None, None):
        return
    message = f"annotated size {annotated[0]}x{annotated[1]} differs from the file's {upright[0]}x{upright[1]}"
    fix = "annotate this file again, or correct `width` and `height` if the boxes are correct"
    if turned and annotated == (width, height):
        message = f"annotated as stored ({width}x{height}), but its EXIF orientation rotates it to {height}x{width}"
        fix = "rotate the pixels and remove the tag, or annotate the upright image"
    elif annotated == upright[::-1]:
        message += ": width and height are swapped"
        fix = "swap `width` and `height` in the annotation"
    issues.error("D111", message, image["place"], image["path"], fix, image["file"])
