"""The interface of a baseline, and what several share.

Shapes in this file:
    N samples, C classes.
"""

import importlib

import numpy as np

from common.errors import EnvironmentProblem


class Baseline:
    """A simple model that is fitted to the batches of the training data.

    Attributes:
        title (str): its name in the table of scores.
        gives (str): what `predict` returns, of what a metric may need: predictions or losses.
        learns (bool): the training data are read for it.
    """

    title, gives = "", "predictions"
    learns = True

    def see(self, batch):
        """Takes what it needs of a training batch (dict of arrays and lists)."""
        raise NotImplementedError

    def fit(self):
        """Learns from all that it has seen."""

    def predict(self, batch):
        """The outputs of a batch (dict), under the names that the models of the task use."""
        raise NotImplementedError


class LabeledBaseline(Baseline):
    """A baseline that predicts the probabilities of classes, or of clicks, from features.

    A child class defines `features(batch)`, a list or an array of N, and `learn(features, labels)`, which returns
    a function from the same kind of features to scores [N, C].

    Args:
        num_classes (int | None): C; None for clicks, whose output is `probability` [N].
    """

    def __init__(self, num_classes=None):
        self.num_classes, self.seen, self.labels, self.score = num_classes, [], [], None

    def see(self, batch):
        """Keeps the features and the labels of a batch."""
        self.seen.append(self.features(batch))
        self.labels.append(np.asarray(batch["label"]))

    def fit(self):
        """Learns, and drops the training data."""
        seen, labels = self.seen, np.concatenate(self.labels)
        self.seen, self.labels = [], []
        if labels.ndim == 1:
            labels = labels.astype(np.int64)
            if len(np.unique(labels)) < 2:
                self.score = class_shares(labels, self.num_classes or 2)
                return
        self.score = self.learn(join(seen), labels)

    def predict(self, batch):
        """`scores` [N, C], or `probability` [N] of clicks."""
        scores = self.score(join([self.features(batch)]))
        return {"scores": scores} if self.num_classes else {"probability": scores[:, 1]}

    def features(self, batch):
        """Extracts what is kept of a batch."""
        raise NotImplementedError

    def learn(self, features, labels):
        """Fits the model; see the class."""
        raise NotImplementedError

    def regression(self, features, labels, **settings):
        """Fits a logistic regression, one for each class of several; a function to scores [N, C]."""
        model = sklearn("linear_model").LogisticRegression(**({"max_iter": 300} | settings))
        if labels.ndim == 2 or (self.num_classes or 0) > 2:
            model = sklearn("multiclass").OneVsRestClassifier(model)
        if labels.ndim == 2:
            return model.fit(features, labels > 0.5).predict_proba
        return self.spread(model.fit(features, labels))

    def spread(self, model):
        """A function from features to scores [N, C] of a fitted model that may not have seen every class."""

        def scores(features):
            found = model.predict_proba(features)
            whole = np.zeros((len(found), self.num_classes or 2))
            whole[:, np.asarray(model.classes_, np.int64)] = found
            return whole

        return scores


class MajorityClass(LabeledBaseline):
    """The share of each class among the training samples, the same for every sample."""

    title = "majority class"

    def features(self, batch):
        """The number of samples alone."""
        return np.zeros((len(batch["label"]), 0))

    def learn(self, features, labels):
        """Counts the classes."""
        return class_shares(labels, self.num_classes or 2)


def class_shares(labels, count):
    """A function from features to the same scores [N, C] for every sample: the share of each class in `labels`."""
    share = labels.mean(0) if labels.ndim == 2 else np.bincount(labels, minlength=count) / len(labels)
    return lambda features: np.tile(share, (len(features), 1))


def join(parts):
    """The features of several batches as one array, or one list."""
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [item for part in parts for item in part]


def sklearn(name):
    """A module of scikit-learn.

    Raises:
        EnvironmentProblem: it is not installed.
    """
    try:
        return importlib.import_module(f"sklearn.{name}")
    except ImportError:
        raise EnvironmentProblem("the baselines need the package scikit-learn: pip install scikit-learn") from None
