"""Data issues: collecting, formatting in at most twelve lines, writing as JSON lines, caching the result of checks.

Issue codes, the same in every kit:

    D101  not an image (empty, another format)
    D102  truncated or corrupt image
    D103  image larger than the pixel limit
    D104  file or folder missing or not readable
    D105  pixel type without a defined 8-bit scale
    D106  box without area
    D107  box outside its image, completely (error) or partly (warning, clipped)
    D108  coordinates look normalized where pixels are expected
    D109  unknown class
    D110  mask with colors where class indexes are expected
    D111  size in the annotation, or of a mask, differs from the image
    D112  annotation file cannot be parsed (syntax, encoding, entity expansion)
    D113  annotation key missing, or with a value of the wrong type
    D114  optional key missing, filled in
    D115  duplicate id, name or file
    D116  annotation without a listed image
    D117  no samples left
    D118  malformed line of a list file
    D119  coordinate not finite
    D120  degenerate image, over a thousand times longer than wide
    D121  the same image with two labels
    D122  invalid vocabulary
    D123  unpaired surrogate in a text
    D124  dictionary phrase without its label
    D125  control characters in a text
    D126  empty text or token
    D127  all samples have the same label
    D128  inside tag without a begin tag
    D129  answer not at the stated offset, or not in its text
    D130  mask of an object missing or invalid
    D131  byte invalid in the encoding
    D140  not an audio file (empty, another format)
    D141  audio truncated, corrupt, or of another duration than in the manifest
    D142  audio samples not finite, or far outside [-1, 1]
    D143  wrong sample rate
    D144  too many channels, or a channel that does not exist
    D145  audio too short or too long
    D146  audio silent, constant or clipped
    D147  character not in the vocabulary
    D148  number of features differs from the training data
    D149  audio too short for its transcript
    D150  image in two splits
    D151  files of a folder left out
    D152  image dark throughout, such as 12 bits in 16
    D153  output of the model not finite
    D155  many tokens of texts are not in the vocabulary
    D156  texts longer than the model reads
    D157  no image of the class to find, or a class to find that was trained on
"""

import contextlib
import contextvars
import dataclasses
import hashlib
import itertools
import json
import os
import sys
from pathlib import Path

from common.data.coverage import Coverage
from common.data.pipeline import locate_error
from common.errors import BadRows, BadSample, DataError, DataIssue, KitError
from common.log import logger

MAX_LINES = 12
MOST = 100  # issues of the generic check, which stops there
CHECKED_ROWS, BLOCK = 50_000, 2000  # rows of a stream that a check transforms, and at a time
EVERY = contextvars.ContextVar("EVERY", default=False)
END = object()
SKIP_AT_MOST = 100
SKIP_ONE_IN = 1000


@contextlib.contextmanager
def every_occurrence(wanted=True):
    """Context manager in which issues are counted to the end, and merged warnings keep their `occurrences`."""
    token = EVERY.set(wanted)
    try:
        yield
    finally:
        EVERY.reset(token)


def issues_at_most(number):
    """The number of issues after which a check stops: `number`, or no limit in `every_occurrence`."""
    return sys.maxsize if EVERY.get() else number


class IssueList:
    """Collects the issues of one file; equal warnings are merged into the first one, with a count.

    Args:
        file (str): the affected file unless an issue names another.
    """

    def __init__(self, file):
        self.file = str(file)
        self.errors = []
        self.of_images = []
        self.warnings = {}

    def error(self, code, message, place="", value="", fix="", file="", image=None):
        """Adds an error; `image` is the index of the affected image, which can be skipped, None for the whole file."""
        self.errors.append(DataIssue(code, "error", str(file or self.file), message, place, str(value), fix))
        self.of_images.append(image)

    def warn(self, code, message, place="", value="", fix="", file="", count=1):
        """Adds `count` warnings; of equal code and message only the first is kept, unless in `every_occurrence`."""
        key = (code, message)
        kept, before = self.warnings.get(key, ([], 0))
        if not kept or EVERY.get():
            kept.append(DataIssue(code, "warning", str(file or self.file), message, place, str(value), fix))
        self.warnings[key] = kept, before + count

    def all(self):
        """Every issue, errors first."""
        counted = []
        for kept, count in self.warnings.values():
            many = f" ({count} times, first one shown)" if count > 1 else ""
            every = tuple(kept) if len(kept) == count > 1 else ()
            counted.append(dataclasses.replace(kept[0], message=kept[0].message + many, occurrences=every))
        return self.errors + counted


