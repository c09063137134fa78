"""CTC labels: character ids of transcripts, padding of batches, decoding of labels to text.

Shapes in this file:
    T frames, F features per frame, U characters of a transcript, C classes: the CTC blank is 0, the characters of the
    vocabulary are 1 to C - 1.
"""

import numpy as np

from common.audio.decode import add_manifest_line
from common.data.coverage import count
from common.data.refusals import bad_file
from common.data.transform import Transform
from common.errors import ConfigError
from common.text.vocabulary import SPACE, Vocabulary

BLANK = "<blank>"


class CharacterIds(Transform):
    """Converts `text` to character ids: `labels` int32 [U] and `label_length` U. Samples without text are unchanged.

    Args:
        vocab (str): the vocabulary file, one character per line, `<space>` for the space; line k has the id k, from 1.
        unknown (str): the unknown character of the vocabulary; empty refuses unknown characters.
        stride (int): frames per output step of the model; utterances with fewer steps than their transcript needs are
            refused, because the CTC loss would be infinite. 0 disables the check.
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
        name, text = sample.get("path", "a recording"), sample["text"]
        odd = self.characters.odd(text)
        if odd:
            raise add_manifest_line(
                bad_file("D147", name, self.characters.describe_unknown(odd), fix="clean the transcript"), sample
            )
        if not text:
            raise add_manifest_line(bad_file("D126", name, "the transcript is empty", fix="remove the line"), sample)
        labels = self.characters.numbers(text)
        if self.stride and "feature_length" in sample:
            steps, needed = -(-sample["feature_length"] // self.stride), min_ctc_steps(labels)
            if steps < needed:
                message = f"{len(labels)} characters need {needed} output steps, but the audio has only {steps}"
                raise add_manifest_line(
                    bad_file("D149", name, message, fix="remove it: too short for its text"), sample
                )
        sample["labels"], sample["label_length"] = labels, len(labels)
        sample["coverage"] = {"text": count(labels.tolist(), self.characters.other)}
        return sample


class PadSpeech(Transform):
    """Zero-pads the utterances of a batch to the longest one.

    `features` [T, F], `labels` [U] and `audio` [S] are padded; the true lengths are unchanged.

    Args:
        multiple (int): the number of frames is rounded up to a multiple of it, which reduces the number of shapes.
    """

    per_batch = True

    def __init__(self, multiple=1):
        if multiple < 1:
            raise ConfigError(f"multiple is {multiple}; it must be at least 1")
        self.multiple = multiple

    def __call__(self, samples, rng):
        for key, multiple in (("features", self.multiple), ("labels", 1), ("audio", 1)):
            arrays = [sample[key] for sample in samples if key in sample]
            longest = -(-max((len(array) for array in arrays), default=0) // multiple) * multiple
            for sample in samples:
                if key in sample:
                    array = sample[key]
                    sample[key] = np.zeros((longest, *array.shape[1:]), array.dtype)
                    sample[key][: len(array)] = array
        return samples


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


def min_ctc_steps(labels):
    """The minimum number of CTC steps for labels [U]: one per label, and a blank between equal neighbors."""
    return len(labels) + int((labels[1:] == labels[:-1]).sum())
