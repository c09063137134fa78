"""Metrics of pairs of texts that match or not: area under the ROC curve, and recall of the right reply."""

import numpy as np

from .classification import TextAccuracy


class MatchingScores(TextAccuracy):
    """Area under the ROC curve of the score of the second class, and accuracy.

    Args:
        dataset (object): gives the labels, two.
        primary (str): AUC, accuracy or F1; selects the best checkpoint.
    """

    undefined = -1.0

    def __init__(self, dataset, primary="AUC"):
        if len(dataset.labels) != 2:
            raise ValueError(f"MatchingScores needs two classes, not {len(dataset.labels)}: {list(dataset.labels)}")
        super().__init__(dataset, 1)
        if primary not in ("AUC", "accuracy", "F1"):
            raise ValueError(f"primary is {primary!r}; it is AUC, accuracy or F1")
        self.primary = primary

    def compute(self):
        """`AUC` (-1 where all pairs are of one kind), `accuracy` and `F1` of the second class."""
        scored = next(iter(self.scored().values()))
        area = scored.auc()
        return {"AUC": float(area) if area == area else -1.0} | super().compute()


class RecallAt:
    """Recall at 1, 2 and 5 of the right reply among the candidates of a context, and the mean reciprocal rank.

    The samples of a context follow one another and have `text_a` in common; candidates with equal scores share the
    worst of their ranks, so that a model that does not tell them apart finds nothing.

    Args:
        dataset (object): gives the labels, two; the second one is that of the right reply.
        ranks (list[int]): numbers of candidates that are looked at.
    """

    undefined = -1.0

    def __init__(self, dataset, ranks=(1, 2, 5)):
        if len(dataset.labels) != 2:
            raise ValueError(f"RecallAt needs two classes, not {len(dataset.labels)}: {list(dataset.labels)}")
        self.ranks, self.primary = tuple(ranks), f"R@{ranks[0]}"
        self.reset()

    def reset(self):
        """Forgets all samples."""
        self.rows, self.contexts = [], []

    def update(self, outputs, batch):
        """Adds a batch: outputs `scores` [N, 2]; batch `label` [N] and `text_a`, a list of N texts."""
        scores = np.asarray(outputs["scores"], np.float64)[:, 1]
        self.rows.append(np.stack([scores, np.asarray(batch["label"], np.float64)], 1))
        self.contexts += [hash_of(text) for text in batch["text_a"]]

    def state(self):
        """The samples of this process (dict of arrays)."""
        rows = np.concatenate([np.zeros((0, 2)), *self.rows])
        return {"rows": rows, "contexts": np.array(self.contexts, np.int64)}

    def merge(self, states):
        """Replaces the samples by those of all processes."""
        self.rows = [np.asarray(state["rows"]).reshape(-1, 2) for state in states]
        self.contexts = np.concatenate([np.asarray(state["contexts"], np.int64) for state in states]).tolist()

    def compute(self):
        """`R@k` of each k and `MRR`; -1 where no context has both a right and a wrong reply."""
        state = self.state()
        places = []
        order = np.argsort(state["contexts"], kind="stable")
        _, begins = np.unique(state["contexts"][order], return_index=True)
        for group in np.split(state["rows"][order], begins[1:]):
            right, wrong = group[group[:, 1] == 1, 0], group[group[:, 1] == 0, 0]
            if len(right) and len(wrong):
                places.append(1 + int((wrong >= right.max()).sum()))
        found = np.array(places)
        scores = {f"R@{k}": float((found <= k).mean()) if len(found) else -1.0 for k in self.ranks}
        return scores | {"MRR": float((1 / found).mean()) if len(found) else -1.0}


def hash_of(text):
    """A number of a text, the same in every process (int)."""
    import hashlib

    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)
