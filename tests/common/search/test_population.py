"""Tests of the encoding of candidates as points, and of what all population samplers share."""

import math

import pytest

optuna = pytest.importorskip("optuna")

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402
from optuna.trial import TrialState  # noqa: E402

from common.search.population import from_unit, step_of, to_unit  # noqa: E402
from common.search.space import KeySpace, decode  # noqa: E402
from common.search.strategies import PSHE2, HAZero, RandomSearch, suggest  # noqa: E402

SPACE = KeySpace(
    {"rate": [1e-4, 1.0, "log"], "share": [0.0, 1.0, "linear"], "layers": [1, 9, "int"], "kind": list("abc")}
)
POPULATIONS = [pytest.param(HAZero, id="HAZero"), pytest.param(PSHE2, id="PSHE2")]


@pytest.fixture(autouse=True)
def needs(request):
    if HAZero in getattr(getattr(request.node, "callspec", None), "params", {}).values():
        pytest.importorskip("cmaes")


def score(values):
    """The highest is 0, at rate 0.01, share 0.8, 7 layers of kind b."""
    rest = -((values["share"] - 0.8) ** 2) - 0.05 * (values["layers"] - 7) ** 2 - 0.5 * (values["kind"] != "b")
    return rest - (math.log10(values["rate"]) + 2) ** 2


def search(strategy, trials, study=None, seed=0, fails=lambda number, values: False, sign=1):
    """A study of trials that report their outcome as those of :mod:`common.search.workers`."""
    study = study or optuna.create_study(direction="maximize" if sign > 0 else "minimize")
    study.sampler = strategy.sampler(seed)
    for _ in range(trials):
        trial = study.ask()
        tokens = {name: suggest(trial, name, d) for name, d in strategy.distributions.items()}
        values = decode(strategy.space.dimensions, tokens)
        if fails(trial.number, values):
            trial.set_user_attr("outcome", "failed")
            study.tell(trial, state=TrialState.FAIL)
        else:
            trial.set_user_attr("outcome", "trained")
            study.tell(trial, sign * score(values))
    return study


@pytest.mark.parametrize(
    ("distribution", "points"),
    [
        (FloatDistribution(2.0, 4.0), {2.0: -1, 3.0: 0, 4.0: 1}),
        (FloatDistribution(1e-4, 1.0, log=True), {1e-4: -1, 1e-2: 0, 1.0: 1}),
        (IntDistribution(0, 4), {0: -1, 1: -0.5, 2: 0, 4: 1}),
        (IntDistribution(1, 100, log=True), {1: -1, 10: 0, 100: 1}),
        (CategoricalDistribution(range(3)), {0: -1, 1: 0, 2: 1}),
        (IntDistribution(7, 7), {7: 0}),
    ],
    ids=str,
)
def test_values_are_points_between_minus_one_and_one(distribution, points):
    for token, point in points.items():
        assert to_unit(distribution, token) == pytest.approx(point)
        assert from_unit(distribution, point) == pytest.approx(token)
    assert from_unit(distribution, -7) == pytest.approx(min(points))
    assert from_unit(distribution, 7) == pytest.approx(max(points))


def test_neighboring_choices_and_integers_are_a_step_apart_and_real_numbers_have_none():
    assert step_of(IntDistribution(0, 4)) == step_of(CategoricalDistribution(range(5))) == 0.5
    assert step_of(FloatDistribution(0, 1)) == step_of(IntDistribution(1, 9, log=True)) == 0


@pytest.mark.parametrize("strategy", POPULATIONS)
def test_a_population_beats_random_search_at_equal_trials(strategy):
    found, drawn = ([search(kind(SPACE), 30, seed=s).best_value for s in range(3)] for kind in (strategy, RandomSearch))
    assert sum(found) / 3 > sum(drawn) / 3 + 0.1


@pytest.mark.parametrize("strategy", POPULATIONS)
def test_a_stopped_population_resumes_as_if_uninterrupted(strategy):
    whole, parts = search(strategy(SPACE), 20), search(strategy(SPACE), 8)
    search(strategy(SPACE), 12, parts)  # a sampler of a new process
    assert [t.params for t in parts.trials] == [t.params for t in whole.trials]
    assert [t.params for t in search(strategy(SPACE), 20, seed=1).trials] != [t.params for t in whole.trials]


@pytest.mark.parametrize("strategy", POPULATIONS)
def test_lower_is_better_in_a_minimizing_study(strategy):
    more, less = search(strategy(SPACE), 15), search(strategy(SPACE), 15, sign=-1)
    assert [t.params for t in more.trials] == [t.params for t in less.trials]


@pytest.mark.parametrize("strategy", POPULATIONS)
def test_a_population_leaves_the_region_where_trials_fail(strategy):
    study = search(strategy(SPACE), 40, fails=lambda number, values: number < 5 or values["share"] < 0.6)
    failed = [trial.value is None for trial in study.trials]
    assert len(failed) == 40 and sum(failed[30:]) < sum(failed[5:15])


@pytest.mark.parametrize("strategy", POPULATIONS)
def test_the_first_candidate_of_a_swarm_and_the_first_mean_are_the_start(strategy):
    start = {"rate": 0.03, "share": 0.5, "layers": 4, "kind": "b"}
    made = strategy(SPACE, start=start)
    sampler = made.sampler(0)
    tokens = sampler.tokens(sampler.start)
    assert tokens["rate"] == pytest.approx(0.03) and (tokens["layers"], tokens["kind"]) == (4, 1)
    if strategy is PSHE2:
        assert search(made, 1).trials[0].params == pytest.approx(tokens)
    else:
        assert sampler.optimizer.mean == pytest.approx(sampler.start)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ({"rate": 0.1}, "rate, share, layers, kind"),
        ({"rate": 2.0, "share": 0, "layers": 1, "kind": "a"}, "rate cannot be 2.0"),
        ({"rate": 0.1, "share": 0, "layers": 1.5, "kind": "a"}, "layers cannot be 1.5"),
        ({"rate": 0.1, "share": 0, "layers": 1, "kind": "d"}, "kind cannot be 'd'"),
    ],
    ids=str,
)
def test_a_start_outside_the_space_is_refused(start, words):
    with pytest.raises(ValueError, match=words):
        PSHE2(SPACE, start=start)


def test_settings_outside_their_ranges_are_refused():
    for settings in ({"popsize": 1}, {"alpha": 0}, {"epsilon": 2}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            PSHE2(SPACE, **settings)
