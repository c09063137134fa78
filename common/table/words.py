"""Words of texts in tables: splitting at blanks, or into runs of letters and digits."""

import re

from common.data.transform import Transform
from common.errors import ConfigError
from common.table.hash import as_words

RUN = re.compile(r"\w+")
RULES = ("whitespace", "letters")


def split_text(text, rule, max_length):
    """The first words of a text (list of bytes), see :class:`SplitTexts`."""
    words = text.split() if rule == "whitespace" else RUN.findall(text.lower())
    return [word.encode() for word in words[:max_length]]


def known_rule(rule):
    """The name of a rule of :func:`split_text`; raises ConfigError."""
    if rule not in RULES:
        raise ConfigError(f"words is '{rule}'; it must be {' or '.join(RULES)}")
    return rule


class SplitTexts(Transform):
    """Splits the texts of columns into words, in training and in exported models alike.

    Args:
        columns (list[str]): of texts, split at blanks by the reader.
        words (str): `letters` for lower-case runs of letters and digits, `whitespace` for words as they are.
        max_length (int): the first words of a text that are used.
    """

    reads = makes = ()  # the columns of a table that it converts keep their names
    alike = True

    def __init__(self, columns, words="letters", max_length=200):
        self.columns, self.words, self.max_length = list(columns), known_rule(words), max_length

    def __call__(self, sample, rng):
        texts = {name: sample[name] for name in self.columns if name in sample}
        return sample | {name: split_text(text, self.words, self.max_length) for name, text in texts.items()}

    def table(self, columns):
        """Splits the columns, words `S` [N, L] with empty words as padding."""
        return columns | {name: self.split(columns[name]) for name in self.columns if name in columns}

    def split(self, column):
        """The words of each row of a column."""
        texts = [b" ".join(filter(None, row)).decode("utf-8", "replace") for row in column.tolist()]
        found = [split_text(text, self.words, self.max_length) for text in texts]
        longest = max(1, *map(len, found))
        return as_words([word for words in found for word in words + [b""] * (longest - len(words))]).reshape(
            -1, longest
        )
