"""Scores of captions: BLEU-4, a METEOR of exact words, and the shares of captions whose words of a kind are right."""

import math

import numpy as np

from common.text.bleu import TOKENIZERS, BLEUCounts, corpus_bleu


class CaptionScores:
    """`bleu4` of the corpus, `meteor_exact`, a mean over captions, and `exact`, those like their reference; all 0 to 1.

    METEOR (Banerjee and Lavie 2005, https://aclanthology.org/W05-0909) aligns words that are equal; this one knows no
    stems and no synonyms, so that its numbers are below those of the original, with which they are not to be compared.
    For each kind of words `right_<kind>` is the share of captions that have the same words of it, in the same order, as
    their reference; captions whose reference has none do not count.

    Args:
        task (Task): Caption, which makes sentences of outputs.
        kinds (dict[str, list[str]] | None): words by the name of their kind, such as color: [red, blue].
        primary (str): the score that chooses the best checkpoint.
    """

    def __init__(self, task, kinds=None, primary="bleu4"):
        self.task, self.primary = task, primary
        self.kinds = {name: set(words) for name, words in (kinds or {}).items()}
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.found = BLEUCounts(TOKENIZERS["words"])
        self.sums = np.zeros(3)  # captions, sum of METEOR, equal ones
        self.right = np.zeros((len(self.kinds), 2))  # right and all captions of each kind

    def update(self, outputs, batch):
        """Adds the captions of a batch, whose references are `target` (list[str] of N)."""
        for records, reference in zip(self.task.records(outputs, (), None, 0.0), batch["target"], strict=True):
            self.add(records[0]["text"] if records else "", reference)

    def add(self, text, reference):
        """Adds one caption and its reference, words with blanks between."""
        self.found.add(text, reference)
        ours, theirs = text.split(), reference.split()
        self.sums += (1, meteor_of(ours, theirs), ours == theirs)
        for row, words in enumerate(self.kinds.values()):
            wanted = [word for word in theirs if word in words]
            if wanted:
                self.right[row] += ([word for word in ours if word in words] == wanted, 1)

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"counts": self.found.counts, "sums": self.sums, "right": self.right}

    def merge(self, states):
        """Replaces the counts by those over all processes."""
        self.found.counts, self.sums, self.right = (
            sum(np.asarray(state[key]) for state in states) for key in ("counts", "sums", "right")
        )

    def compute(self):
        """The scores by name, see the class; 0 without captions."""
        count, meteor, equal = self.sums.tolist()
        found = {"bleu4": corpus_bleu(self.found.counts) / 100, "meteor_exact": meteor / max(1.0, count)}
        found |= {"exact": equal / max(1.0, count)}
        return found | {
            f"right_{name}": right / max(1.0, total)
            for name, (right, total) in zip(self.kinds, self.right.tolist(), strict=True)
        }


def meteor_of(words, reference):
    """METEOR by equal words of one caption and its reference, lists of words: 0 to 1.

    With m words in common, precision P and recall R the score is 10 P R / (R + 9 P), less half of it times the cube of
    the number of runs of neighboring words divided by m.
    """
    places = align_words(words, reference)
    matched = [place for place in places if place is not None]
    if not matched:
        return 0.0
    precision, recall = len(matched) / len(words), len(matched) / len(reference)
    pairs = zip([None, *places], places)
    runs = sum(now is not None and (before is None or now != before + 1) for before, now in pairs)
    penalty = 0.5 * (runs / len(matched)) ** 3
    return 10 * precision * recall / (recall + 9 * precision) * (1 - penalty)


def align_words(words, reference):
    """The place of each word in the reference, None for one that it lacks (list): next to the last one if possible."""
    free, places, last = set(range(len(reference))), [], -1
    for word in words:
        fits = [place for place in free if reference[place] == word]
        last = min(fits, key=lambda place: (place != last + 1, math.fabs(place - last - 1), place), default=None)
        places.append(last)
        free.discard(last)
        last = -2 if last is None else last
    return places
