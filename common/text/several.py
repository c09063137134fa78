"""Several texts of a sample as one sequence of token ids, distinguished by `token_type_ids`: pairs, triples.

The transforms produce
    input_ids        int64 [T]: the tokens of all texts, one text behind the other
    token_type_ids   int64 [T]: which text a token belongs to, from 0
    length           T
"""

import numpy as np

from common.data.coverage import count
from common.data.transform import Transform
from common.errors import BadSample, DataIssue
from common.text.split import WORD, warn_truncated
from common.text.vocabulary import Vocabulary

TEXTS = ("text_a", "text_b", "text_c")
UNITS = {"words": WORD.findall, "characters": lambda text: [c for c in text if not c.isspace()]}


class PairIds(Transform):
    """Token ids of a pair of texts, or of a text, one that it is nearer to and one that it is farther from.

    Args:
        vocab (str): the vocabulary file.
        unit (str): words, separated by whitespace, or characters without the whitespace.
        unknown (str): the unknown token of the vocabulary.
        lowercase (bool): converts texts to lowercase first.
        max_length (int): maximum number of tokens of each text.
        added (list[str]): additional tokens, appended to those of the file.
    """

    files = ("vocab",)
    alike = ("unit", "unknown", "lowercase", "added")

    def __init__(self, vocab, unit="words", unknown="[UNK]", lowercase=False, max_length=128, added=()):
        if unit not in UNITS:
            raise ValueError(f"unit is {unit!r}; it is words or characters")
        if max_length < 1:
            raise ValueError(f"max_length is {max_length}; allowed: 1 or more")
        self.vocab, self.unit, self.lowercase, self.max_length = vocab, unit, lowercase, max_length
        self.vocabulary = Vocabulary(vocab, unknown, added)
        self.vocab_size = len(self.vocabulary)
        self.warned = False

    def __call__(self, sample, rng):
        if "text_b" not in sample:
            message = f"one text, but {type(self).__name__} reads two: a tab between them, or a column text_b"
            issue = DataIssue("D113", "error", str(sample.get("path", "?")), message, sample.get("place", ""))
            raise BadSample(issue)
        keys = [key for key in TEXTS if key in sample]
        return self.join(sample, {key: self.encode(sample[key]) for key in keys})

    def encode(self, text):
        """The ids of the tokens of a text (list[int])."""
        tokens = UNITS[self.unit](text.lower() if self.lowercase else text)
        return [self.vocabulary.number(token) for token in tokens]

    def join(self, sample, parts):
        """Sets the model inputs of a sample; `parts` is key of the text -> ids."""
        ids, types, sample["coverage"] = [], [], {}
        for number, (key, found) in enumerate(parts.items()):
            cut = max(0, len(found) - self.max_length)
            if cut:
                self.warned = self.warned or warn_truncated(sample, len(found), self.max_length)
            kept = found[: self.max_length]
            sample["coverage"][key] = count(kept, self.vocabulary.unknown, cut)
            ids += kept
            types += [number] * len(kept)
        sample["input_ids"], sample["token_type_ids"] = np.array(ids, np.int64), np.array(types, np.int64)
        sample["length"] = len(ids)
        return sample


class TurnIds(PairIds):
    """Token ids of a reply and of the turns before it, as a table of fixed size.

    Reads `text_a`, the turns with `separator` between, and `text_b`, the reply.  Produces `input_ids` int64
    [turns + 1, words]: the reply, then the turns, of which the last one is in the last row, 0 at the padding; and
    `length` int64 [turns + 1], 0 for a turn that is not there.

    Args:
        vocab (str): the vocabulary file.
        turns (int): the last turns that are read.
        words (int): the first words of each that are read.
        separator (str): between turns.
        unit (str): words, separated by whitespace, or characters without the whitespace.
        unknown (str): the unknown token of the vocabulary.
        lowercase (bool): converts texts to lowercase first.
    """

    alike = ("unit", "unknown", "lowercase", "separator")

    def __init__(
        self, vocab, turns=9, words=50, separator="_EOS_", unit="words", unknown="[UNK]", lowercase=False
    ):  # fmt: skip
        super().__init__(vocab, unit, unknown, lowercase, words)
        if turns < 1 or not separator.strip():
            raise ValueError(f"turns is {turns}, separator {separator!r}; turns is 1 or more, the separator a text")
        self.turns, self.words, self.separator = turns, words, separator

    def join(self, sample, parts):
        """Sets the model inputs of a sample; `text_a` is encoded again, turn by turn."""
        turns = [self.encode(turn) for turn in sample["text_a"].split(self.separator) if turn.strip()]
        kept = turns[-self.turns :]
        rows = [parts["text_b"], *[[]] * (self.turns - len(kept)), *kept]
        sample["input_ids"] = np.zeros((self.turns + 1, self.words), np.int64)
        for row, ids in zip(sample["input_ids"], rows, strict=True):
            row[: len(ids[: self.words])] = ids[: self.words]
        sample["length"] = np.array([min(len(ids), self.words) for ids in rows], np.int64)
        read, unknown = [token for ids in kept for token in ids[: self.words]], self.vocabulary.unknown
        sample["coverage"] = {
            "text_a": count(read, unknown, sum(map(len, turns)) - len(read)),
            "text_b": count(rows[0][: self.words], unknown, max(0, len(rows[0]) - self.words)),
        }
        return sample
