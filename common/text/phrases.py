"""A dictionary of the user's own, whose phrases overrule what a model finds."""

from common.errors import DataError, DataIssue
from common.files import read_lines


class Phrases:
    """The phrases of a dictionary, and where they are in a text.

    A line of the dictionary is one or more words between blanks, each perhaps with its label after a slash: `春天`,
    `春天/SEASON`, `花/n 开/v`. Of phrases that begin at one place the longest counts; one that ends no later than
    the one before it is passed over.

    Args:
        dictionary (str): the file; null for none.
    """

    def __init__(self, dictionary=None):
        self.phrases = read_phrases(dictionary) if dictionary else {}
        self.longest = max(map(len, self.phrases), default=0)

    def find(self, text):
        """(start, ends of the words, their labels) of every phrase in a text, from left to right."""
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
    """phrase -> (where its words end, their labels), of a dictionary file.

    Raises:
        DataError: a word has an empty label; names the line.
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
