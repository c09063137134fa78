"""What the data sets of texts have in common: checked samples in memory, labels, lengths."""

from collections import Counter
from pathlib import Path

from common.data.issues import IssueList, raise_on_errors
from common.errors import ConfigError
from common.files import has_lone_surrogate, replace_controls
from common.log import logger
from common.suggest import did_you_mean


class TextDataset:
    """Samples of one file; the child class reads them with :meth:`note` and calls :meth:`settle` once.

    Attributes:
        labels (list[str]): class names in the order of their numbers.
        samples (list[dict]): each with `path`, `place`, `text_a` or `tokens`.
        issues (list[DataIssue]): what reading found.

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): the names; null takes those of the file, in order.
        bad_samples (str): `error`, or `skip` lines with an error, a few.
    """

    def __init__(self, root, file, labels, bad_samples):
        if bad_samples not in ("error", "skip"):
            raise ValueError(f"bad_samples is 'error' or 'skip', not {bad_samples!r}")
        self.source = str(Path(root) / file) if not str(root).startswith("package:") else f"{root}/{file}"
        self.wanted, self.bad_samples = labels, bad_samples
        self.samples, self.problems = [], IssueList(self.source)

    @property
    def num_classes(self):
        """C, the number of labels."""
        return len(self.labels)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        """One sample, a new dict."""
        return dict(self.samples[index])

    def lengths(self):
        """Characters of each sample, both texts together, or its tokens where it has been cut (list[int])."""
        return [length_of(sample) for sample in self.samples]

    def check(self, deep=False, cache=None):
        """What is wrong with the file; reading it has found all there is to find."""
        return self.issues

    def error(self, code, message, line, value="", fix=""):
        """Notes that a line cannot be used."""
        self.problems.error(code, message, f"line {line}", value, fix, image=line)

    def cleaned(self, text, line):
        """The text without control characters, or None after noting that it is empty or no text."""
        text, changed = replace_controls(text)
        if changed:
            self.problems.warn("D125", "control characters are read as blanks", f"line {line}")
        if has_lone_surrogate(text):
            self.error("D123", "half of a surrogate pair is no text", line)
            return None
        if not text.strip():
            self.error("D126", "a text is empty", line, fix="remove the line, or bad_samples: skip")
            return None
        return text

    def settle(self, names):
        """Decides on the labels, refuses what was noted, and keeps the rest.

        Args:
            names (list[str]): the labels of the file, in the order they were met.

        Raises:
            DataError: with every error found.
        """
        self.labels = list(self.wanted) if self.wanted else in_order(names)
        if not self.samples and not self.problems.errors:
            self.problems.error("D117", "holds no sample", fix="check that this is the right file")
        counts = Counter(names)
        if len(counts) == 1 and len(self.samples) > 1:
            self.problems.warn("D127", f"every sample has the label '{names[0]}': there is nothing to tell apart")
        self.issues = self.problems.all()
        raise_on_errors(self.issues, self.bad_samples, len(self.samples) + len(self.problems.errors))
        if self.bad_samples == "skip":
            self.issues = [issue for issue in self.issues if issue.severity != "error"]
        logger.info("%s: %d samples, %d labels", self.source, len(self.samples), len(self.labels))

    def known(self, name, line):
        """Whether a label is one of those wanted; an unknown one is noted."""
        if not self.wanted or name in self.wanted:
            return True
        shown = ", ".join(map(str, self.wanted[:20])) + (", ..." if len(self.wanted) > 20 else "")
        hint = did_you_mean(name, self.wanted)
        self.error("D109", f"the label '{name}' is none of {shown}{hint}", line, fix="correct it, or complete labels")
        return False


def length_of(sample):
    """Characters or tokens of a sample."""
    if "tokens" in sample:
        return len(sample["tokens"])
    return len(sample["text_a"]) + len(sample.get("text_b", ""))


def in_order(names):
    """Each name once, numbers by value, others as texts are sorted."""
    found = set(names)
    return sorted(found, key=(lambda name: (int(name), name)) if all(n.isdigit() for n in found) else None)


def columns_of(header, needed, optional, source):
    """Where each column is, {name: index}.

    Args:
        header (list[str]): the names in the file.
        needed (tuple[str]): those that must be there.
        optional (tuple[str]): those that may be.
        source (str): the file, for messages.

    Raises:
        ConfigError: one is missing or unknown.
    """
    names = [name.strip() for name in header]
    lacking = [name for name in needed if name not in names]
    odd = [name for name in names if name not in (*needed, *optional)]
    if lacking or odd or len(set(names)) < len(names):
        raise ConfigError(
            f"{source}: line 1: the columns are {', '.join(repr(n) for n in names)}; a header names "
            f"{', '.join(needed)} and perhaps {', '.join(optional) or 'nothing else'}, separated by tabs"
            "\n  fix: add such a first line, or name the columns where the file is read: columns: [text_a, label]"
        )
    return {name: place for place, name in enumerate(names)}
