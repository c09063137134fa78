"""Transcripts as numbers, and batches of recordings with them.

Shapes in this file:
    T frames, F features of a frame, U characters of a transcript, C classes: the blank of CTC is 0, the characters
    of the vocabulary are 1 to C - 1.
"""

import numpy as np

from common.audio.decode import placed
from common.data.refusals import bad_file
from common.data.transform import Transform
from common.errors import ConfigError
from common.text.vocabulary import SPACE, Vocabulary

BLANK = "<blank>"


class CharacterIds(Transform):
    """Numbers the characters of `text`; sets `labels` int32 [U] and `label_length` U. A sample without a text stays.

    Args:
        vocab (str): a character a line, `<space>` for the blank between words; line k has the number k, from 1.
        unknown (str): the line that stands for all other characters; empty refuses them.
        stride (int): frames that become one step of the model's output; a recording with fewer steps than its
            transcript takes is refused, as CTC's loss would be infinite. 0 does not look.
    """

    files = ("vocab",)

    def __init__(self, vocab, unknown="", stride=0):
        self.vocab, self.stride = vocab, stride
        self.characters = Characters(vocab, unknown)
        self.vocab_size = len(self.characters.labels)

    def __call__(self, sample, rng):
        if "text" not in sample:
            return sample
        name, text = sample.get("path", "a recording"), sample["text"]
        odd = self.characters.odd(text)
        if odd:
            raise placed(bad_file("D147", name, self.characters.complaint(odd), fix="clean the transcript"), sample)
        if not text:
            raise placed(bad_file("D126", name, "the transcript is empty", fix="remove the line"), sample)
        labels = self.characters.numbers(text)
        if self.stride and "feature_length" in sample:
            steps, needed = -(-sample["feature_length"] // self.stride), steps_needed(labels)
            if steps < needed:
                message = f"{steps} steps of output cannot spell {len(labels)} characters, which take {needed}"
                raise placed(bad_file("D149", name, message, fix="leave it out: it is too short for its text"), sample)
        sample["labels"], sample["label_length"] = labels, len(labels)
        return sample


class PadSpeech(Transform):
    """Fills the arrays of the recordings of a batch up to the longest of them, with zeros.

    `features` become [T, F], `labels` [U] and `audio` [S] of one length each; their true lengths stay.

    Args:
        multiple (int): the number of frames is a multiple of it, so that fewer different ones occur.
    """

    per_batch = True

    def __init__(self, multiple=1):
        if multiple < 1:
            raise ConfigError(f"multiple is {multiple}; it is 1 or more")
        self.multiple = multiple

    def __call__(self, samples, rng):
        for key, multiple in (("features", self.multiple), ("labels", 1), ("audio", 1)):
            held = [sample[key] for sample in samples if key in sample]
            longest = -(-max((len(array) for array in held), default=0) // multiple) * multiple
            for sample in samples:
                if key in sample:
                    array = sample[key]
                    sample[key] = np.zeros((longest, *array.shape[1:]), array.dtype)
                    sample[key][: len(array)] = array
        return samples


class Characters:
    """The characters of a vocabulary file, numbered from 1.

    Args:
        vocab (str): a character a line.
        unknown (str): the line for all others; empty has none.

    Attributes:
        labels (list[str]): C names, the blank first.

    Raises:
        DataError: the file is no vocabulary, or lacks `unknown`.
    """

    def __init__(self, vocab, unknown=""):
        self.path = str(vocab)
        found = Vocabulary(vocab, unknown)
        self.labels = [BLANK, *found.tokens]
        self.known = {spelled(token): number for number, token in enumerate(self.labels)}
        self.other = None if found.unknown is None else found.unknown + 1

    def odd(self, text):
        """The characters of a text that have no number, each once, in order."""
        if self.other is not None:
            return ""
        return "".join(sorted(set(text) - self.known.keys()))

    def complaint(self, odd):
        """What is wrong with characters that have no number."""
        return f"{', '.join(map(repr, odd[:8]))}{' ...' if len(odd) > 8 else ''}: not in the vocabulary {self.path}"

    def numbers(self, text):
        """int32 [U] of a text."""
        return np.array([self.known.get(character, self.other) for character in text], np.int32)


def spelled(token):
    """What a line of the vocabulary stands for in a text."""
    return " " if token == SPACE else token


def written(numbers, labels):
    """The text of labels' numbers; the blank, 0, is not written.

    Args:
        numbers (Iterable[int]): 0 to C - 1.
        labels (list[str]): C names, the blank first.
    """
    return "".join(spelled(labels[number]) for number in numbers if number > 0)


def steps_needed(labels):
    """Steps that CTC takes to spell labels [U]: one each, and a blank between two equal ones."""
    return len(labels) + int((labels[1:] == labels[:-1]).sum())
