"""Baselines of rows: logistic regression on one-hot categories and scaled numbers, and gradient-boosted trees.

Shapes in this file:
    N rows, D numbers, C categories, K different values of all categories.
"""

import numpy as np

from .baseline import LabeledBaseline, sklearn

COLUMN = 1 << 40  # between the codes of two columns
MOST_VALUES = 250  # of a category in trees; the rarer ones are one value


class TableRegression(LabeledBaseline):
    """Logistic regression on standardized numbers and on each value of each category."""

    title = "logistic regression"

    def features(self, batch):
        """(numbers float64 [D], codes of the values) of each row, a list."""
        numbers = np.asarray(batch["numbers"], np.float64) if "numbers" in batch else None
        parts = {name: codes_of(name, batch[name]) for name in id_arrays(batch)}
        offset = {name: place * COLUMN * 1000 for place, name in enumerate(sorted(parts))}
        rows = []
        for row in range(len(batch["label"])):
            codes = [part[row][part[row] >= 0] + offset[name] for name, part in parts.items()]
            rows.append((numbers[row] if numbers is not None else np.zeros(0), np.concatenate([[], *codes])))
        return rows

    def learn(self, features, labels):
        """Fits the regression."""
        from scipy import sparse

        scaler = sklearn("preprocessing").StandardScaler()
        known = np.unique(np.concatenate([[], *(codes for _, codes in features)]))
        has_numbers = len(features[0][0]) > 0
        if has_numbers:
            scaler.fit([numbers for numbers, _ in features])

        def matrix(rows):
            owner = np.repeat(np.arange(len(rows)), [len(codes) for _, codes in rows])
            codes = np.concatenate([[], *(codes for _, codes in rows)])
            place = np.minimum(np.searchsorted(known, codes), max(0, len(known) - 1))
            found = known[place] == codes if len(known) else np.zeros(len(codes), bool)
            one_hot = sparse.csr_matrix(
                (np.ones(found.sum()), (owner[found], place[found])), (len(rows), max(1, len(known)))
            )
            if not has_numbers:
                return one_hot
            return sparse.hstack([scaler.transform([numbers for numbers, _ in rows]), one_hot], format="csr")

        score = self.regression(matrix(features), labels)
        return lambda rows: score(matrix(rows))


class TableTrees(LabeledBaseline):
    """Gradient-boosted trees (scikit-learn's HistGradientBoosting) on numbers and categories."""

    title = "gradient-boosted trees"

    @staticmethod
    def suits(batch):
        """True for rows of columns; histories and slots have no columns."""
        return "numbers" in batch or np.ndim(batch.get("ids")) == 2

    def features(self, batch):
        """The numbers and the ids of a batch, float64 [N, D + C]."""
        count = len(batch["label"])
        parts = [np.reshape(batch[name], (count, -1)) for name in ("numbers", "ids") if name in batch]
        self.numbers = np.shape(batch["numbers"])[1] if "numbers" in batch else 0
        return np.concatenate(parts, 1).astype(np.float64)

    def learn(self, features, labels):
        """Fits the trees."""
        values = [frequent_values(column) for column in features[:, self.numbers :].T]

        def columns(rows):
            rows = rows.copy()
            for place, known in enumerate(values, self.numbers):
                rows[:, place] = [known.get(value, len(known)) for value in rows[:, place].tolist()]
            return rows

        categorical = [place >= self.numbers for place in range(features.shape[1])]
        model = sklearn("ensemble").HistGradientBoostingClassifier(categorical_features=categorical, random_state=0)
        score = self.spread(model.fit(columns(features), labels))
        return lambda rows: score(columns(rows))


def id_arrays(batch):
    """The names of the arrays of ids of a batch."""
    return [
        name
        for name, value in batch.items()
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and "label" not in name and "length" not in name
    ]


def codes_of(name, ids):
    """A number for each value of each column int64 [N, L], -1 for padding.

    `ids` [N, C] and arrays [N, S, L] have columns; any other array is a set of ids.
    """
    columns = np.arange(ids.shape[1]) if name == "ids" or ids.ndim == 3 else np.zeros(1, np.int64)
    shift = columns.reshape(1, -1, *[1] * (ids.ndim - 2)) * COLUMN if ids.ndim > 1 else 0
    return np.where(ids < 0, -1, ids + shift).reshape(len(ids), -1)


def frequent_values(column):
    """{value: number} of the most frequent values of a category."""
    values, counts = np.unique(column, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    return {value: number for number, value in enumerate(values[order].tolist())}
