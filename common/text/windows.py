"""Sliding windows over long texts for reading comprehension, with the answer span as the target.

Shapes in this file:
    W windows of a question, each of T word pieces: [CLS] question [SEP] part of the context [SEP].
"""

import numpy as np

from common.data.coverage import count
from common.data.transform import Transform
from common.text.wordpiece import WordPiece


class QuestionWindows(WordPiece):
    """Encodes a question and its context in overlapping windows (BERT, section 4.2, and its SQuAD script).

    Reads `question`, `context` and, for training, `answer_start` (a character offset in the context, -1 without answer)
    and `answer_end` (exclusive). Produces `input_ids`, `token_type_ids` int64 [W, T], `length` int64 [W], `start` and
    `end` int64 [W] (word pieces of the window; 0 if the answer is not in it), `offsets` (for each window, the character
    offsets (start, end) of each word piece in the context, None outside it) and `question_offsets` (the same of the
    question).

    Args:
        vocab (str): the vocabulary file, one word piece per line.
        lowercase (bool): for uncased encoders.
        max_length (int): word pieces per window.
        stride (int): word pieces between the starts of two windows.
        max_query (int): maximum number of word pieces of a question; longer questions are truncated.
    """

    def __init__(self, vocab, lowercase=True, max_length=384, stride=128, max_query=64):
        super().__init__(vocab, lowercase, max_length)
        if max_query + 4 > max_length or stride < 1:
            raise ValueError(
                f"max_query is {max_query}, stride {stride}; windows of {max_length} pieces have no room for it"
            )
        self.stride, self.max_query = stride, max_query

    def __call__(self, sample, rng):
        question, spots = self.encode(sample["question"])
        ids, offsets = self.encode(sample["context"])
        unknown, cut = self.vocabulary.unknown, max(0, len(question) - self.max_query)
        question = question[: self.max_query]
        sample["coverage"] = {"question": count(question, unknown, cut), "context": count(ids, unknown)}
        room = self.max_length - len(question) - 3
        windows = [(start, min(start + room, len(ids))) for start in window_starts(len(ids), room, self.stride)]
        found = self.answer(sample, offsets)
        rows = [self.window(question, ids[a:b]) for a, b in windows]
        longest = max(len(row) for row, _ in rows)
        sample["input_ids"] = np.array([row + [0] * (longest - len(row)) for row, _ in rows], np.int64)
        sample["token_type_ids"] = np.array([kind + [0] * (longest - len(kind)) for _, kind in rows], np.int64)
        sample["length"] = np.array([len(row) for row, _ in rows], np.int64)
        before = len(question) + 2
        inside = [found is not None and a <= found[0] and found[1] < b for a, b in windows]
        for key, piece in (("start", 0), ("end", 1)):
            targets = [found[piece] - a + before if within else 0 for (a, _), within in zip(windows, inside)]
            sample[key] = np.array(targets, np.int64)
        sample["question_offsets"] = list(spots[: len(question)])
        sample["offsets"] = [[None] * before + list(offsets[a:b]) for a, b in windows]
        return sample

    def window(self, question, pieces):
        """The token ids and segment ids of one window (two lists)."""
        row = [self.first, *question, self.last, *pieces, self.last]
        return row, [0] * (len(question) + 2) + [1] * (len(pieces) + 1)

    @staticmethod
    def answer(sample, offsets):
        """The first and last word piece of the answer; None without an answer or without pieces of it."""
        begin, end = sample.get("answer_start", -1), sample.get("answer_end", -1)
        pieces = [k for k, (a, b) in enumerate(offsets) if begin >= 0 and a < end and b > begin]
        return (pieces[0], pieces[-1]) if pieces else None


class PadWindows(Transform):
    """Pads the windows of a batch to the longest one, and all questions to the same number of windows."""

    per_batch = True

    def __call__(self, samples, rng):
        most = max(len(sample["length"]) for sample in samples)
        longest = max(sample["input_ids"].shape[1] for sample in samples)
        for sample in samples:
            more = most - len(sample["length"])
            wide = ((0, more), (0, longest - sample["input_ids"].shape[1]))
            for key in ("input_ids", "token_type_ids"):
                sample[key] = np.pad(sample[key], wide)
            sample["length"] = np.pad(sample["length"], (0, more))
            for key in ("start", "end"):
                sample[key] = np.pad(sample[key], (0, more), constant_values=-1)
        return samples


def window_starts(size, room, stride):
    """The starts of the windows over a text of `size` word pieces, up to the one that contains the last piece."""
    found = [0]
    while found[-1] + room < size:
        found.append(found[-1] + min(stride, room))
    return found
