"""A question and the paragraphs that may answer it as token ids, for networks without word pieces.

Shapes in this file:
    W paragraphs, each with the question before it, together T tokens.
"""

import numpy as np

from common.data.coverage import count
from common.data.transform import Transform
from common.text.split import WORD, warn_truncated
from common.text.vocabulary import Vocabulary


class QuestionTokens(Transform):
    """Encodes a question and each paragraph of its context.

    Reads `question`, `context`, perhaps `paragraphs`, the pairs (start, end) of characters of the context of which each
    paragraph is made, and for training `answer_start` (a character of the context, -1 without an answer) and
    `answer_end` (exclusive). Produces `input_ids` and `token_type_ids` (0 question, 1 paragraph) int64 [W, T],
    `length` int64 [W], `start` and `end` int64 [W] (tokens of the row; -1 if the answer is not in it) and `offsets`
    (for each row, the characters (start, end) of each token in the context, None outside it).

    Args:
        vocab (str): the vocabulary file.
        unit (str): words, separated by whitespace, or characters without the whitespace.
        unknown (str): the unknown token of the vocabulary.
        lowercase (bool): converts tokens to lowercase.
        max_length (int): tokens of a paragraph at most.
        max_query (int): tokens of a question at most.
    """

    files = ("vocab",)
    alike = ("unit", "unknown", "lowercase")

    def __init__(self, vocab, unit="words", unknown="[UNK]", lowercase=False, max_length=500, max_query=60):
        if unit not in ("words", "characters"):
            raise ValueError(f"unit is {unit!r}; it is words or characters")
        if max_length < 1 or max_query < 1:
            raise ValueError(f"max_length is {max_length}, max_query {max_query}; allowed: 1 or more")
        self.vocab, self.unit, self.lowercase = vocab, unit, lowercase
        self.longest, self.max_query = max_length, max_query
        self.vocabulary = Vocabulary(vocab, unknown)
        self.vocab_size = len(self.vocabulary)
        self.warned = False

    def __call__(self, sample, rng):
        question, context = sample["question"], sample["context"]
        asked = [self.number(question[a:b]) for a, b in self.spans(question)]
        kept = asked[: self.max_query]
        found = [[(a + first, b + first) for a, b in self.spans(context[first:last])]
                 for first, last in sample.get("paragraphs", [(0, len(context))])]  # fmt: skip
        total = sum(map(len, found))
        found = [spans[: self.longest] for spans in found]
        read = [[self.number(context[a:b]) for a, b in spans] for spans in found]
        size = sum(map(len, read))
        if size < total:
            self.warned = self.warned or warn_truncated(sample, total, size)
        unknown = self.vocabulary.unknown
        sample["coverage"] = {
            "question": count(kept, unknown, len(asked) - len(kept)),
            "context": count([number for row in read for number in row], unknown, total - size),
        }
        before, longest = len(kept), len(kept) + max(map(len, read))
        shape = (len(read), longest)
        sample["input_ids"], sample["token_type_ids"] = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for ids, kinds, row in zip(sample["input_ids"], sample["token_type_ids"], read, strict=True):
            ids[: before + len(row)] = kept + row
            kinds[before : before + len(row)] = 1
        sample["length"] = np.array([before + len(row) for row in read], np.int64)
        ends = [self.answer(sample, spans, before) for spans in found]
        sample["start"], sample["end"] = (np.array([pair[k] for pair in ends], np.int64) for k in range(2))
        sample["offsets"] = [[None] * before + spans for spans in found]
        return sample

    def spans(self, text):
        """The (start, end) of the tokens of a text in characters (list)."""
        if self.unit == "words":
            return [match.span() for match in WORD.finditer(text)]
        return [(place, place + 1) for place, letter in enumerate(text) if not letter.isspace()]

    def number(self, token):
        """The id of a token."""
        return self.vocabulary.number(token.lower() if self.lowercase else token)

    @staticmethod
    def answer(sample, spans, before):
        """The first and last token of the answer in a row; (-1, -1) where it has none."""
        begin, end = sample.get("answer_start", -1), sample.get("answer_end", -1)
        inside = [k for k, (a, b) in enumerate(spans) if begin >= 0 and a < end and b > begin]
        return (before + inside[0], before + inside[-1]) if inside else (-1, -1)
