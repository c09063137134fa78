"""The choice of two frames of a sequence, or of two sequences, to train a tracker on."""

import numpy as np

from common.data.transform import Transform


class ChooseFrames(Transform):
    """Takes two frames of a sequence in which the object is seen, the later one often far from the first.

    Sets `frames` (two), `boxes` float64 [2, 4] and `same` int64: 0 where the second frame is that of another sequence,
    in which the object of the first is not to be found.

    Args:
        gap (int): frames from one to the other at most.
        negatives (float): probability of two sequences.
    """

    augments = True
    extra = 1

    def __init__(self, gap=100, negatives=0.0):
        if gap < 1 or not 0 <= negatives <= 1:
            raise ValueError(f"ChooseFrames got gap {gap} and negatives {negatives}; 1 or more, and 0 to 1")
        self.gap, self.negatives = gap, negatives

    def __call__(self, sample, rng, others):
        seen = np.flatnonzero(sample["present"])
        first = int(rng.choice(seen))
        same = rng.random() >= self.negatives
        if same:
            source = sample
            second = int(rng.choice(seen[np.abs(seen - first) <= self.gap]))
        else:
            source = others[0]
            second = int(rng.choice(np.flatnonzero(source["present"])))
        return {
            "path": sample["path"],
            "frames": [sample["frames"][first], source["frames"][second]],
            "boxes": np.stack([sample["boxes"][first], source["boxes"][second]]),
            "same": np.int64(same),
        }
