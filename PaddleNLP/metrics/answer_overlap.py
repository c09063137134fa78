"""ROUGE-L and BLEU-4 of answers, as DuReader's evaluation defines them (https://arxiv.org/abs/1711.05073, section 4):
over characters, ROUGE-L (Lin 2004) with the recall weighted by 1.2, BLEU (Papineni et al. 2002) over all answers."""

import math
from collections import Counter

import numpy as np

from common.inference.task import samples_of

BETA, ORDER = 1.2, 4


class AnswerOverlap:
    """ROUGE-L and BLEU-4 in percent; questions without a reference answer are left out.

    Args:
        task (Task): ReadingComprehension, which chooses the answers.
    """

    primary = "ROUGE-L"

    def __init__(self, task):
        self.task = task
        self.reset()

    def reset(self):
        """Resets the sums."""
        self.rouge = np.zeros(2)  # questions, ROUGE-L
        self.bleu = np.zeros(2 + 2 * ORDER, np.int64)  # lengths of answers and references, n-grams right and found

    def update(self, outputs, batch):
        """Adds the predictions of a batch; the batch has `context`, `offsets` and `answers`."""
        for found, answers in zip(self.task.records(outputs, samples_of(batch), None, 0.0), batch["answers"]):
            references = [letters(answer) for answer in answers if letters(answer)]
            if references:
                answer = letters(found[0]["text"]) if found else []
                self.rouge += (1, rouge_l(answer, references))
                self.bleu += bleu_counts(answer, references)

    def state(self):
        """The sums of this process (dict of arrays)."""
        return {"rouge": self.rouge, "bleu": self.bleu}

    def merge(self, states):
        """Replaces the sums by those over all processes."""
        self.rouge = sum(np.asarray(state["rouge"]) for state in states)
        self.bleu = sum(np.asarray(state["bleu"]) for state in states)

    def compute(self):
        """`ROUGE-L` and `BLEU-4`, in percent."""
        return {"ROUGE-L": float(100 * self.rouge[1] / max(1.0, self.rouge[0])), "BLEU-4": 100 * bleu_of(self.bleu)}


def letters(text):
    """The characters of a text without whitespace (list of str)."""
    return [letter for letter in text if not letter.isspace()]


def rouge_l(found, references):
    """ROUGE-L of a list of tokens: the best recall and the best precision over all references."""
    common = [longest_subsequence(found, reference) for reference in references]
    precision = max(n / len(found) for n in common) if found else 0.0
    recall = max(n / len(reference) for n, reference in zip(common, references, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def longest_subsequence(one, other):
    """The length of the longest common subsequence of two lists."""
    before = np.zeros(len(other) + 1, np.int64)
    places = {token: np.array([k for k, x in enumerate(other) if x == token], np.int64) for token in set(one)}
    for token in one:
        row = before.copy()
        where = places[token]
        row[where + 1] = np.maximum(row[where + 1], before[where] + 1)
        before = np.maximum.accumulate(row)
    return int(before[-1])


def bleu_counts(found, references):
    """Lengths and n-gram counts of one answer, int64 [2 + 2 ORDER]: its length, that of the closest reference, then for
    each order the n-grams that are right and those that there are."""
    closest = min((abs(len(reference) - len(found)), len(reference)) for reference in references)[1]
    counts = [len(found), closest]
    for size in range(1, ORDER + 1):
        own = Counter(ngrams(found, size))
        allowed = Counter()
        for reference in references:
            allowed |= Counter(ngrams(reference, size))
        counts += [sum((own & allowed).values()), sum(own.values())]
    return np.array(counts, np.int64)


def bleu_of(counts):
    """BLEU of summed counts, see `bleu_counts`; 0 where an order has no n-gram that is right."""
    found, wanted, pairs = int(counts[0]), int(counts[1]), counts[2:].reshape(ORDER, 2)
    if not found or (pairs[:, 0] == 0).any():
        return 0.0
    precision = math.exp(float(np.log(pairs[:, 0] / pairs[:, 1]).mean()))
    return precision * min(1.0, math.exp(1 - wanted / found))


def ngrams(tokens, size):
    """The n-grams of a list (list of tuples)."""
    return [tuple(tokens[k : k + size]) for k in range(len(tokens) - size + 1)]
