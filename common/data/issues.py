"""The report of what is wrong with a data set: collected, shown in at most twelve lines, written, cached.

Codes, the same in every kit:

    D101  not a picture (empty, another format)
    D102  a picture that ends early or is damaged
    D103  a picture with more pixels than the cap
    D104  a file or folder is missing, or may not be read
    D105  pixels of a kind without a defined 8-bit scale
    D106  a box has no area
    D107  a box lies outside its picture, wholly (error) or partly (warning, clipped)
    D108  coordinates look normalised where pixels are expected
    D109  a class is unknown
    D110  a mask has colours where class numbers are expected
    D111  the size in the annotation, or of a mask, differs from the picture's
    D112  an annotation file cannot be parsed (syntax, encoding, an entity bomb)
    D113  an annotation lacks a key, or the key holds the wrong kind of value
    D114  an optional key is missing and was filled in
    D115  an id, a name or a file appears twice
    D116  an annotation belongs to no listed picture
    D117  nothing is left to learn from
    D118  a line of a list file is malformed
    D119  a coordinate is not a finite number
    D120  a picture is a strip, over a thousand times longer than wide
    D121  the same picture has two labels
    D122  a vocabulary that cannot be used
    D123  half of a surrogate pair in a text
    D124  a phrase of a dictionary without its label
    D125  control characters in a text
    D126  a text or a token is empty
    D127  every sample has the same label
    D128  a tag goes on where nothing began
    D129  an answer that is not where it says, or not in its text
    D131  a byte that is not of the encoding
    D140  not a sound (empty, another format)
    D141  a sound that ends early, is damaged, or is not as long as its manifest says
    D142  samples of a sound that are not finite, or far outside [-1, 1]
    D143  another sample rate
    D144  too many channels, or one that is not there
    D145  a sound that is too short or too long
    D146  a sound that is silent, constant or clipped
    D147  a character that the vocabulary lacks
    D148  another number of features than was learned from
    D149  a sound that is too short for its transcript
    D150  a picture is in two splits
"""

import dataclasses
import hashlib
import json
import os
from pathlib import Path

from common.errors import DataError, DataIssue
from common.log import logger

MAX_LINES = 12
SKIP_AT_MOST = 100
SKIP_ONE_IN = 1000


class IssueList:
    """Collects issues about one file; equal warnings are kept once, with their count and their first place.

    Args:
        file (str): the file at fault unless an issue names another.
    """

    def __init__(self, file):
        self.file = str(file)
        self.errors = []
        self.of_images = []
        self.warnings = {}

    def error(self, code, message, place="", value="", fix="", file="", image=None):
        """Adds an error; `image` is the index of the image that could be skipped to be rid of it."""
        self.errors.append(DataIssue(code, "error", str(file or self.file), message, place, str(value), fix))
        self.of_images.append(image)

    def warn(self, code, message, place="", value="", fix="", file="", count=1):
        """Adds `count` warnings; only the first of the same code and message keeps its place and value."""
        key = (code, message)
        if key in self.warnings:
            issue, before = self.warnings[key]
            self.warnings[key] = issue, before + count
        else:
            self.warnings[key] = (
                DataIssue(code, "warning", str(file or self.file), message, place, str(value), fix),
                count,
            )

    def all(self):
        """Every issue, errors first."""
        counted = []
        for issue, count in self.warnings.values():
            many = f" ({count} times, the first of them shown)" if count > 1 else ""
            counted.append(dataclasses.replace(issue, message=issue.message + many))
        return self.errors + counted


def report(issues):
    """The issues as text of at most twelve lines: in full when they fit, else the first ones, one line each.

    Args:
        issues (list[DataIssue]): errors before warnings.

    Returns:
        str: empty when there are none.
    """
    full = [str(issue) for issue in issues[:MAX_LINES]]
    if len(issues) <= MAX_LINES and sum(text.count("\n") + 1 for text in full) <= MAX_LINES:
        return "\n".join(full)
    shown = issues if len(issues) <= MAX_LINES else issues[: MAX_LINES - 2]
    lines = [one_line(issue) for issue in shown]
    if len(shown) < len(issues):
        lines.append(f"... and {len(issues) - len(shown)} more")
    return "\n".join(lines)


