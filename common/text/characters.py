"""Texts as ids of characters, for models that spell: the ids of a text, and the text of ids.

Shapes in this file:
    U characters of a text, C classes: the blank of CTC is 0, the characters of the vocabulary are 1 to C - 1.
"""

import numpy as np

from common.data.alignment import min_ctc_steps
from common.data.coverage import count
from common.data.refusals import add_list_line, bad_file
from common.data.transform import Transform
from common.text.vocabulary import SPACE, Vocabulary

BLANK = "<blank>"


class CharacterIds(Transform):
    """Converts `text` to character ids: `labels` int32 [U] and `label_length` U. Samples without text are unchanged.

    Args:
        vocab (str): the vocabulary file, one character per line, `<space>` for the space; line k has the id k, from 1.
        unknown (str): the unknown character of the vocabulary; empty refuses unknown characters.
        stride (int): frames, or columns of an image, per output step of the model; recordings and images with fewer
            steps than their text needs are refused, because the CTC loss would be infinite. 0 disables the check.
    """

    files = ("vocab",)
    alike = ("unknown",)

    def __init__(self, vocab, unknown="", stride=0):
        self.vocab, self.stride = vocab, stride
        self.characters = Characters(vocab, unknown)
        self.vocab_size = len(self.characters.labels)

    def __call__(self, sample, rng):
        if "text" not in sample:
            return sample
        text = sample["text"]
        odd = self.characters.odd(text)
        if odd:
            raise refuse_text(sample, "D147", self.characters.describe_unknown(odd), "clean the transcript")
        if not text:
            raise refuse_text(sample, "D126", "the transcript is empty", "remove the line")
        labels = self.characters.numbers(text)
        frames, what = frames_of(sample)
        if self.stride and frames is not None:
            steps, needed = -(-frames // self.stride), min_ctc_steps(labels)
            if steps < needed:
                message = f"{len(labels)} characters need {needed} output steps, but the {what} has only {steps}"
                raise refuse_text(sample, "D149", message, "remove it: too short for its text")
        sample["labels"], sample["label_length"] = labels, len(labels)
        sample["coverage"] = {"text": count(labels.tolist(), self.characters.other)}
        return sample


def frames_of(sample):
    """The frames of a recording or the columns of an image, without padding (int | None), and what it is."""
    if "feature_length" in sample:
        return sample["feature_length"], "audio"
    if "im_shape" in sample:
        return int(sample["im_shape"][1]), "image"
    return None, ""


def refuse_text(sample, code, message, fix):
    """The BadSample of the text of a sample."""
    return add_list_line(bad_file(code, sample.get("path", "a recording"), message, fix=fix), sample)


class Characters:
    """The characters of a vocabulary file, with ids from 1.

    Args:
        vocab (str): the vocabulary file, one character per line.
        unknown (str): the unknown character; empty for none.

    Attributes:
        labels (list[str]): C names, starting with the blank.

    Raises:
        DataError: the vocabulary is invalid or lacks `unknown`.
    """

    def __init__(self, vocab, unknown=""):
        self.path = str(vocab)
        found = Vocabulary(vocab, unknown)
        self.labels = [BLANK, *found.tokens]
        self.known = {token_text(token): number for number, token in enumerate(self.labels)}
        self.other = None if found.unknown is None else found.unknown + 1

    def odd(self, text):
        """The characters of a text that are not in the vocabulary, each once, sorted."""
        if self.other is not None:
            return ""
        return "".join(sorted(set(text) - self.known.keys()))

    def describe_unknown(self, odd):
        """The error message for characters that are not in the vocabulary."""
        return f"{', '.join(map(repr, odd[:8]))}{' ...' if len(odd) > 8 else ''}: not in the vocabulary {self.path}"

    def numbers(self, text):
        """The character ids int32 [U] of a text."""
        return np.array([self.known.get(character, self.other) for character in text], np.int32)


def token_text(token):
    """The text of a vocabulary entry: a space for `<space>`, otherwise the character."""
    return " " if token == SPACE else token


def labels_to_text(numbers, labels):
    """Converts label ids to text; blanks (0) are dropped.

    Args:
        numbers (Iterable[int]): label ids, 0 to C - 1.
        labels (list[str]): C names, starting with the blank.
    """
    return "".join(token_text(labels[number]) for number in numbers if number > 0)
