"""Training pairs of word2vec: context windows, subsampling, negative samples (https://arxiv.org/abs/1310.4546).

Shapes in this file:
    N texts, L words of a text (-1 for padding), P training pairs, W context words, K negative samples.
"""

import zlib

import numpy as np

from common.data.transform import Transform, random_for
from common.errors import ConfigError
from common.table.items import read_items


class WordWindows(Transform):
    """Turns texts into training pairs: `items` [P, W] to predict from, `target` [P], `negatives` [P, K].

    `log_noise` float32 [P, 1 + K] is the log probability of target and negatives under the noise distribution.

    Args:
        file (str): the vocabulary file of ItemIds.
        mode (str): `skip_gram` predicts each context word from the center word (W is 1), `cbow` the center word from
            its context.
        window (int): maximum words on one side; every position draws its size uniformly from 1 to this.
        subsample (float): t of eq. (5): a word of relative frequency f is kept with probability sqrt(t / f); 0 keeps
            all.
        negatives (int): K.
        power (float): the noise distribution is proportional to the counts to this power.
    """

    files = ("file",)

    def __init__(self, file, mode="skip_gram", window=5, subsample=1e-4, negatives=5, power=0.75):
        if mode not in ("skip_gram", "cbow"):
            raise ConfigError(f"mode is '{mode}'; it must be skip_gram or cbow")
        if window < 1 or negatives < 1 or subsample < 0:
            raise ConfigError(f"window is {window}, negatives {negatives}, subsample {subsample}; at least 1, 1 and 0")
        self.file, self.mode, self.window, self.negatives = file, mode, window, negatives
        self.subsample, self.power = subsample, power
        self.edges = None

    def load(self):
        """Reads the word counts, once."""
        if self.edges is None:
            counts = read_items(self.file)["counts"].astype(np.float64)
            self.keep = np.concatenate([[0.0], keep_probability(counts / counts.sum(), self.subsample)])
            drawn = counts**self.power
            self.edges = np.cumsum(drawn / drawn.sum())
            self.log_noise = np.log(
                np.concatenate([drawn[-1:], drawn]) / drawn.sum()
            )  # unknown words count as the rarest

    def __call__(self, sample, rng):
        return sample

    def table(self, columns):
        """The pairs of the words `text` int64 [N, L]; the random numbers depend on the words only."""
        self.load()
        text = columns["text"]
        rng = random_for(zlib.crc32(np.ascontiguousarray(text)))
        found, targets = [], []
        for row in text:
            words = row[row > 0]
            words = words[rng.random(len(words)) < self.keep[words]]
            reach = rng.integers(1, self.window + 1, len(words))
            for place, size in enumerate(reach.tolist()):
                around = np.concatenate([words[max(0, place - size) : place], words[place + 1 : place + 1 + size]])
                if self.mode == "skip_gram":
                    found += [[words[place]]] * len(around)
                    targets += around.tolist()
                elif len(around):
                    found.append(around)
                    targets.append(words[place])
        if not targets:
            found, targets = [text[0, :1]], [0]
        width = 1 if self.mode == "skip_gram" else 2 * self.window
        items = np.full((len(targets), width), -1, np.int64)
        for row, around in zip(items, found):
            row[: len(around)] = around
        negatives = 1 + np.searchsorted(self.edges, rng.random((len(targets), self.negatives)))
        negatives = np.minimum(negatives, len(self.edges))
        target = np.array(targets, np.int64)
        log_noise = self.log_noise[np.concatenate([target[:, None], negatives], 1)].astype("float32")
        return {"items": items, "target": target, "negatives": negatives, "log_noise": log_noise}


def keep_probability(shares, threshold):
    """Eq. (5): the probability to keep a word of this relative frequency (ndarray)."""
    return np.minimum(1.0, np.sqrt(threshold / shares)) if threshold else np.ones_like(shares)
