"""Tests of simulated annealing: its formulas, and its walk over a study."""

import math

import pytest

optuna = pytest.importorskip("optuna")

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402

from common.search.annealing import AnnealingSampler, acceptance, draw_other, temperature_after  # noqa: E402

SPACE = {f"t{i}": IntDistribution(0, 3) for i in range(4)}


def value(params):
    return -sum((token - i) ** 2 for i, token in enumerate(params.values()))


def run(count, study=None, seed=0, **options):
    study = study or optuna.create_study(direction="maximize")
    study.sampler = AnnealingSampler(SPACE, seed, **options)
    study.optimize(lambda t: value({n: t.suggest_int(n, d.low, d.high) for n, d in SPACE.items()}), n_trials=count)
    return study


def test_a_better_candidate_is_always_accepted_and_a_worse_one_by_its_distance():
    assert acceptance(2.0, 1.0, 0.1) == 1.0
    assert acceptance(1.0, 2.0, 1.0) == pytest.approx(math.exp(-1))  # (1 - 2) / 1
    assert acceptance(1.0, 2.0, 0.5) == pytest.approx(math.exp(-2))
    assert acceptance(1.0, 2.0, 0.0) == 0.0


def test_the_temperature_falls_by_the_rate_with_each_candidate():
    assert temperature_after(0, 10.24, 0.85) == 10.24
    assert temperature_after(2, 10.24, 0.85) == pytest.approx(10.24 * 0.7225)


def test_after_the_random_starts_a_candidate_differs_in_one_token_from_where_the_walk_is():
    study = run(6, starts=5)
    *first, last = study.trials
    best = max(first, key=lambda t: (t.value, -t.number))
    assert sum(best.params[name] != last.params[name] for name in SPACE) == 1


def test_no_candidate_comes_twice():
    study = run(60)
    assert len({tuple(trial.params.values()) for trial in study.trials}) == 60


def test_a_cold_walk_stays_at_its_best_and_a_hot_one_moves_to_the_last():
    cold, hot = run(30, init_temperature=1e-9), run(30, init_temperature=1e9, reduce_rate=1.0)
    assert cold.sampler.current(cold, cold.trials) == cold.best_trial.params
    assert hot.sampler.current(hot, hot.trials) == hot.trials[-1].params


def test_a_stopped_walk_resumes_as_if_uninterrupted():
    whole = run(20)
    parts = run(7, run(13))
    assert [t.params for t in parts.trials] == [t.params for t in whole.trials]
    assert [t.params for t in run(20, seed=1).trials] != [t.params for t in whole.trials]


def test_lower_is_better_in_a_minimizing_study():
    study = optuna.create_study(direction="minimize", sampler=AnnealingSampler({"x": FloatDistribution(0.0, 1.0)}))
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1) - 0.7) ** 2, n_trials=60)
    assert study.best_value < 1e-3


@pytest.mark.parametrize(
    "distribution",
    [IntDistribution(2, 4), CategoricalDistribution([0, 1, 2]), FloatDistribution(1e-4, 1.0, log=True)],
    ids=str,
)
def test_another_value_is_inside_the_range_and_another_one(distribution):
    import numpy as np

    generator = np.random.default_rng(0)
    drawn = [draw_other(distribution, None, generator) for _ in range(50)]
    moved = [draw_other(distribution, one, generator) for one in drawn]
    assert all(distribution._contains(distribution.to_internal_repr(one)) for one in [*drawn, *moved])
    assert all(a != b for a, b in zip(drawn, moved))
    if not isinstance(distribution, FloatDistribution):
        assert len(set(drawn)) == 3
