"""Image classification datasets as list files in the ImageNet format: `path label`, one image a line."""

import os

import numpy as np

from common.data.issues import IssueList, data_error

from .classification import ClassificationDataset, class_names
from .detection_check import check_files

FORMS = ("class", "classes", "flags")
MAX_CLASSES = 1_000_000


class ImageNetList(ClassificationDataset):
    """The images of a list file: a path, whitespace, the class id.

    Args:
        root (str): the folder that all paths are relative to.
        list_file (str): the list.
        labels (list[str] | str): class names in order, or a file with one per line; default `labels.txt` in `root` if
            it exists, else the class ids.
        num_classes (int): number of classes if there are no labels; default those that occur in the list.
        form (str): the format after the path: `class`, one class id; `classes`, the ids of all classes of the image,
            separated by commas; `flags`, a 0 or 1 for every class, separated by commas.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self,
        root="dataset/imagenet",
        list_file="train_list.txt",
        labels=None,
        num_classes=None,
        form="class",
        bad_samples="error",
    ):
        if form not in FORMS:
            raise ValueError(f"form is {form!r}; it must be one of {', '.join(FORMS)}")
        self.source = os.path.normpath(os.path.join(root, list_file))
        issues = IssueList(self.source)
        names = class_names(labels, root)
        count = len(names) if names is not None else num_classes
        images, rows = [], []
        for number, line in enumerate(read_lines(self.source, issues), 1):
            place = f"line {number}"
            path, values = split_line(line, root, place, form, issues)
            if path and check_values(values, count, form, place, line, names, issues):
                images.append({"path": path, "file": self.source, "place": place})
                rows.append(values)
                count = len(values) if form == "flags" else count
        if issues.errors:
            raise data_error(issues.errors)
        if count is None:
            count = 1 + max((value for values in rows for value in values), default=0)
        self.labels = names if names is not None else [str(number) for number in range(count)]
        warn_of_duplicates(images, issues)
        check_files(images, issues, self.what)
        self.store(images, as_targets(rows, form, count), issues, bad_samples)


def read_lines(path, issues):
    """The lines of a UTF-8 file with any line endings, without a byte order mark, including blank lines.

    Raises:
        DataError: D104 if the list cannot be opened, D112 if it is not UTF-8.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except OSError as error:
        fix = "set `root` and `list_file` to the location of the list"
        issues.error("D104", f"list of images cannot be opened: {error.strerror}", fix=fix)
        raise data_error(issues.errors) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        issues.error("D112", "list of images is not UTF-8", f"line {line}, byte {error.start}", fix="save it as UTF-8")
        raise data_error(issues.errors) from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def split_line(line, root, place, form, issues):
    """The path and the values of a line; (None, None) for a blank line and, after an error (D118), an invalid one."""
    line = line.strip()
    if not line:
        return None, None
    fields = line.rsplit("\t", 1) if "\t" in line else line.rsplit(None, 1)
    what = {"class": "a class id", "classes": "class ids with commas", "flags": "flags, 0 or 1, with commas"}[form]
    fix = f"a line is a path and {what}, separated by spaces or a tab"
    if len(fields) < 2:
        issues.error("D118", f"lacks {what} after its path", place, line[:80], fix)
        return None, None
    path, text = fields[0].strip().replace("\\", "/"), fields[1].strip()
    try:
        values = [parse_int(part) for part in text.split(",")]
    except ValueError:
        issues.error("D118", f"ends in {text[:40]!r}, which is not {what}", place, line[:80], fix)
        return None, None
    if form == "class" and len(values) > 1:
        more = "set `form: classes` or `form: flags` for multi-label images"
        issues.error("D118", "has several classes", place, line[:80], more)
        return None, None
    first, *others = path.split()
    if others and not os.path.exists(os.path.join(root, path)) and os.path.exists(os.path.join(root, first)):
        issues.error("D118", f"has {len(others) + 2} fields, not a path and {what}", place, line[:80], fix)
        return None, None
    return os.path.join(root, path), values


def parse_int(text):
    """An integer in ASCII digits; raises ValueError."""
    if not text.strip().isascii() or "_" in text:
        raise ValueError(text)
    return int(text)


def check_values(values, count, form, place, line, names, issues):
    """Checks that the values of a line are valid; otherwise records an error (D109, D118)."""
    line = line.strip()[:80]
    if form == "flags":
        if any(value not in (0, 1) for value in values):
            issues.error("D118", "has a flag other than 0 and 1", place, line, "set `form: classes` for class ids")
        elif count is not None and len(values) != count:
            issues.error("D118", f"has {len(values)} flags for {count} classes", place, line)
        else:
            return True
        return False
    limit = MAX_CLASSES if count is None else count
    bad = [value for value in values if not 0 <= value < limit]
    if not bad:
        return True
    has = f"there are {limit} classes, 0 to {limit - 1}"
    start = "; count from 0" if bad[0] == limit else ""
    where = " (labels)" if names is not None else " (num_classes)" if count is not None else ""
    issues.error("D109", f"class {bad[0]} is unknown: {has}{where}", place, line, f"correct the id{start}")
    return False


def warn_of_duplicates(images, issues):
    """Warns of paths that are listed twice (D115)."""
    seen = set()
    for image in images:
        if image["path"] in seen:
            issues.warn("D115", "image is listed twice", image["place"], image["path"])
        seen.add(image["path"])


def as_targets(rows, form, count):
    """The values of all lines as targets: int64 [I] for `class`, else float32 [I, C]."""
    if form == "class":
        return np.array([values[0] for values in rows], np.int64)
    if form == "flags":
        return np.array(rows, np.float32).reshape(-1, count)
    targets = np.zeros((len(rows), count), np.float32)
    for target, values in zip(targets, rows):
        target[values] = 1
    return targets
