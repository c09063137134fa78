"""User dictionary: phrases that override the predictions of a sequence labeling model."""

from common.errors import DataError, DataIssue
from common.files import read_lines


class Phrases:
    """The phrases of a dictionary, which override the model's predictions in a text.

    A line of the dictionary is one or more words separated by spaces, each with an optional label after a slash:
    `春天`, `春天/SEASON`, `花/n 开/v`. Of phrases with the same start the longest is used; one that ends no later than
    the previous one is ignored.

    Args:
        dictionary (str): the dictionary file; null for none.
    """

    def __init__(self, dictionary=None):
        self.phrases = read_phrases(dictionary) if dictionary else {}
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


def read_phrases(path):
    """Reads a dictionary file: phrase -> (ends of its words, labels of its words).

    Raises:
        DataError: a word with an empty label; names the line.
    """
    phrases = {}
    for number, line in enumerate(read_lines(path), 1):
        text, ends, labels = "", [], []
        for word in line.split():
            name, slash, label = word.rpartition("/")
            if slash and name and not label:
                raise DataError(str(DataIssue("D124", "error", str(path), f"'{word}' has no label", f"line {number}")))
            text += name if slash and name else word
            ends.append(len(text))
            labels.append(label if slash and name else "")
        if text and (len(text) > 1 or labels[0]):
            phrases[text] = (ends, labels)
    return phrases