def one_line(issue, limit=300):
    """An issue as one line: severity, code, file, place, what is wrong, the value."""
    place = f": {issue.place}" if issue.place else ""
    value = f" ({issue.value})" if issue.value else ""
    line = " ".join(f"{issue.severity}[{issue.code}] {issue.file}{place}: {issue.message}{value}".split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def write_issues(path, issues):
    """Writes the issues as JSON lines, one object an issue; the folder is made when missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(dataclasses.asdict(issue), ensure_ascii=False) + "\n" for issue in issues]
    path.write_text("".join(lines), encoding="utf-8")


def raise_on_errors(issues, policy="error", total=0):
    """Logs the warnings and refuses the errors.

    Args:
        issues (list[DataIssue]): what was found.
        policy (str): `error` refuses any error; `skip` lets a few pass, which are logged.
        total (int): number of samples, of which `skip` lets some pass, see :func:`skip_limit`.

    Raises:
        DataError: carries the report as its text and the errors as its attribute `issues`.
    """
    if policy not in ("error", "skip"):
        raise ValueError(f"bad_samples is 'error' or 'skip', not {policy!r}")
    errors = [issue for issue in issues if issue.severity == "error"]
    warnings = [issue for issue in issues if issue.severity != "error"]
    for issue in warnings[:MAX_LINES]:
        logger.warning(one_line(issue))
    if len(warnings) > MAX_LINES:
        logger.warning("... and %d more warnings about the data", len(warnings) - MAX_LINES)
    if errors and policy == "skip" and len(errors) <= skip_limit(total):
        for issue in errors:
            logger.warning("skipped: %s", one_line(issue))
        return
    if errors:
        raise refusal(errors)


def check_before_training(datasets, policy="error", cache=None):
    """Runs the fast check of every data set that has one, before the first epoch.

    Args:
        datasets (dict[str, object]): split name -> data set; those without a `check` method, and None, are passed over.
        policy (str): `error` or `skip`, see :func:`raise_on_errors`.
        cache (str | None): a folder that remembers the answers until a file changes.

    Raises:
        DataError: with what every split has wrong.
    """
    found, total = [], 0
    for dataset in datasets.values():
        if hasattr(dataset, "check"):
            found += [issue for issue in dataset.check(cache=cache) if issue.severity == "error"]
            total += len(dataset) if hasattr(dataset, "__len__") else 0
    raise_on_errors(found, policy, total)


def skip_limit(total):
    """How many of `total` samples may be skipped: one in a thousand, at most 100; three in sets from 300, else one."""
    return max(1, min(3, total // 100), min(SKIP_AT_MOST, total // SKIP_ONE_IN))


def refusal(errors):
    """A DataError with the report of the errors as its text and the errors themselves in `issues`."""
    error = DataError(report(errors))
    error.issues = list(errors)
    return error


def cached(folder, name, files, find):
    """The issues that `find()` returns, remembered until one of the files changes its size or time.

    Args:
        folder (str | None): where `check_<name>.json` is kept; None computes anew.
        name (str): tells the checks of one folder apart.
        files (list[str]): the files that the answer depends on.
        find (callable): no arguments, returns list[DataIssue].
    """
    if folder is None:
        return find()
    digest = fingerprint(files)
    store = Path(folder) / f"check_{name}.json"
    try:
        kept = json.loads(store.read_text(encoding="utf-8"))
        if kept["fingerprint"] == digest:
            return [DataIssue(**issue) for issue in kept["issues"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no cache yet, or one written by another version: it is made anew
    issues = find()
    text = json.dumps({"fingerprint": digest, "issues": [dataclasses.asdict(issue) for issue in issues]})
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        temporary = store.with_name(f"{store.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(store)
    except OSError as error:
        logger.warning("the check is not remembered: %s", error)
    return issues


def fingerprint(files):
    """A digest of the names, sizes and modification times of the files."""
    digest = hashlib.sha256()
    for file in files:
        try:
            status = os.stat(file)
            digest.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
        except OSError:
            digest.update(f"{file}\0missing\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
