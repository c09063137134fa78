"""Tests of grid search."""

import pytest

optuna = pytest.importorskip("optuna")

from common.search.grid import grid_values  # noqa: E402
from common.search.space import KeySpace, Range, decode  # noqa: E402
from common.search.strategies import GridSearch, suggest  # noqa: E402


def test_a_range_becomes_equally_spaced_values_of_its_scale():
    assert grid_values(Range("a", 1e-4, 1.0, log=True), 5) == (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    assert grid_values(Range("a", 0.0, 1.0), 3) == (0.0, 0.5, 1.0)
    assert grid_values(Range("a", 1, 3, whole=True), 5) == (1, 2, 3)


def test_every_candidate_comes_once_and_the_search_ends():
    strategy = GridSearch(KeySpace({"a": [0.0, 1.0, "linear"], "b": ["x", "y"], "c": [1, 2, 4]}), points=2)
    assert strategy.trials == 12
    study, seen = optuna.create_study(sampler=strategy.sampler(0)), []
    for _ in range(strategy.trials):
        trial = study.ask()
        tokens = {name: suggest(trial, name, d) for name, d in strategy.distributions.items()}
        seen.append(tuple(decode(strategy.space.dimensions, tokens).values()))
        study.tell(trial, 0.0)
    assert len(set(seen)) == 12 and seen[:4] == [(0.0, "x", 1), (0.0, "x", 2), (0.0, "x", 4), (0.0, "y", 1)]
    with pytest.raises(ValueError, match="points"):
        GridSearch(KeySpace({"a": [1, 2]}), points=1)
