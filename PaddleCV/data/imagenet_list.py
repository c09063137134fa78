"""Reads lists of pictures and their classes as ImageNet's are written: `path label`, one picture a line."""

import os

import numpy as np

from common.data.issues import IssueList, data_error

from .classification import ClassificationDataset, class_names
from .detection_check import check_files

FORMS = ("class", "classes", "flags")
MOST_CLASSES = 1_000_000


class ImageNetList(ClassificationDataset):
    """Pictures of a list file: a path, blanks or a tab, the number of the class.

    Args:
        root (str): the folder that the paths of the list, and the other files, are relative to.
        list_file (str): the list.
        labels (list[str] | str): class names in order, or a file with one a line; default `labels.txt` in `root` when
            there is one, else the numbers.
        num_classes (int): how many classes there are, where no labels say it; default: as many as the list has.
        form (str): what stands behind the path: `class`, one number; `classes`, numbers with commas, of all classes
            that are there; `flags`, a 0 or 1 with commas for every class.
        bad_samples (str): `error`, or `skip` a few images with errors.

    Raises:
        DataError: with every error found, each with a code of `common.data.issues`.
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
            raise ValueError(f"form is {form!r}; it is one of {', '.join(FORMS)}")
        self.source = os.path.join(root, list_file)
        issues = IssueList(self.source)
        names = class_names(labels, root)
        count = len(names) if names is not None else num_classes
        images, rows = [], []
        for number, line in enumerate(read_lines(self.source, issues), 1):
            place = f"line {number}"
            path, values = split_line(line, root, place, form, issues)
            if path and usable(values, count, form, place, line, names, issues):
                images.append({"path": path, "file": self.source, "place": place})
                rows.append(values)
                count = len(values) if form == "flags" else count
        if issues.errors:
            raise data_error(issues.errors)
        if count is None:
            count = 1 + max((value for values in rows for value in values), default=0)
        self.labels = names if names is not None else [str(number) for number in range(count)]
        warn_of_repetitions(images, issues)
        check_files(images, issues)
        self.settle(images, as_targets(rows, form, count), issues, bad_samples)


def read_lines(path, issues):
    """The lines of a UTF-8 file, whatever its line ends, without a byte order mark; blank ones stay, for the numbers.

    Raises:
        DataError: D104 when the list cannot be opened, D112 when it is not text.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except OSError as error:
        fix = "set `root` and `list_file` to where the list of images is"
        issues.error("D104", f"list of images cannot be opened: {error.strerror}", fix=fix)
        raise data_error(issues.errors) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        issues.error("D112", "list of images is not UTF-8", f"line {line}, byte {error.start}", fix="save it as UTF-8")
        raise data_error(issues.errors) from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def split_line(line, root, place, form, issues):
    """The path and the numbers of a line; (None, None) of a blank one and, after an error (D118), of a wrong one."""
    line = line.strip()
    if not line:
        return None, None
    fields = line.rsplit("\t", 1) if "\t" in line else line.rsplit(None, 1)
    what = {"class": "a class number", "classes": "class numbers with commas", "flags": "flags, 0 or 1, with commas"}[
        form
    ]
    fix = f"a line is a path and {what}, between them blanks or a tab"
    if len(fields) < 2:
        issues.error("D118", f"lacks {what} behind its path", place, line[:80], fix)
        return None, None
    path, text = fields[0].strip().replace("\\", "/"), fields[1].strip()
    try:
        values = [whole(part) for part in text.split(",")]
    except ValueError:
        issues.error("D118", f"ends in {text[:40]!r}, which is not {what}", place, line[:80], fix)
        return None, None
    if form == "class" and len(values) > 1:
        more = "set `form: classes` or `form: flags` for pictures of several classes"
        issues.error("D118", "has several classes", place, line[:80], more)
        return None, None
    first, *others = path.split()
    if others and not os.path.exists(os.path.join(root, path)) and os.path.exists(os.path.join(root, first)):
        issues.error("D118", f"has {len(others) + 2} fields, not a path and {what}", place, line[:80], fix)
        return None, None
    return os.path.join(root, path), values


def whole(text):
    """A whole number in ASCII digits, as a list writes it; raises ValueError."""
    if not text.strip().isascii():
        raise ValueError(text)
    return int(text)


def usable(values, count, form, place, line, names, issues):
    """Whether the numbers of a line are classes; when not, that is an error (D109, D118)."""
    line = line.strip()[:80]
    if form == "flags":
        if any(value not in (0, 1) for value in values):
            issues.error("D118", "has a flag other than 0 and 1", place, line, "set `form: classes` for class numbers")
        elif count is not None and len(values) != count:
            issues.error("D118", f"has {len(values)} flags for {count} classes", place, line)
        else:
            return True
        return False
    limit = MOST_CLASSES if count is None else count
    bad = [value for value in values if not 0 <= value < limit]
    if not bad:
        return True
    has = f"there are {limit} classes, 0 to {limit - 1}"
    start = "; number them from 0" if bad[0] == limit else ""
    where = " (labels)" if names is not None else " (num_classes)" if count is not None else ""
    issues.error("D109", f"class {bad[0]} is unknown: {has}{where}", place, line, f"correct the number{start}")
    return False


def warn_of_repetitions(images, issues):
    """A warning for every path that is listed twice (D115)."""
    seen = set()
    for image in images:
        if image["path"] in seen:
            issues.warn("D115", "image is listed twice", image["place"], image["path"])
        seen.add(image["path"])


def as_targets(rows, form, count):
    """The numbers of all lines as targets: int64 [I] of `class`, else float32 [I, C]."""
    if form == "class":
        return np.array([values[0] for values in rows], np.int64)
    if form == "flags":
        return np.array(rows, np.float32).reshape(-1, count)
    targets = np.zeros((len(rows), count), np.float32)
    for target, values in zip(targets, rows):
        target[values] = 1
    return targets
