"""Tokenizers by characters, whitespace or a word dictionary; token ids and padding.

They read `text_a` of a sample, or `tokens` if the dataset is already tokenized, and produce
    tokens    list of T strings
    offsets   list of T pairs: start and end of each token in `text_a`
and, after :class:`TokenIds`, `input_ids` int64 [T] and `length`, T; `backward_ids` int64 [T] of a sample that has
`backward`, as many tokens that are read from right to left.
"""

import re
from math import log

import numpy as np

from common.data.coverage import count
from common.data.transform import Transform
from common.errors import BadSample, DataIssue
from common.files import read_lines
from common.log import logger
from common.text.vocabulary import Vocabulary, vocabulary_error

WORD = re.compile(r"\S+")
ALPHANUMERIC = re.compile(r"[a-zA-Z0-9]")


class SplitCharacters(Transform):
    """Character tokenization."""

    alike = True

    def __call__(self, sample, rng):
        refuse_pair(self, sample)
        if "tokens" not in sample:
            sample["tokens"] = list(sample["text_a"])
        return add_offsets(sample)


class SplitWords(Transform):
    """Whitespace tokenization."""

    alike = True

    def __call__(self, sample, rng):
        refuse_pair(self, sample)
        if "tokens" not in sample:
            sample["tokens"] = WORD.findall(sample["text_a"])
        return add_offsets(sample)


class BeginText(Transform):
    """Puts the token that is before every text, such as the end of the one before, in front of the tokens.

    A piece of a running text, which has `first`, begins with the word before it and is left as it is.

    Args:
        begin (str): it.
    """

    alike = True

    def __init__(self, begin="<eos>"):
        self.begin = begin

    def __call__(self, sample, rng):
        if "first" not in sample:
            sample["tokens"] = [self.begin, *sample["tokens"]]
            sample["offsets"] = [(0, 0), *sample["offsets"]]
        return sample


class SplitByDictionary(Transform):
    """Word segmentation by a dictionary; single Latin letters and digits are joined.

    Of all segmentations into dictionary words and single characters, the one with the highest sum of
    log(length of the word) - log(total count) is chosen. Words that are not in the vocabulary are split into
    characters. If the sample has `tags`, one per character, a word gets the tag of its first character.

    Args:
        dictionary (str): a file of lines `word count`.
        vocab (str): the vocabulary file of the token ids; words that are not in it are split.
    """

    files = ("dictionary", "vocab")
    alike = True

    def __init__(self, dictionary, vocab):
        self.dictionary, self.vocab = dictionary, vocab
        self.known = set(Vocabulary(vocab, unknown="").tokens)
        self.words, self.total = read_word_counts(dictionary)

    def __call__(self, sample, rng):
        refuse_pair(self, sample)
        text = sample["text_a"]
        tokens = [t for word in self.segment(text) for t in ([word] if word in self.known else word)]
        if "tags" in sample:
            starts = np.cumsum([0, *map(len, tokens)])[:-1]
            sample["tags"] = np.asarray(sample["tags"])[starts.astype(np.int64)]
        sample["tokens"] = tokens
        return add_offsets(sample)

    def segment(self, text):
        """Segments a text into words (list of str)."""
        ends = best_word_ends(text, self.words, self.total)
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


