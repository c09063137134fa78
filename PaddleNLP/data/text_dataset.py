"""The base class of the datasets of texts: validated samples in memory, labels, lengths."""

import re
from collections import Counter
from pathlib import Path

from common.data.issues import IssueList, raise_on_errors
from common.errors import ConfigError
from common.files import has_lone_surrogate, replace_controls
from common.log import counted, logger
from common.suggest import did_you_mean

MISSING = ("null", "none", "nan", "n/a", "<na>")  # as programs write a value that is not there
WHOLE = re.compile(r"(-?\d+)\.0+")


class TextDataset:
    """Base class: the samples of one file; a child class fills `samples`, reports problems by :meth:`error`, and calls
    :meth:`finalize` once.

    Attributes:
        labels (list[str]): class names in the order of their ids.
        samples (list[dict]): each with `path`, `place`, `text_a` or `tokens`.
        issues (list[DataIssue]): the problems found while reading.

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): class names; null takes those of the file, sorted.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(self, root, file, labels, bad_samples):
        if bad_samples not in ("error", "skip"):
            raise ValueError(f"bad_samples is 'error' or 'skip', not {bad_samples!r}")
        self.source = str(Path(root) / file) if not str(root).startswith("package:") else f"{root}/{file}"
        self.wanted, self.given, self.bad_samples = labels, bool(labels), bad_samples
        self.samples, self.problems = [], IssueList(self.source)

    @property
    def num_classes(self):
        """C, the number of labels; None of texts that have none."""
        return None if self.labels is None else len(self.labels)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        """One sample, a new dict."""
        return dict(self.samples[index])

    def lengths(self):
        """The characters of each sample, of both texts, or its tokens if it is tokenized (list[int])."""
        return [length_of(sample) for sample in self.samples]

    def check(self, deep=False, cache=None):
        """The issues found while reading the file; there is nothing more to check."""
        return self.issues

    def error(self, code, message, line, value="", fix=""):
        """Records that a line cannot be used."""
        self.problems.error(code, message, f"line {line}", value, fix, image=line)

    def clean(self, text, line):
        """The text without control characters, or None after recording that it is empty or not valid Unicode."""
        text, changed = replace_controls(text)
        if changed:
            self.problems.warn("D125", "control characters are read as spaces", f"line {line}")
        if has_lone_surrogate(text):
            self.error("D123", "the text contains an unpaired surrogate", line)
            return None
        if not text.strip():
            self.error("D126", "a text is empty", line, fix="remove the line, or bad_samples: skip")
            return None
        if text.strip().lower() in MISSING:
            self.problems.warn("D126", "a text reads like a missing value", f"line {line}", text.strip())
        return text

    def finalize(self, names):
        """Fixes the labels, and raises the recorded errors or leaves their lines out.

        Args:
            names (list[str]): the label of each sample, in the order of the file.

        Raises:
            DataError: lists every error found.
        """
        self.labels = list(self.wanted) if self.wanted else in_order(names)
        if not self.samples and not self.problems.errors:
            self.problems.error("D117", "holds no sample", fix="check that this is the right file")
        counts = Counter(names)
        self.warn_of_rare_labels(counts)
        if len(counts) == 1 and len(self.samples) > 1:
            self.problems.warn("D127", f"every sample has the label '{names[0]}': there is nothing to learn")
        self.issues = self.problems.all()
        raise_on_errors(self.issues, self.bad_samples, len(self.samples) + len(self.problems.errors))
        if self.bad_samples == "skip":
            self.issues = [issue for issue in self.issues if issue.severity != "error"]
        logger.info("%s: %s, %s", self.source, counted(len(self.samples), "sample"), counted(len(self.labels), "label"))

    def warn_of_rare_labels(self, counts):
        """Warns of labels that occur once where others occur more often, if no list of labels is given.

        Args:
            counts (Counter): how often each label occurs.
        """
        rare = {name for name, count in counts.items() if count == 1}
        if self.given or not rare or max(counts.values()) < 2:
            return
        for sample in self.samples:
            name = self.labels[sample["label"]] if "label" in sample else None
            if name in rare:
                message = "a label that occurs once; give labels: to refuse misspelled ones"
                self.problems.warn("D109", message, sample["place"], name)

    def check_label(self, name, line):
        """Checks that a label is in the given list; an unknown one is recorded as an error."""
        if not self.wanted or name in self.wanted:
            return True
        shown = ", ".join(map(str, self.wanted[:20])) + (", ..." if len(self.wanted) > 20 else "")
        hint = did_you_mean(name, self.wanted)
        self.error(
            "D109", f"unknown label '{name}'; the labels are {shown}{hint}", line, fix="fix it, or extend labels"
        )
        return False


def plain_label(value):
    """The name of a class as text: 17, 17.0 and "17.0" are 17; None for what is neither a string nor a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    whole = WHOLE.fullmatch(text)
    return whole[1] if whole else text


def length_of(sample):
    """The number of characters, or of tokens, of a sample."""
    if "tokens" in sample:
        return len(sample["tokens"])
    return len(sample["text_a"]) + len(sample.get("text_b", ""))


def in_order(names):
    """The distinct names, numbers sorted by value, others as strings."""
    found = set(names)
    return sorted(found, key=(lambda name: (int(name), name)) if all(n.isdecimal() for n in found) else None)


def columns_of(header, needed, optional, source):
    """The index of each column (dict).

    Args:
        header (list[str]): the column names of the file.
        needed (tuple[str]): required columns.
        optional (tuple[str]): optional columns.
        source (str): the file, for messages.

    Raises:
        ConfigError: a column is missing or unknown.
        DataError: the first line is empty, or missing.
    """
    names = [name.strip() for name in header]
    if not any(names):
        issues = IssueList(source)
        issues.error("D117", "begins with no names of columns", fix="check that this is the right file")
        raise_on_errors(issues.errors)
    lacking = [name for name in needed if name not in names]
    odd = [name for name in names if name not in (*needed, *optional)]
    if lacking or odd or len(set(names)) < len(names):
        raise ConfigError(
            f"{source}: line 1: the columns are {', '.join(repr(n) for n in names)}; a header names "
            f"{', '.join(needed)} and optionally {', '.join(optional) or 'nothing else'}, separated by tabs"
            "\n  fix: add such a header, or name the columns in the configuration: columns: [text_a, label]"
        )
    return {name: place for place, name in enumerate(names)}
