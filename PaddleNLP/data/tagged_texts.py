"""Texts with a tag for every token: LAC's TSV of characters, and the CoNLL column format."""

import numpy as np

from common.errors import ConfigError
from common.files import read_lines
from common.text.tags import TagScheme, begins

from .text_dataset import TextDataset, columns_of

SEPARATOR = "\x02"


class TaggedCharacters(TextDataset):
    """The format of LAC: a header `text_a<tab>label`, then characters and tags, separated by the byte 0x02.

    A sample has `text_a` and `tags` int64 [T], one per character.

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): tag names; null takes those of the file, sorted.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(self, root, file, labels=None, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, labels, bad_samples)
        lines = read_lines(self.source, encoding)
        columns = columns_of(lines[0].split("\t") if lines else [], ("text_a", "label"), (), self.source)
        rows = []
        for number, line in enumerate(lines[1:], 2):
            fields = line.split("\t")
            if len(fields) != 2:
                self.error("D118", f"{len(fields)} fields where 2 are expected", number, line[:60])
                continue
            tokens = fields[columns["text_a"]].split(SEPARATOR)
            tags = fields[columns["label"]].split(SEPARATOR)
            if any(len(token) > 1 for token in tokens):
                self.error(
                    "D118",
                    "more than one character between two separators; each has its own tag",
                    number,
                    line[:60],
                )
            elif check_row(self, tokens, tags, number):
                rows.append((number, tokens, tags))
        self.keep(rows)

    def keep(self, rows):
        """Adds the rows (line, tokens, tags) as samples, their tags as ids."""
        names = [tag for _, _, tags in rows for tag in tags]
        numbers = {name: k for k, name in enumerate(self.wanted or sorted(set(names)))}
        for number, tokens, tags in rows:
            ids = np.array([numbers[tag] for tag in tags], np.int64)
            self.samples.append(self.sample(tokens, ids) | {"path": self.source, "place": f"line {number}"})
        if not self.wanted:
            self.wanted = list(numbers)
        if self.wanted:
            warn_of_open_spans(self, rows, self.wanted)
        self.finalize(names)

    def sample(self, tokens, ids):
        """One sample, without its path and line."""
        return {"text_a": "".join(tokens), "tags": ids}


class ConllTags(TaggedCharacters):
    """The CoNLL format: a token (first column) and its tag (last column) a line, an empty line between sentences.

    A sample has `tokens`, a list of T strings, and `tags` int64 [T].

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): tag names; null takes those of the file, sorted.
        separator (str): column separator; null is any whitespace.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few sentences with errors.
    """

    def __init__(self, root, file, labels=None, separator=None, encoding="utf-8", bad_samples="error"):
        TextDataset.__init__(self, root, file, labels, bad_samples)
        rows, tokens, tags, broken = [], [], [], False
        for number, line in enumerate([*read_lines(self.source, encoding), ""], 1):
            fields = line.split(separator) if line.strip() else []
            if not fields or fields[0] == "-DOCSTART-":
                if tokens and not broken and check_row(self, tokens, tags, number - len(tokens)):
                    rows.append((number - len(tokens), tokens, tags))
                tokens, tags, broken = [], [], False
            elif len(fields) < 2:
                self.error("D118", "a token without a tag", number, line[:60])
                broken = True
            else:
                tokens.append(fields[0])
                tags.append(fields[-1])
        self.keep(rows)

    def sample(self, tokens, ids):
        """One sample, without its path and line."""
        return {"tokens": tokens, "tags": ids}


def check_row(dataset, tokens, tags, line):
    """Checks that a sentence can be used; records errors."""
    if len(tokens) != len(tags):
        dataset.error("D118", f"{len(tokens)} tokens but {len(tags)} tags", line)
        return False
    if not all(tokens):
        dataset.error("D126", "a token is empty", line)
        return False
    return all(dataset.check_label(tag, line) for tag in tags)


def warn_of_open_spans(dataset, rows, labels):
    """Refuses labels of no tag scheme, and warns of tags that continue or end a span that has not begun.

    Args:
        dataset (TextDataset): for messages.
        rows (list[tuple]): (line, tokens, tags).
        labels (list[str]): all tags.

    Raises:
        ConfigError: the labels mix several schemes.
    """
    try:
        tags = dict(zip(labels, TagScheme(labels).tags, strict=True))
    except ConfigError as error:
        raise ConfigError(f"{dataset.source}: {error}") from None
    message = "a tag does not continue a span of its type; it starts a new span"
    for line, _, names in rows:
        before = None
        for name in names:
            role, kind = tags[name]
            if role in "IE" and begins(role, kind, before):
                dataset.problems.warn("D128", message, f"line {line}", name)
            before = (role, kind)
