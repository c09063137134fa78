"""Scores of replies as DuConv's evaluation names them (Wu et al. 2019, https://arxiv.org/abs/1906.05572, section 5.2).

F1 counts the characters that replies and references have in common, over all of them; BLEU-1 and BLEU-2 (Papineni et
al. 2002) are means over replies of words, without smoothing; distinct-1 and distinct-2 (Li et al. 2016,
https://aclanthology.org/N16-1014) are the shares of different words and pairs of words among those that were written.
"""

import math
from collections import Counter

import numpy as np

from common.text.bleu import ngrams

from .answer_overlap import letters

ORDERS = (1, 2)


class ReplyOverlap:
    """F1, BLEU-1, BLEU-2, distinct-1 and distinct-2 in percent.

    Args:
        task (Task): TextToText, which makes texts of outputs.
    """

    primary = "F1"

    def __init__(self, task):
        self.task = task
        self.reset()

    def reset(self):
        """Forgets all replies."""
        self.sums = np.zeros(6)  # common, written and wanted characters; replies; sums of BLEU-1 and BLEU-2
        self.replies = []

    def update(self, outputs, batch):
        """Adds the replies of a batch, whose references are `target` (list[str] of N)."""
        found = self.task.records(outputs, (), None, 0.0)
        for records, reference in zip(found, batch["target"], strict=True):
            self.add(records[0]["text"] if records else "", reference)

    def add(self, text, reference):
        """Adds one reply and its reference, words with blanks between."""
        ours, theirs = Counter(letters(text)), Counter(letters(reference))
        words = text.split()
        bleus = [sentence_bleu(words, reference.split(), order) for order in ORDERS]
        self.sums += ((ours & theirs).total(), ours.total(), theirs.total(), 1, *bleus)
        self.replies.append(words)

    def state(self):
        """The sums and the replies of this process (dict of arrays)."""
        return {"sums": self.sums, "replies": np.array([" ".join(words) for words in self.replies], np.str_)}

    def merge(self, states):
        """Replaces the sums and replies by those over all processes."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)
        self.replies = [str(text).split() for state in states for text in np.asarray(state["replies"])]

    def compute(self):
        """`F1`, `BLEU-1`, `BLEU-2`, `distinct-1`, `distinct-2`, in percent."""
        common, written, wanted, count, *bleus = self.sums.tolist()
        scores = {"F1": 200 * common / max(1.0, written + wanted)}
        for order, total in zip(ORDERS, bleus, strict=True):
            scores[f"BLEU-{order}"] = 100 * total / max(1.0, count)
        for order in ORDERS:
            counts = Counter()
            for words in self.replies:
                counts.update(ngrams(words, order))
            scores[f"distinct-{order}"] = 100 * len(counts) / max(1, counts.total())
        return scores


def sentence_bleu(words, reference, order):
    """BLEU, 0 to 1, of one reply with n-grams up to `order`; both are lists of words."""
    logs = 0.0
    for size in range(1, order + 1):
        ours, theirs = ngrams(words, size), ngrams(reference, size)
        right = (ours & theirs).total()
        if not right:
            return 0.0
        logs += math.log(right / ours.total()) / order
    return math.exp(logs + min(0.0, 1 - len(reference) / len(words)))
