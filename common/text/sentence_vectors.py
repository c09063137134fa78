"""Vectors of sentences: those that another program wrote, or counts of words with their places.

Shapes in this file:
    V words of the vocabulary, S numbers of a vector.
"""

import numpy as np

from common.data.coverage import count
from common.data.transform import Transform
from common.errors import BadSample, DataIssue
from common.text.vocabulary import Vocabulary


class SentenceVector(Transform):
    """Sets `sentence_vector` float32 [S] of a sample, which has it already, or whose `sentence` becomes one.

    Of a sentence: for each word of the vocabulary how often it occurs [V], then the sum of its places [V], from 0 for
    the first word of the sentence to 1 for the last one, so that "left then up" is not "up then left".

    Args:
        size (int): S; 2 V with a vocabulary.
        vocab (str | None): the vocabulary file; null where vectors are given.
        unknown (str): the unknown token of the vocabulary.
    """

    files = ("vocab",)
    alike = ("size", "unknown")

    def __init__(self, size, vocab=None, unknown="<unk>"):
        self.size, self.vocab = size, vocab
        self.words = Vocabulary(vocab, unknown) if vocab else None
        if self.words and size != 2 * len(self.words):
            raise ValueError(f"size is {size}; {vocab} has {len(self.words)} words, so it is {2 * len(self.words)}")

    def __call__(self, sample, rng):
        vector = sample.get("sentence_vector")
        if vector is None and self.words is not None and "sentence" in sample:
            vector = self.count(sample, sample["sentence"].lower().split())
        place = sample.get("path", "video")
        if vector is None:
            needs = "a sentence: give --text SENTENCE, or a text 'sentence'"
            needs = needs if self.words else f"a sentence as a vector: give an array 'sentence_vector' [{self.size}]"
            raise refuse_vector(place, "has no sentence to search for", f"it takes {needs} in the file")
        vector = np.asarray(vector)
        if vector.shape != (self.size,) or vector.dtype.kind not in "fui" or not np.isfinite(vector).all():
            found = f"'sentence_vector' is {vector.dtype} {list(vector.shape)}; expected finite numbers [{self.size}]"
            raise refuse_vector(place, found, "")
        sample["sentence_vector"] = vector.astype(np.float32)
        return sample

    def count(self, sample, words):
        """The vector of a sentence, [2 V]; refuses one without a word."""
        if not words:
            raise refuse_vector(sample.get("path", "video"), "the sentence is empty", "", "D126")
        numbers = np.array([self.words.number(word) for word in words])
        sample["coverage"] = {"sentence": count(numbers.tolist(), self.words.unknown, 0)}
        places = np.arange(len(words)) / max(1, len(words) - 1)
        size = len(self.words)
        return np.concatenate([np.bincount(numbers, minlength=size), np.bincount(numbers, places, minlength=size)])


def refuse_vector(place, message, fix, code="D113"):
    """The BadSample of a sentence that is missing, or is no vector."""
    return BadSample(DataIssue(code, "error", str(place), message, fix=fix))