def best_word_ends(text, words, total):
    """For every position of a text, the end of the word that starts there in the best segmentation (Viterbi).

    Args:
        text (str): T characters.
        words (dict): word -> its length, proper prefix of a word -> 0.
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


def read_word_counts(path):
    """Reads a dictionary file: (word -> length and prefix -> 0, log of the total count)."""
    words, total = {}, 0
    for number, line in enumerate(read_lines(path), 1):
        word, _, count = line.strip().partition(" ")
        if not word or not count.isdecimal():
            raise vocabulary_error(path, f"has the line {line[:40]!r}, expected 'word count'", f"line {number}")
        total += int(count)
        words[word] = len(word)
        for end in range(1, len(word)):
            words.setdefault(word[:end], 0)
    if not words:
        raise vocabulary_error(path, "is empty")
    return words, log(total)


class TokenIds(Transform):
    """Converts tokens to ids by a vocabulary, with optional replacements such as of full-width characters.

    Args:
        vocab (str): the vocabulary file.
        unknown (str): the unknown token of the vocabulary.
        replace (str): a file of lines `token<tab>replacement`; null replaces nothing.
        lowercase (bool): converts tokens to lowercase before the lookup.
        max_length (int): maximum number of tokens of a text; 0 for no limit.
        added (list[str]): additional tokens, appended to those of the file.
    """

    files = ("vocab", "replace")
    alike = ("unknown", "lowercase", "added")

    def __init__(self, vocab, unknown="[UNK]", replace=None, lowercase=False, max_length=0, added=()):
        self.vocab, self.lowercase, self.max_length = vocab, lowercase, max_length
        self.vocabulary = Vocabulary(vocab, unknown, added)
        self.vocab_size = len(self.vocabulary)
        self.others = read_replacements(replace) if replace else {}
        self.warned = False

    def __call__(self, sample, rng):
        tokens = sample["tokens"]
        cut = max(0, len(tokens) - self.max_length) if self.max_length else 0
        if self.max_length and len(tokens) > self.max_length:
            self.warned = self.warned or warn_truncated(sample, len(tokens), self.max_length)
            for key in ("tokens", "offsets", "tags"):
                if key in sample:
                    sample[key] = sample[key][: self.max_length]
            tokens = sample["tokens"]
        sample["input_ids"] = self.ids_of(tokens)
        if "backward" in sample:
            sample["backward_ids"] = self.ids_of(sample["backward"])
        sample["length"] = len(tokens)
        sample["coverage"] = {"text_a": count(sample["input_ids"].tolist(), self.vocabulary.unknown, cut)}
        if "tags" in sample:
            sample["tags"] = np.asarray(sample["tags"], np.int64)
        return sample

    def ids_of(self, tokens):
        """The ids of tokens, int64 [T]."""
        if self.lowercase:
            tokens = [token.lower() for token in tokens]
        number, others = self.vocabulary.number, self.others
        return np.array([number(others.get(token, token)) for token in tokens], np.int64)


class PadText(Transform):
    """Pads the sequences of a batch to the longest one.

    Args:
        multiple (int): the padded length is rounded up to a multiple of it, which reduces the number of shapes.
    """

    per_batch = True
    fill = {"input_ids": 0, "backward_ids": 0, "token_type_ids": 0, "tags": -1, "targets": -1}
    sets = {"ngrams": -1}  # padded to the longest of their own

    def __init__(self, multiple=1):
        if multiple < 1:
            raise ValueError(f"multiple is {multiple}; it must be at least 1")
        self.multiple = multiple

    def __call__(self, samples, rng):
        longest = max(1, *(len(sample["input_ids"]) for sample in samples))
        longest = -(-longest // self.multiple) * self.multiple
        for sample in samples:
            pad_arrays(sample, self.fill, longest)
        for key, value in self.sets.items():
            most = max((len(sample[key]) for sample in samples if key in sample), default=0)
            for sample in samples:
                pad_arrays(sample, {key: value}, most)
        return samples


def pad_arrays(sample, fill, longest):
    """Pads arrays [T, ...] of a sample to int64 [longest, ...] in place; `fill` is name -> value."""
    for key, value in fill.items():
        if key in sample:
            array = np.asarray(sample[key])
            padded = np.full((longest, *array.shape[1:]), value, np.int64)
            padded[: len(array)] = array
            sample[key] = padded


def add_offsets(sample):
    """Sets `offsets`, the character spans of the tokens in `text_a`; a missing text is the tokens joined by spaces."""
    if "text_a" not in sample:
        sample["text_a"] = " ".join(sample["tokens"])
    position, offsets = 0, []
    for token in sample["tokens"]:
        position = sample["text_a"].index(token, position)
        offsets.append((position, position + len(token)))
        position += len(token)
    sample["offsets"] = offsets
    return sample


def refuse_pair(transform, sample):
    """Raises BadSample for a pair of texts, of which the second one would be lost."""
    if "text_b" in sample:
        message = f"two texts (a tab, or a column text_b), but {type(transform).__name__} reads one text a sample"
        issue = DataIssue("D113", "error", str(sample.get("path", "?")), message, sample.get("place", ""))
        raise BadSample(issue)


def read_replacements(path):
    """Reads a file of lines `token<tab>replacement`: token -> replacement."""
    pairs = [line.split("\t") for line in read_lines(path)]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def warn_truncated(sample, length, most):
    """Logs the warning that texts are truncated; returns True."""
    where = f"{sample.get('path', '?')}: {sample.get('place', '')}".rstrip(": ")
    logger.warning(
        "%s: a text of %d tokens is truncated to %d (max_length); this warning is logged once", where, length, most
    )
    return True
