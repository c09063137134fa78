"""Hashed n-grams of words and characters: the features of a linear model of texts."""

import re
import zlib

import numpy as np

from common.data.transform import Transform
from common.text.split import refuse_pair

WORDS = re.compile(r"\w+|[^\w\s]")


class HashedNgrams(Transform):
    """`ngrams` int64 [K]: the rows of a table for the different n-grams of `text_a`, in ascending order.

    Words are runs of letters and digits in lowercase, and punctuation marks.  N-grams of characters lie in one word
    with a space on both sides, as in fastText (https://arxiv.org/abs/1607.04606, section 3.2).  A text without words
    has row 0.

    Args:
        rows (int): rows of the table; each n-gram is hashed to one of them.
        words (int): longest n-gram of words; 0 for none.
        characters (list[int]): shortest and longest n-gram of characters; empty for none.
        max_words (int): the first words of a text that are used.
    """

    alike = True

    def __init__(self, rows, words=2, characters=(2, 5), max_words=256):
        if rows < 2 or words < 0 or max_words < 1:
            raise ValueError(f"rows is {rows}, words {words}, max_words {max_words}; at least 2, 0 and 1 are needed")
        if len(characters) not in (0, 2) or (len(characters) == 2 and not 1 <= characters[0] <= characters[1]):
            raise ValueError(f"characters is {list(characters)}; it is [shortest, longest], such as [2, 5], or empty")
        self.rows, self.words, self.max_words = rows, words, max_words
        self.sizes = range(characters[0], characters[1] + 1) if characters else range(0)

    def __call__(self, sample, rng):
        refuse_pair(self, sample)
        text = sample["text_a"] if "text_a" in sample else " ".join(sample["tokens"])
        found = {zlib.crc32(ngram.encode()) % self.rows for ngram in self.ngrams(text)}
        sample["ngrams"] = np.array(sorted(found) or [0], np.int64)
        return sample

    def ngrams(self, text):
        """The n-grams of a text (list of str); words have spaces between them, characters a tab before them."""
        words = WORDS.findall(text.lower())[: self.max_words]
        found = [" ".join(words[i : i + n]) for n in range(1, self.words + 1) for i in range(len(words) - n + 1)]
        for word in set(words):
            whole = f" {word} "
            found += ["\t" + whole[i : i + n] for n in self.sizes for i in range(len(whole) - n + 1)]
        return found
