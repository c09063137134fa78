"""Baseline of language models: a trigram model with interpolated Kneser-Ney smoothing.

Chen and Goodman 1999, An empirical study of smoothing techniques for language modeling, section 2.7, with one discount
an order, n1 / (n1 + 2 n2).  No kept package fits such a model to half a million words in seconds.

Shapes in this file:
    N rows of T + 1 words (padded), the first of which is given.
"""

import math
from collections import Counter

import numpy as np

from .baseline import Baseline


class KneserNeyTrigram(Baseline):
    """The probability of each word given the two before it, over the pieces of a running text.

    Args:
        vocab_size (int): words of the vocabulary.
    """

    title = "Kneser-Ney trigram"
    gives = "losses"

    def __init__(self, vocab_size):
        self.vocab_size, self.trigrams, self.before = vocab_size, Counter(), {}

    def see(self, batch):
        """Counts the trigrams of a batch."""
        for words in self.rows(batch):
            self.trigrams.update(zip(words, words[1:], words[2:]))

    def rows(self, batch):
        """The words of each row, with the one before the piece if there is one (list of lists)."""
        found = []
        names = zip(batch["row"], batch["first"], batch["length"], batch["input_ids"], strict=True)
        for row, first, length, ids in names:
            ids = [int(word) for word in ids[: int(length)]]
            earlier = [ids[0]] if first else self.before[int(row)]
            if len(ids) > 1:
                self.before[int(row)] = [ids[-2]]
            found.append([*earlier, *ids])
        return found

    def fit(self):
        """Counts the contexts of words, of pairs and of single words."""
        bigrams = Counter((v, w) for _, v, w in self.trigrams)  # different words before each pair
        words = Counter(w for _, w in bigrams)
        self.orders = [Order(counts) for counts in (self.trigrams, bigrams, {(w,): n for w, n in words.items()})]
        self.before = {}

    def probability(self, words):
        """p(w | u, v) of a trigram (u, v, w)."""
        p = 1 / self.vocab_size
        for size, order in zip((1, 2, 3), reversed(self.orders)):
            p = order.interpolate(words[3 - size :], p)
        return p

    def predict(self, batch):
        """`loss_tokens`, the mean cross entropy of the words of a batch, in nats; see `rows`."""
        found = [self.probability(words) for row in self.rows(batch) for words in zip(row, row[1:], row[2:])]
        return {"loss_tokens": -float(np.mean([math.log(p) for p in found])) if found else 0.0}


class Order:
    """The n-grams of one length: their counts, and those of their contexts.

    Args:
        counts (dict): n-gram (tuple) -> count.
    """

    def __init__(self, counts):
        kinds = Counter(counts.values())
        once, twice = kinds[1], kinds[2]
        self.counts, self.discount = counts, once / (once + 2 * twice) if once else 0.0
        self.total, self.different = Counter(), Counter()
        for words, count in counts.items():
            self.total[words[:-1]] += count
            self.different[words[:-1]] += 1

    def interpolate(self, words, shorter):
        """The probability of the last word given the others; `shorter` is the one by a shorter context."""
        total = self.total[words[:-1]]
        if not total:
            return shorter
        kept = max(0.0, self.counts.get(words, 0) - self.discount)
        return (kept + self.discount * self.different[words[:-1]] * shorter) / total


class TwoWayTrigram(Baseline):
    """A trigram model of each direction of a text, see :class:`KneserNeyTrigram`.

    Args:
        vocab_size (int): words of the vocabulary.
    """

    title = "Kneser-Ney trigrams"
    gives = "losses"

    def __init__(self, vocab_size):
        self.sides = {"forward": KneserNeyTrigram(vocab_size), "backward": KneserNeyTrigram(vocab_size)}

    def batch_of(self, side, batch):
        """The batch that the trigram model of a direction reads."""
        return batch if side == "forward" else batch | {"input_ids": batch["backward_ids"]}

    def see(self, batch):
        """Counts the trigrams of both directions."""
        for side, model in self.sides.items():
            model.see(self.batch_of(side, batch))

    def fit(self):
        """Counts the contexts."""
        for model in self.sides.values():
            model.fit()

    def predict(self, batch):
        """`loss_forward` and `loss_backward`, the mean cross entropy of the words, in nats."""
        return {
            f"loss_{side}": model.predict(self.batch_of(side, batch))["loss_tokens"]
            for side, model in self.sides.items()
        }
