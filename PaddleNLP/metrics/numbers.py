"""Metrics of numbers predicted for texts: Pearson's and Spearman's correlation, AUC of several classes, Matthews'."""

import numpy as np

from common.inference.rank_correlation import correlation, ranks
from common.inference.scored import Scored

from .classification import TextAccuracy


class Correlation:
    """Pearson's and Spearman's correlation of predicted and given numbers, and the mean squared error.

    Args:
        primary (str): spearman or pearson; selects the best checkpoint.
    """

    def __init__(self, primary="spearman"):
        if primary not in ("spearman", "pearson"):
            raise ValueError(f"primary is {primary!r}; it is spearman or pearson")
        self.primary = primary
        self.reset()

    def reset(self):
        """Resets the numbers."""
        self.pairs = np.zeros((0, 2))  # predicted, given

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `value` [N] and batch `value` [N]."""
        both = [np.asarray(source["value"], np.float64).reshape(-1) for source in (outputs, batch)]
        self.pairs = np.concatenate([self.pairs, np.stack(both, 1)])

    def state(self):
        """The numbers of this process (dict of arrays)."""
        return {"pairs": self.pairs}

    def merge(self, states):
        """Joins the numbers of all processes."""
        self.pairs = np.concatenate([np.asarray(state["pairs"]).reshape(-1, 2) for state in states])

    def compute(self):
        """`spearman`, `pearson` (0 where one side does not vary) and `mse`."""
        found, given = self.pairs.T
        error = float(((found - given) ** 2).mean()) if len(found) else 0.0
        return {"spearman": correlation(ranks(found), ranks(given)), "pearson": correlation(found, given), "mse": error}


class LabelAUC:
    """The area under the ROC curve of every class, averaged over the classes that have both kinds of texts.

    Args:
        dataset (object): gives the labels.
    """

    primary = "AUC"

    def __init__(self, dataset):
        self.labels = list(dataset.labels)
        self.reset()

    def reset(self):
        """Resets the scores."""
        self.scores = np.zeros((0, 2, len(self.labels)))  # predicted, given

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `scores` [N, C] and batch `label` [N, C]."""
        both = [np.asarray(value, np.float64) for value in (outputs["scores"], batch["label"])]
        self.scores = np.concatenate([self.scores, np.stack(both, 1)])

    def state(self):
        """The scores of this process (dict of arrays)."""
        return {"scores": self.scores}

    def merge(self, states):
        """Joins the scores of all processes."""
        self.scores = np.concatenate([np.asarray(s["scores"]).reshape(-1, 2, len(self.labels)) for s in states])

    def scored(self):
        """The texts by the score of each class (dict of Scored)."""
        return {name: Scored.of(*self.scores[:, :, number].T) for number, name in enumerate(self.labels)}

    def compute(self):
        """`AUC`; 0 where no class has both kinds of texts."""
        found = [row["AUC"] for row in self.per_class().values() if row["AUC"] >= 0]
        return {"AUC": float(np.mean(found)) if found else 0.0}

    def per_class(self):
        """AUC and number of texts of every class by name; an AUC of -1 where all texts have the class or none."""
        areas = {name: (scored.auc(), scored.positives) for name, scored in self.scored().items()}
        return {name: {"AUC": auc if auc == auc else -1.0, "texts": count} for name, (auc, count) in areas.items()}


class MatthewsCorrelation(TextAccuracy):
    """Accuracy, F1 and Matthews' correlation coefficient of several classes (Gorodkin 2004), which selects the best.

    Args:
        dataset (object): gives the labels.
    """

    def __init__(self, dataset):
        super().__init__(dataset)
        self.primary = "matthews"

    def compute(self):
        """`matthews`, `accuracy` and `F1`."""
        return {"matthews": matthews(self.table)} | super().compute()


def matthews(table):
    """Matthews' correlation of a confusion matrix [label, prediction]; 0 where one side has a single class."""
    table = np.asarray(table, np.float64)
    total, labels, found = table.sum(), table.sum(1), table.sum(0)
    spread = (total**2 - (labels**2).sum()) * (total**2 - (found**2).sum())
    return float((np.trace(table) * total - labels @ found) / np.sqrt(spread)) if spread > 0 else 0.0
