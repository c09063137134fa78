"""Texts to pre-train encoders on: pairs of segments, their pieces, and the pieces that are hidden.

DrawNextSegment   sentences -> text_a, text_b, unrelated
SpannedPieces     text_a, text_b -> input_ids, token_type_ids, length, and which word each piece is of
HidePieces        input_ids with pieces hidden, targets, hidden
"""

import itertools
import re

import numpy as np

from common.data.coverage import count
from common.data.transform import Transform
from common.errors import BadSample, DataIssue
from common.text.split import warn_truncated
from common.text.vocabulary import Vocabulary
from common.text.wordpiece import WordPiece, truncate_longest

MASK = "[MASK]"
UNIT = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")  # a Chinese character, or a word of other letters
LEVELS = ("piece", "phrase", "entity")


class DrawNextSegment(Transform):
    """Divides consecutive sentences into two segments, and puts one of another document in the place of the second.

    Next sentence prediction of BERT (https://arxiv.org/abs/1810.04805, section 3.1). A sample without `sentences`, such
    as a text to fill, is left as it is; others get
        text_a, text_b   the segments, their sentences joined by a space
        entities         of tagged sentences, 1 or 0 for each word of both segments
        unrelated        0 where the second segment follows the first one, 1 where it was drawn

    Args:
        follow (float): probability that the second segment follows, where there are two sentences.
    """

    extra = 8  # of which the first one of another document is taken
    makes_targets = True

    def __init__(self, follow=0.5):
        if not 0 <= follow <= 1:
            raise ValueError(f"follow is {follow}; allowed: 0 to 1")
        self.follow = follow

    def __call__(self, sample, rng, others):
        if "sentences" not in sample:
            return sample
        pairs, tagged = sentences_of(sample), "entities" in sample
        cut = int(rng.integers(1, len(pairs))) if len(pairs) > 1 else 1
        first, second, drawn = pairs[:cut], pairs[cut:], rng.random() >= self.follow or len(pairs) == 1
        if drawn:
            away = (other for other in others if other["document"] != sample["document"])
            other = sentences_of(next(away, None) or others[0])
            begin = alike(other, second) if second else int(rng.integers(len(other)))
            second = other[begin:]
        del sample["sentences"]
        sample["text_a"], sample["text_b"] = (" ".join(text for text, _ in part) for part in (first, second))
        if tagged:
            sample["entities"] = [flag for _, flags in (*first, *second) for flag in flags]
        return sample | {"unrelated": int(drawn)}


def alike(sentences, segment):
    """The first of some sentences from which on there are about as many words as in a segment; lengths tell nothing."""
    texts, wanted = [text for text, _ in sentences], sum(len(UNIT.findall(text)) for text, _ in segment)
    left = np.cumsum([len(UNIT.findall(text)) for text in texts[::-1]])[::-1]
    return int(np.abs(left - wanted).argmin())


def sentences_of(sample):
    """(text, flags of its words) of the sentences of a sample."""
    texts = sample["sentences"]
    return list(zip(texts, sample.get("entities") or [()] * len(texts), strict=True))


class SpannedPieces(WordPiece):
    """WordPiece tokenization that leaves `[MASK]` in a text one piece, and knows the word of each piece.

    A word is what whitespace separates, so that a segmented Chinese text has words of several characters. A sample gets
        span_ids   list of T ints: the number of the word of a piece, -1 for [CLS] and [SEP]

    Args:
        vocab (str): the vocabulary file, see WordPiece, with [MASK].
        lowercase (bool): for uncased encoders.
        max_length (int): maximum number of pieces, including [CLS] and [SEP]; the longer text is truncated first.
    """

    special = ("[UNK]", "[CLS]", "[SEP]")

    def __init__(self, vocab, lowercase=True, max_length=128):
        super().__init__(vocab, lowercase, max_length)
        (self.hidden,) = self.vocabulary.need(MASK)

    def encode(self, text):
        """(ids, offsets) of the pieces of one text; an offset is (start, end) in characters."""
        ids, offsets, begin = [], [], 0
        for part in re.split(f"({re.escape(MASK)})", text):
            if part == MASK:
                found = [self.hidden], [(0, len(MASK))]
            else:
                found = super().encode(part) if part.strip() else ([], [])
            ids += found[0]
            offsets += [(a + begin, b + begin) for a, b in found[1]]
            begin += len(part)
        return ids, offsets

    def __call__(self, sample, rng):
        keys = [key for key in ("text_a", "text_b") if key in sample]
        parts = [self.encode(sample[key]) for key in keys]
        kept = truncate_longest([len(ids) for ids, _ in parts], self.max_length - 1 - len(parts))
        total = sum(len(ids) for ids, _ in parts)
        if sum(kept) < total and "unrelated" not in sample:  # segments are cut as a rule
            self.warned = self.warned or warn_truncated(sample, total, sum(kept))
        unknown = self.vocabulary.unknown
        sample["coverage"] = {
            key: count(ids[:most], unknown, len(ids) - most) for key, (ids, _), most in zip(keys, parts, kept)
        }
        ids, types, spans, before = [self.first], [0], [-1], 0
        for number, (key, (pieces, offsets), most) in enumerate(zip(keys, parts, kept)):
            words = words_of(sample[key])
            ids += [*pieces[:most], self.last]
            types += [number] * (most + 1)
            spans += [*(before + int(words[start]) for start, _ in offsets[:most]), -1]
            before += int(words[-1]) + 1 if len(words) else 0
        sample["span_ids"] = spans
        return self.finish(sample, ids, types)