def format_issues(issues):
    """Formats issues in at most twelve lines: in full if they fit, otherwise the first ones, one line each.

    Args:
        issues (list[DataIssue]): errors before warnings.

    Returns:
        str: empty without issues.
    """
    full = [str(issue) for issue in issues[:MAX_LINES]]
    if len(issues) <= MAX_LINES and sum(text.count("\n") + 1 for text in full) <= MAX_LINES:
        return "\n".join(full)
    shown = issues if len(issues) <= MAX_LINES else issues[: MAX_LINES - 2]
    lines = [issue_line(issue) for issue in shown]
    if len(shown) < len(issues):
        lines.append(f"... and {len(issues) - len(shown)} more")
    return "\n".join(lines)


def issue_line(issue, limit=300):
    """Formats an issue as one line: severity, code, file, place, message, value."""
    place = f": {issue.place}" if issue.place else ""
    value = f" ({issue.value})" if issue.value else ""
    line = " ".join(f"{issue.severity}[{issue.code}] {issue.file}{place}: {issue.message}{value}".split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def write_issues(path, issues):
    """Writes issues as JSON lines, an object for each occurrence; the folder is created if missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    every = (dataclasses.asdict(one) for issue in issues for one in issue.occurrences or [issue])
    lines = [
        json.dumps({key: value for key, value in one.items() if key != "occurrences"}, ensure_ascii=False) + "\n"
        for one in every
    ]
    path.write_text("".join(lines), encoding="utf-8", errors="backslashreplace")  # names that are not UTF-8


def raise_on_errors(issues, policy="error", total=0):
    """Logs the warnings and raises on errors.

    Args:
        issues (list[DataIssue]): all issues.
        policy (str): `error` raises on any error; `skip` tolerates and logs a few.
        total (int): number of samples, which determines how many errors `skip` tolerates, see :func:`skip_limit`.

    Raises:
        DataError: with the formatted errors as its text and the errors in its attribute `issues`.
    """
    if policy not in ("error", "skip"):
        raise ValueError(f"bad_samples is 'error' or 'skip', not {policy!r}")
    errors = [issue for issue in issues if issue.severity == "error"]
    warnings = [issue for issue in issues if issue.severity != "error"]
    for issue in warnings[:MAX_LINES]:
        logger.warning(issue_line(issue))
    if len(warnings) > MAX_LINES:
        logger.warning("... and %d more warnings about the data", len(warnings) - MAX_LINES)
    if errors and policy == "skip" and len(errors) <= skip_limit(total):
        for issue in errors:
            logger.warning("skipped: %s", issue_line(issue))
        return
    if errors:
        raise data_error(errors)


def settle(issues, bad_samples, total):
    """Settles the issues of a dataset that was read: raises the errors, or leaves their images out.

    Args:
        issues (IssueList): of the dataset; `of_images` are the images that are left out.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.
        total (int): number of images.

    Returns:
        list[DataIssue]: what remains, all of it warnings.

    Raises:
        DataError: lists every error; those of a whole file cannot be skipped.
        ValueError: `bad_samples` has another value.
    """
    if not total and not issues.errors:
        issues.error("D117", "lists no image", fix="check that this is the right file")
    if None in issues.of_images:
        raise data_error(issues.errors)
    raise_on_errors(issues.all(), bad_samples, total)
    skipped = (dataclasses.replace(e, severity="warning", message=f"image skipped: {e.message}") for e in issues.errors)
    return [*skipped, *issues.all()[len(issues.errors) :]]


def check_before_training(datasets, policy="error", cache=None):
    """Runs the fast check of every dataset that has one, before the first epoch.

    Args:
        datasets (dict[str, object]): split name -> dataset; None and those without a `check` method are ignored.
        policy (str): `error` or `skip`, see :func:`raise_on_errors`.
        cache (str | None): a folder that caches the results until a file changes.

    Raises:
        DataError: with the errors of all splits.
    """
    found, total = [], 0
    for dataset in datasets.values():
        if hasattr(dataset, "check"):
            found += [issue for issue in dataset.check(cache=cache) if issue.severity == "error"]
            total += len(dataset) if hasattr(dataset, "__len__") else 0
    raise_on_errors(found, policy, total)


def skip_limit(total):
    """The number of bad samples that may be skipped: 1 in 1000, at most 100; but 1 always, and 3 from 300 samples."""
    return max(1, min(3, total // 100), min(SKIP_AT_MOST, total // SKIP_ONE_IN))


def data_error(errors):
    """A DataError with the formatted issues as its text and the issues in its attribute `issues`."""
    error = DataError(format_issues(errors))
    error.issues = list(errors)
    return error


def cache_issues(folder, name, files, find):
    """Caches the result of `find()` until the size or modification time of a file changes.

    Args:
        folder (str | None): the folder of `check_<name>.json`; None disables the cache.
        name (str): distinguishes the checks in one folder.
        files (list[str]): the files that the result depends on.
        find (callable): no arguments, returns list[DataIssue].
    """
    if folder is None:
        return find()
    digest = fingerprint(files)
    store = Path(folder) / f"check_{name}.json"
    try:
        cached = json.loads(store.read_text(encoding="utf-8"))
        if cached["fingerprint"] == digest:
            return [DataIssue(**issue) for issue in cached["issues"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no cache yet, or one of another version
    issues = find()
    text = json.dumps({"fingerprint": digest, "issues": [dataclasses.asdict(issue) for issue in issues]})
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        temporary = store.with_name(f"{store.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(store)
    except OSError as error:
        logger.warning("the result of the data check cannot be cached: %s", error)
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


def check_dataset(dataset, deep, most=0):
    """Checks a dataset and returns all its issues.

    Args:
        dataset (object): map-style or a stream, with or without a `check(deep)` method.
        deep (bool): reads every sample; otherwise only the first one of a dataset without a `check` method.
        most (int): maximum number of samples to read of a stream; 0 reads it to the end.

    Returns:
        tuple[list[DataIssue], int]: the issues, and the number of samples in the dataset or read from the stream.
    """
    is_stream = hasattr(dataset, "iterate")
    if hasattr(dataset, "check"):
        return dataset.check(deep=deep), len(dataset) if hasattr(dataset, "__len__") else 0
    if is_stream:
        return read_stream(dataset, most if deep else 1)
    issues, length = [], len(dataset)
    for index in range(length if deep else min(length, 1)):
        try:
            read_sample(lambda index=index: dataset[index], index)
        except BadSample as error:
            issues.append(error.issue)
            if len(issues) == issues_at_most(MOST):
                break
    return issues, length


def find_refused_samples(dataset, pipeline):
    """The issues of samples of a map-style dataset that its transforms refuse, such as a transcript without room.

    Args:
        dataset (object): map-style; every sample could be read.
        pipeline (Pipeline): its transforms.
    """
    issues, coverage = [], Coverage(getattr(dataset, "source", type(dataset).__name__))
    for index in range(len(dataset)):
        try:
            coverage.add([pipeline.sample(dataset, index, 0).get("coverage", {})])
        except BadSample as error:
            issues.append(error.issue)
            if len(issues) == issues_at_most(MOST):
                break
    return issues + coverage.issues()


def find_refused_rows(dataset, pipeline):
    """The issues of the first rows of a stream that its transforms refuse; see :meth:`Transform.end_of_rows` too.

    Args:
        dataset (object): with `rows`, `assemble` and `place`; every row could be read.
        pipeline (Pipeline): its transforms.
    """
    issues, rows = [], itertools.islice(dataset.rows(0, 1), CHECKED_ROWS)
    while len(issues) < issues_at_most(MOST) and (block := list(itertools.islice(rows, BLOCK))):
        try:
            pipeline.table(dataset.assemble(block))
        except BadRows as error:
            for row, (code, message, value) in sorted(error.rows.items())[: issues_at_most(MAX_LINES)]:
                file, place = dataset.place(block[row])
                issues.append(DataIssue(code, "error", file, message, place=place, value=value))
    for transform in pipeline.transforms:
        transform.end_of_rows()
    return issues


def read_stream(dataset, most=0):
    """(issues, samples read) of a stream; reading stops at the first error."""
    stream = iter(dataset.iterate(0, 1, 0))
    for count in itertools.count() if not most else range(most):
        try:
            sample = read_sample(lambda: next(stream, END), (0, count))
        except BadSample as error:
            return [error.issue], count
        if sample is END:
            empty = DataIssue("D117", "error", type(dataset).__name__, "the stream has no sample")
            return ([] if count else [empty]), count
    return [], most


def read_sample(read, place):
    """Calls `read()` and converts its exceptions.

    Raises:
        BadSample: for any exception, with `place`: an index, or (shard, position) in a stream.
    """
    try:
        return read()
    except KitError as error:
        if not isinstance(error, DataError):
            raise
        raise locate_error(error, place, {}, "reading") from error
    except Exception as error:
        raise locate_error(error, place, {}, "reading") from error
