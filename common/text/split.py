"""Transforms that cut a text into tokens and number them: characters, words, a dictionary's longest words.

They read `text_a` of a sample, or `tokens` where a data set has cut the text already, and leave
    tokens    list of T texts
    offsets   list of T pairs: where each begins and ends in `text_a`
and, once numbered, `input_ids` int64 [T] and `length`, T.
"""

import re
from math import log

import numpy as np

from common.data.transform import Transform
from common.files import read_lines
from common.log import logger
from common.text.vocabulary import Vocabulary, bad_vocabulary

WORD = re.compile(r"\S+")
ALPHANUMERIC = re.compile(r"[a-zA-Z0-9]")


class SplitCharacters(Transform):
    """Every character is a token."""

    def __call__(self, sample, rng):
        if "tokens" not in sample:
            sample["tokens"] = list(sample["text_a"])
        return located(sample)


class SplitWords(Transform):
    """What stands between blanks is a token."""

    def __call__(self, sample, rng):
        if "tokens" not in sample:
            sample["tokens"] = WORD.findall(sample["text_a"])
        return located(sample)


class SplitByDictionary(Transform):
    """Words of a dictionary and single characters, as few as possible; letters and digits alone are joined.

    Of the ways to cut a text into dictionary words and single characters the one with the highest sum of
    log(length of the word) - log(total count) is taken. A word that the vocabulary lacks falls apart into characters.
    Where the sample has `tags`, one a character, a word keeps the tag of its first.

    Args:
        dictionary (str): a file of lines `word count`.
        vocab (str): what the tokens will be numbered by; words that are not in it are cut up.
    """

    files = ("dictionary", "vocab")

    def __init__(self, dictionary, vocab):
        self.dictionary, self.vocab = dictionary, vocab
        self.known = set(Vocabulary(vocab, unknown="").tokens)
        self.words, self.total = read_counts(dictionary)

    def __call__(self, sample, rng):
        text = sample["text_a"]
        tokens = [t for word in self.cut(text) for t in ([word] if word in self.known else word)]
        if "tags" in sample:
            starts = np.cumsum([0, *map(len, tokens)])[:-1]
            sample["tags"] = np.asarray(sample["tags"])[starts.astype(np.int64)]
        sample["tokens"] = tokens
        return located(sample)

    def cut(self, text):
        """The words of a text (list of str)."""
        ends = best_ends(text, self.words, self.total)
        found, start, joined = [], 0, ""
        while start < len(text):
            word = text[start : ends[start]]
            start = ends[start]
            if len(word) == 1 and ALPHANUMERIC.match(word):
                joined += word
                continue
            found += [joined, word] if joined else [word]
            joined = ""
        return [*found, joined] if joined else found


def best_ends(text, words, total):
    """For every place of a text, where the best word that begins there ends.

    Args:
        text (str): T characters.
        words (dict): word -> its length, beginning of a word -> 0.
        total (float): log of the sum of all counts.
    """
    size = len(text)
    score, ends = [0.0] * (size + 1), [0] * size
    for start in range(size - 1, -1, -1):
        best = (0.0 - total + score[start + 1], start + 1)
        end = start + 1
        while end <= size and (length := words.get(text[start:end], -1)) >= 0:
            if length:
                best = max(best, (log(length) - total + score[end], end))
            end += 1
        score[start], ends[start] = best
    return ends


def read_counts(path):
    """The words of a dictionary file with their lengths, their beginnings with 0, and the log of the total count."""
    words, total = {}, 0
    for number, line in enumerate(read_lines(path), 1):
        word, _, count = line.strip().partition(" ")
        if not word or not count.isdigit():
            raise bad_vocabulary(path, f"has {line[:40]!r} where 'word count' is expected", f"line {number}")
        total += int(count)
        words[word] = len(word)
        for end in range(1, len(word)):
            words.setdefault(word[:end], 0)
    if not words:
        raise bad_vocabulary(path, "is empty")
    return words, log(total)


class TokenIds(Transform):
    """Numbers the tokens by a vocabulary, after replacing some, such as full-width characters.

    Args:
        vocab (str): the file of the vocabulary.
        unknown (str): its token for all that it lacks.
        replace (str): a file of lines `token<tab>other`; null replaces nothing.
        lowercase (bool): tokens are looked up in lower case.
        max_length (int): tokens kept of a text; 0 keeps all.
        added (list[str]): tokens numbered after those of the file.
    """

    files = ("vocab", "replace")

    def __init__(self, vocab, unknown="[UNK]", replace=None, lowercase=False, max_length=0, added=()):
        self.vocab, self.lowercase, self.max_length = vocab, lowercase, max_length
        self.vocabulary = Vocabulary(vocab, unknown, added)
        self.vocab_size = len(self.vocabulary)
        self.others = read_replacements(replace) if replace else {}
        self.warned = False

    def __call__(self, sample, rng):
        tokens = sample["tokens"]
        if self.max_length and len(tokens) > self.max_length:
            self.warned = self.warned or warn_of_cut(sample, len(tokens), self.max_length)
            for key in ("tokens", "offsets", "tags"):
                if key in sample:
                    sample[key] = sample[key][: self.max_length]
            tokens = sample["tokens"]
        if self.lowercase:
            tokens = [token.lower() for token in tokens]
        number, others = self.vocabulary.number, self.others
        sample["input_ids"] = np.array([number(others.get(token, token)) for token in tokens], np.int64)
        sample["length"] = len(tokens)
        if "tags" in sample:
            sample["tags"] = np.asarray(sample["tags"], np.int64)
        return sample


class PadText(Transform):
    """Fills the arrays of the texts of a batch up to the longest of them.

    Args:
        multiple (int): the filled length is a multiple of it, so that fewer different lengths occur.
    """

    per_batch = True
    fill = {"input_ids": 0, "token_type_ids": 0, "tags": -1}

    def __init__(self, multiple=1):
        if multiple < 1:
            raise ValueError(f"multiple is {multiple}; it is 1 or more")
        self.multiple = multiple

    def __call__(self, samples, rng):
        longest = max(1, *(len(sample["input_ids"]) for sample in samples))
        longest = -(-longest // self.multiple) * self.multiple
        for sample in samples:
            for key, value in self.fill.items():
                if key in sample:
                    array = np.asarray(sample[key])
                    padded = np.full((longest, *array.shape[1:]), value, np.int64)
                    padded[: len(array)] = array
                    sample[key] = padded
        return samples


def located(sample):
    """The sample with `offsets`, the places of its tokens in `text_a`; where there is no text it is made of them."""
    if "text_a" not in sample:
        sample["text_a"] = " ".join(sample["tokens"])
    place, found = 0, []
    for token in sample["tokens"]:
        place = sample["text_a"].index(token, place)
        found.append((place, place + len(token)))
        place += len(token)
    sample["offsets"] = found
    return sample


def read_replacements(path):
    """token -> what it is looked up as, of a file of lines `token<tab>other`."""
    pairs = [line.split("\t") for line in read_lines(path)]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def warn_of_cut(sample, length, most):
    """Says once that texts are cut; True."""
    where = f"{sample.get('path', '?')}: {sample.get('place', '')}".rstrip(": ")
    logger.warning(
        "%s: a text of %d tokens is cut to %d (max_length); later ones are cut without a word", where, length, most
    )
    return True