def words_of(text):
    """The number of the word of every character, int64 [characters], words being separated by whitespace."""
    begins = [not c.isspace() and (k == 0 or text[k - 1].isspace()) for k, c in enumerate(text)]
    return np.maximum(np.cumsum(begins) - 1, 0) if text else np.zeros(0, np.int64)


class HidePieces(Transform):
    """Hides pieces for an encoder to predict, others in every epoch; deterministic in (seed, epoch, sample).

    BERT (https://arxiv.org/abs/1810.04805, section 3.1) hides single pieces: of those chosen, `masked` become [MASK],
    `replaced` become any other piece, the rest stay. ERNIE (https://arxiv.org/abs/1904.09223, section 3.2) hides whole
    words of a segmented text, or whole entities of a tagged one, each as if it were one piece. A sample gets
        targets   int64 [T]: the piece that was there where one was chosen, -1 elsewhere
        hidden    how many
    and loses `span_ids` and `entities`.

    Args:
        vocab (str): the vocabulary file of the pieces.
        rate (float): share of the pieces that are chosen.
        masked (float): share of those that become [MASK].
        replaced (float): share of those that become any other piece.
        piece (float): weight of the samples in which single pieces are chosen.
        phrase (float): weight of those in which words are.
        entity (float): weight of those in which entities and, beside them, single pieces are.
    """

    files = ("vocab",)
    makes_targets = True

    def __init__(self, vocab, rate=0.15, masked=0.8, replaced=0.1, piece=1.0, phrase=0.0, entity=0.0):
        weights = np.array([piece, phrase, entity], float)
        if not 0 < rate < 1 or min(masked, replaced) < 0 or masked + replaced > 1:
            raise ValueError(f"rate is {rate}, masked {masked}, replaced {replaced}; they are shares")
        if weights.min() < 0 or not weights.sum():
            raise ValueError("piece, phrase and entity are weights of 0 or more, one of them above 0")
        self.vocab, self.rate, self.masked, self.replaced = vocab, rate, masked, replaced
        self.shares = weights / weights.sum()
        self.vocabulary = Vocabulary(vocab)
        (self.mask,) = self.vocabulary.need(MASK)
        special = re.compile(r"\[(PAD|UNK|CLS|SEP|MASK|unused\d+)\]")
        self.plain = np.array([k for k, token in enumerate(self.vocabulary.tokens) if not special.fullmatch(token)])

    def __call__(self, sample, rng):
        level = LEVELS[int(rng.choice(len(LEVELS), p=self.shares))]
        ids = sample["input_ids"].copy()
        targets = np.full(len(ids), -1, np.int64)
        entities = sample.pop("entities", None)
        if level == "entity" and entities is None:
            raise need_tags(sample)
        for places in choose(units_of(sample.pop("span_ids"), level, entities), self.rate, rng):
            targets[places] = ids[places]
            fate = rng.random()
            if fate < self.masked:
                ids[places] = self.mask
            elif fate < self.masked + self.replaced:
                ids[places] = self.plain[rng.integers(len(self.plain), size=len(places))]
        return sample | {"input_ids": ids, "targets": targets, "hidden": int((targets >= 0).sum())}


def units_of(spans, level, entities=None):
    """The units that are hidden together, lists of places.

    Args:
        spans (list[int]): of each piece the number of its word, -1 for special ones.
        level (str): piece, phrase or entity.
        entities (list[int] | None): of each word whether it is an entity.
    """
    whole = {"piece": lambda word: False, "phrase": lambda word: True, "entity": lambda word: bool(entities[word])}
    units = []
    for word, group in itertools.groupby(range(len(spans)), key=lambda place: spans[place]):
        places = list(group)
        if word >= 0:
            units += [places] if whole[level](word) else [[place] for place in places]
    return units


def choose(units, rate, rng):
    """Units (list of lists of places) drawn until they hold the share `rate` of the places, but one piece at least.

    A unit that would make it more is left out, unless all would.
    """
    most, chosen, total = max(1, round(rate * sum(map(len, units)))), [], 0
    order = [units[int(k)] for k in rng.permutation(len(units))]
    for unit in order:
        if total + len(unit) <= most:
            chosen.append(unit)
            total += len(unit)
    return chosen or sorted(order, key=len)[:1]


def need_tags(sample):
    """The BadSample of a text whose words have no tags."""
    message = "HidePieces with entity above 0 hides entities, and the words of this text have no tags"
    issue = DataIssue("D118", "error", str(sample.get("path", "?")), message, sample.get("place", ""))
    return BadSample(issue)
