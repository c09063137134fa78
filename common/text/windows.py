"""Cuts a question and a long text into windows that an encoder can take, and notes where the answer is.

Shapes in this file:
    W windows of a question, each of T pieces: [CLS] question [SEP] part of the text [SEP].
"""

import numpy as np

from common.data.transform import Transform
from common.text.wordpiece import WordPiece


class QuestionWindows(WordPiece):
    """A question and the text that may answer it, in windows that overlap (BERT, section 4.2, and its run on SQuAD).

    Reads `question`, `context` and, for training, `answer_start` (a character of the text, -1 for no answer) and
    `answer_end` (behind its last). Leaves `input_ids`, `token_type_ids` int64 [W, T], `length` int64 [W], `start` and
    `end` int64 [W] (pieces of the window; 0 where the answer is not in it) and `places` (for each window, (start, end)
    in the text of each piece, None outside it).

    Args:
        vocab (str): a piece a line.
        lowercase (bool): the encoder was trained on lower case.
        max_length (int): pieces of a window.
        stride (int): pieces between the beginnings of two windows.
        max_query (int): pieces of a question that are kept.
    """

    def __init__(self, vocab, lowercase=True, max_length=384, stride=128, max_query=64):
        super().__init__(vocab, lowercase, max_length)
        if max_query + 4 > max_length or stride < 1:
            raise ValueError(
                f"max_query is {max_query}, stride {stride}; a window of {max_length} pieces needs more text"
            )
        self.stride, self.max_query = stride, max_query

    def __call__(self, sample, rng):
        question = self.encode(sample["question"])[0][: self.max_query]
        ids, places = self.encode(sample["context"])
        room = self.max_length - len(question) - 3
        windows = [(start, min(start + room, len(ids))) for start in starts(len(ids), room, self.stride)]
        found = self.answer(sample, places)
        rows = [self.window(question, ids[a:b]) for a, b in windows]
        longest = max(len(row) for row, _ in rows)
        sample["input_ids"] = np.array([row + [0] * (longest - len(row)) for row, _ in rows], np.int64)
        sample["token_type_ids"] = np.array([kind + [0] * (longest - len(kind)) for _, kind in rows], np.int64)
        sample["length"] = np.array([len(row) for row, _ in rows], np.int64)
        before = len(question) + 2
        inside = [found is not None and a <= found[0] and found[1] < b for a, b in windows]
        for key, piece in (("start", 0), ("end", 1)):
            targets = [found[piece] - a + before if held else 0 for (a, _), held in zip(windows, inside)]
            sample[key] = np.array(targets, np.int64)
        sample["places"] = [[None] * before + list(places[a:b]) for a, b in windows]
        return sample

    def window(self, question, pieces):
        """The numbers and segments of one window (two lists)."""
        row = [self.first, *question, self.last, *pieces, self.last]
        return row, [0] * (len(question) + 2) + [1] * (len(pieces) + 1)

    @staticmethod
    def answer(sample, places):
        """The first and the last piece of the answer; None where there is none, or no piece of it."""
        begin, end = sample.get("answer_start", -1), sample.get("answer_end", -1)
        pieces = [k for k, (a, b) in enumerate(places) if begin >= 0 and a < end and b > begin]
        return (pieces[0], pieces[-1]) if pieces else None


class PadWindows(Transform):
    """Fills the windows of a batch up to the longest, and every question up to the most windows, with empty ones."""

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


def starts(size, room, stride):
    """Where the windows of a text of `size` pieces begin, until one holds its last piece."""
    found = [0]
    while found[-1] + room < size:
        found.append(found[-1] + min(stride, room))
    return found
