"""Tests of the sampler of CMA-ES: what the library receives."""

import pytest

optuna = pytest.importorskip("optuna")
pytest.importorskip("cmaes")

from optuna.trial import TrialState  # noqa: E402

from common.search.space import KeySpace  # noqa: E402
from common.search.strategies import HAZero  # noqa: E402
from tests.common.search.test_population import SPACE, search  # noqa: E402


def test_the_distribution_moves_after_each_full_round():
    study = search(HAZero(SPACE, popsize=4), 9)
    sampler = HAZero(SPACE, popsize=4).sampler(0)
    before = sampler.optimizer.mean.copy()
    sampler.update(study)
    assert sampler.rounds == [[0, 1, 2, 3], [4, 5, 6, 7]] and sampler.optimizer.generation == 2
    assert (sampler.optimizer.mean != before).any()


def test_failed_trials_rank_last_and_a_round_without_a_score_moves_nothing(monkeypatch):
    sampler = HAZero(SPACE, popsize=3).sampler(0)
    received = []
    monkeypatch.setattr(sampler.optimizer, "tell", lambda solutions: received.append([loss for _, loss in solutions]))
    study = search(HAZero(SPACE, popsize=3), 6, fails=lambda number, values: number in (0, 1, 2, 4))
    sampler.update(study)
    assert len(sampler.rounds) == 2 and len(received) == 1
    assert received[0][1] == max(received[0]) == pytest.approx(max(received[0][0], received[0][2]) + 1)


def test_a_repeated_candidate_counts_with_the_score_of_the_first():
    strategy = HAZero(KeySpace({"kind": ["a", "b"], "layers": [1, 2]}))
    study, scores = optuna.create_study(direction="maximize", sampler=strategy.sampler(0)), {}
    for number in range(10):
        trial = study.ask(strategy.distributions)
        key = tuple(trial.params.items())
        trial.set_user_attr("outcome", "repeated" if key in scores else "trained")
        if key in scores:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, scores.setdefault(key, float(number)))
    ended = strategy.sampler(0).finished(study)
    assert [loss for _, _, loss in ended] == [-scores[tuple(t.params.items())] for t, _, _ in ended]
    assert len(ended) == 10 and len(scores) <= 4


def test_a_space_of_one_dimension_is_searched_too():
    strategy = HAZero(KeySpace({"share": [0.0, 1.0, "linear"]}), popsize=3)
    sampler = strategy.sampler(0)
    assert set(sampler.tokens(sampler.optimizer.mean[:1])) == {"share"} and len(sampler.optimizer.mean) == 2
