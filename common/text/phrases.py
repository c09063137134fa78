"""User dictionary: phrases that override the predictions of a sequence labeling model."""

import itertools
import re

from common.errors import DataError, DataIssue
from common.files import read_lines

LATIN = re.compile(r"[0-9A-Za-z]+(/[^/]*)?")


class Phrases:
    """The phrases of a dictionary, which override the model's predictions in a text.

    A line of the dictionary is one or more words separated by blanks, each with an optional label after a slash:
    `春天`, `春天/SEASON`, `花/n 开/v`. With another `separator` words may hold blanks: `iPhone 12/PHONE`.
    Of phrases with the same start the longest is used; one that ends no later than the previous one is ignored.

    Args:
        dictionary (str): the dictionary file; null for none.
        separator (str): between the words of a line; null for blanks.
    """

    def __init__(self, dictionary=None, separator=None):
        self.phrases = read_phrases(dictionary, separator) if dictionary else {}
        self.longest = max(map(len, self.phrases), default=0)

    def find(self, text):
        """(start, ends of the words, labels of the words) of every phrase in a text, from left to right."""
        found, last = [], 0
        for start in range(len(text) if self.phrases else 0):
            for end in range(min(len(text), start + self.longest), max(start, last), -1):
                if text[start:end] in self.phrases:
                    ends, labels = self.phrases[text[start:end]]
                    found.append((start, [start + length for length in ends], labels))
                    last = end
                    break
        return found


def read_phrases(path, separator=None):
    """Reads a dictionary file: phrase -> (ends of its words, labels of its words).

    Raises:
        DataError: a word has an empty label, or the line is of a form whose phrase no text could hold; names the line.
    """
    phrases = {}
    for number, line in enumerate(read_lines(path), 1):
        text, ends, labels = "", [], []
        pieces = [word.strip() for word in line.split(separator)] if separator else line.split()
        if problem := wrong_form(line, pieces, separator):
            message, fix = problem
            raise DataError(str(DataIssue("D124", "error", str(path), message, f"line {number}", line[:80], fix)))
        for word in filter(None, pieces):
            name, slash, label = word.rpartition("/")
            if slash and name and not label:
                raise DataError(str(DataIssue("D124", "error", str(path), f"'{word}' has no label", f"line {number}")))
            text += name if slash and name else word
            ends.append(len(text))
            labels.append(label if slash and name else "")
        if text and (len(text) > 1 or labels[0]):
            phrases[text] = (ends, labels)
    return phrases


def wrong_form(line, words, separator):
    """(problem, fix) of a line that is of another tool's form, or whose words a text would separate; None if fine."""
    if "\t" in line and separator != "\t":
        return "columns, separated by tabs", "write a word with its label as word/label"
    if separator is None and any(LATIN.fullmatch(a) and LATIN.fullmatch(b) for a, b in itertools.pairwise(words)):
        return (
            "words of letters or digits side by side: a text has a blank between them, the phrase has none",
            "give a separator, postprocess.separator: ',', then words may hold blanks",
        )
    several = next((word for word in words if word.count("/") > 1 and "#" in word), None)
    if several and separator != "#":
        return f"'{several}' holds several labels", "separate the words by blanks, or give postprocess.separator: '#'"
    return None
