"""Similarities of words beside those that people gave (Finkelstein et al. 2002, WordSim-353,
https://doi.org/10.1145/503104.503110)."""

import numpy as np
import paddle

from common.errors import DataError
from common.files import read_lines
from common.inference.rank_correlation import correlation, ranks
from common.table.items import decode_words, read_items


class WordSimilarity:
    """Spearman's correlation of the cosines of the vectors of two words with ratings, and the share of known pairs.

    Args:
        pairs (str): a file of lines `word<tab>word<tab>rating`; pairs with a word that has no vector are left out.
        words (str): the vocabulary file of ItemIds.
        lowercase (bool): converts the words of the pairs to lowercase first.
    """

    primary, needs = "spearman", "model"

    def __init__(self, pairs, words, lowercase=True):
        known = {word.decode("utf-8", "replace"): k for k, word in enumerate(decode_words(read_items(words)), 1)}
        self.count, ids, self.ratings = 0, [], []
        for number, line in enumerate(read_lines(pairs), 1):
            fields = line.split("\t")
            try:
                one, other, rating = fields[0], fields[1], float(fields[2])
            except (IndexError, ValueError):
                rating = np.nan
            if len(fields) != 3 or not np.isfinite(rating):
                raise DataError(f"{pairs}: line {number}: {line[:60]!r} is not word, word and rating with tabs between")
            self.count += 1
            both = [known.get(word.strip().lower() if lowercase else word.strip()) for word in (one, other)]
            if None not in both:
                ids.append(both)
                self.ratings.append(rating)
        if len(ids) < 2:
            raise DataError(
                f"{pairs}: {len(ids)} of {self.count} pairs have two words of {words}; at least 2 are needed"
            )
        self.ids = np.array(ids, np.int64)
        self.reset()

    def reset(self):
        """Forgets the similarities."""
        self.found = None

    def update(self, model, batch):
        """Looks the vectors up at the first batch; what it holds is not used."""
        if self.found is None:
            with paddle.no_grad():
                one, other = (model.predict(paddle.to_tensor(self.ids[:, k : k + 1])).numpy() for k in (0, 1))
            self.found = (one.astype(np.float64) * other).sum(1)

    def state(self):
        """The similarities, which are the same in every process."""
        return {"found": np.zeros(0) if self.found is None else self.found}

    def merge(self, states):
        """Takes those of a process that had a batch."""
        self.found = max((np.asarray(state["found"]) for state in states), key=len)

    def compute(self):
        """`spearman`, and `known`, the share of the pairs whose words both have vectors."""
        if self.found is None or not len(self.found):
            return {"spearman": 0.0, "known": len(self.ids) / self.count}
        rating = np.array(self.ratings)
        return {"spearman": correlation(ranks(self.found), ranks(rating)), "known": len(self.ids) / self.count}
