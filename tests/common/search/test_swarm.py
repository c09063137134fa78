"""Tests of PSHE2: its formulas by hand, and that individuals share nothing but the best position."""

import json

import numpy as np
import pytest

pytest.importorskip("optuna")

from common.search.strategies import PSHE2
from common.search.swarm import advance_individual, best_point, move_at_random
from tests.common.search.test_population import SPACE, search


def test_a_step_decays_the_momentum_and_pulls_to_both_best_positions():
    x, m = advance_individual(np.array([0.2]), np.array([0.4]), np.array([0.6]), np.array([-0.2]), 2, 0.5)
    # m = (1 - 1.5 / 2) 0.4 - 0.5 (0.2 - 0.6) - 0.5 (0.2 + 0.2) = 0.1 + 0.2 - 0.2; x = 0.2 + 0.5 m
    assert m == pytest.approx([0.1]) and x == pytest.approx([0.25])
    assert advance_individual(np.ones(1), np.full(1, 9.0), np.ones(1), np.ones(1), 9, 0.5)[0] == [1.0]


def test_a_random_move_is_a_share_of_the_distance_to_an_end():
    moved = move_at_random(np.array([0.5, 0.5, -1.0]), np.array([0.5, -0.5, -0.9]), 0.2)
    assert moved == pytest.approx([0.5 + 0.5 * 0.1, 0.5 - 1.5 * 0.1, -1.0])


def test_the_best_point_is_that_of_the_lowest_loss():
    states = [({"point": [1.0]}, 3.0), ({"point": [2.0]}, None), ({"point": [3.0]}, 1.0)]
    assert best_point(states, 0) == [3.0] and best_point(states[1:2], 0) == 0


def test_every_individual_has_a_momentum_of_its_own():
    study = search(PSHE2(SPACE, popsize=3), 9)
    states = [json.loads(study.user_attrs[f"member_{number:05d}"]) for number in range(9)]
    assert [(state["round"], state["member"]) for state in states] == [(r, m) for r in range(3) for m in range(3)]
    assert all(not any(state["momentum"]) for state in states[:3])
    last = [tuple(state["momentum"]) for state in states[6:]]
    assert len(set(last)) == 3 and all(any(momentum) for momentum in last)
