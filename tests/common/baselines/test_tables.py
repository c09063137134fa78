"""Baselines of rows."""

import numpy as np

from common.baselines.tables import TableRegression, TableTrees, codes_of

RNG = np.random.default_rng(0)


def fitted(baseline, batch):
    baseline.see(batch)
    baseline.fit()
    return baseline


def test_a_value_is_another_one_in_another_column():
    assert len(np.unique(codes_of("ids", np.array([[1, 1], [2, 2]])))) == 4
    assert len(np.unique(codes_of("slots", np.array([[[1, -1], [1, 2]]])))) == 4  # -1, 1 and 2 of the second slot
    assert codes_of("history", np.array([[5, 5, -1]])).tolist() == [[5, 5, -1]]


def test_regression_learns_numbers_and_categories():
    ids, numbers = RNG.integers(0, 4, (400, 2)), RNG.normal(50, 10, (400, 1)).astype("float32")
    label = ((ids[:, 0] == 2) | (numbers[:, 0] > 60)).astype("float32")
    batch = {"numbers": numbers, "ids": ids, "label": label}
    found = fitted(TableRegression(), batch).predict(batch)["probability"]
    assert ((found > 0.5) == (label > 0.5)).mean() > 0.95


def test_unknown_values_and_empty_histories_are_nothing():
    batch = {"items": np.array([[1, 2], [3, -1]] * 10), "label": np.array([1.0, 0.0] * 10)}
    baseline = fitted(TableRegression(), batch)
    found = baseline.predict({"items": np.array([[1, -1], [3, 3], [9, -1], [-1, -1]]), "label": np.zeros(4)})
    high, low, unknown, empty = found["probability"].tolist()
    assert high > unknown == empty > low


def test_trees_learn_what_no_line_separates():
    ids = RNG.integers(0, 2, (1000, 2))
    batch = {"numbers": RNG.normal(size=(1000, 1)), "ids": ids, "label": (ids[:, 0] ^ ids[:, 1]).astype("float32")}
    found = fitted(TableTrees(), batch).predict(batch)["probability"]
    assert ((found > 0.5) == (batch["label"] > 0.5)).all()


def test_trees_need_columns():
    assert TableTrees.suits({"ids": np.zeros((2, 3), int)}) and TableTrees.suits({"numbers": np.zeros((2, 1))})
    assert not TableTrees.suits({"slots": np.zeros((2, 3, 4), int)})
