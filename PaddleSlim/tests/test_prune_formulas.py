"""What decides how much goes and which: criteria, plans, sensitivities, by numbers worked out by hand."""

import itertools

import numpy as np
import pytest

from common.errors import ConfigError
from PaddleSlim.models.prune.channel_graph import Group
from PaddleSlim.models.prune.criteria import distances_from_others, l1_norms
from PaddleSlim.models.prune.labels import FIXED, Labels, core, varying
from PaddleSlim.models.prune.targets import by_sensitivity, largest_share, meet, plan_of, removed_by, same_share


def groups(*sizes):
    """Groups of so many units, labelled one after the other from 1."""
    ends = np.cumsum((1, *sizes))
    return [Group(f"g{i}", (f"g{i}",), np.arange(a, b)) for i, (a, b) in enumerate(itertools.pairwise(ends))]


def test_the_l1_norm_adds_absolute_values():
    assert l1_norms(np.array([[1.0, -2.0, 3.0], [0.0, 0.5, -0.5]])).tolist() == [6.0, 1.0]


def test_the_filter_in_the_middle_is_the_one_the_others_replace_best():
    # on a line at 0, 3 and 4 times (3, 4), whose length is 5: distances 15 + 20, 15 + 5, 20 + 5
    filters = np.array([[0.0, 0.0], [9.0, 12.0], [12.0, 16.0]])
    assert distances_from_others(filters) == pytest.approx([35.0, 20.0, 25.0])


def test_merged_labels_go_together_and_a_fixed_one_fixes_all():
    labels = Labels()
    one, other = labels.fresh(3), labels.fresh(3)
    labels.unite(one, other)
    assert labels.roots(other).tolist() == one.tolist() == [1, 2, 3]
    labels.fix(other[1:2], "is in the way")
    assert labels.roots(np.stack([one, other])).tolist() == [[1, FIXED, 3], [1, FIXED, 3]]


def test_labels_of_an_axis_that_does_not_matter_take_no_place():
    labels = np.broadcast_to(np.arange(3).reshape(1, 3, 1, 1), (2, 3, 5, 7))
    assert core(labels).shape == (1, 3, 1, 1) and varying(labels) == [1]
    assert core(labels.copy()).shape == (1, 3, 1, 1)


def test_a_plan_rounds_down_and_leaves_one_unit():
    assert plan_of([0.5, 0.3, 0.99], groups(8, 10, 2)) == [4, 3, 1]
    assert removed_by([1, 2], [np.array([5, 4]), np.array([9, 7, 8])]) == [5, 9, 7]


def test_a_target_is_met_between_two_plans_that_change_many_groups_at_once():
    found = groups(*[4] * 10)  # one share moves all ten by one unit: 40, 30, 20, 10 are the sums
    plan = meet(lambda plan: 40 - sum(plan), same_share(found), found, 27)
    assert sum(plan) == 13 and set(plan) == {1, 2}


def test_a_target_is_met_by_single_units_where_shares_are_too_coarse():
    found = groups(2, 7)
    costs = np.array([50, 3])  # 100 + 21 = 121 in all; 71 - 15 = 56 is within 1 of 55
    plan = meet(lambda plan: 121 - (costs * plan).sum(), same_share(found), found, 55)
    assert abs(121 - (costs * plan).sum() - 55) <= 1


def test_a_target_out_of_reach_is_refused():
    with pytest.raises(ConfigError, match="at least 2 stay"):
        meet(lambda plan: 10 - sum(plan), same_share(groups(5, 5)), groups(5, 5), 1)


def test_the_largest_allowed_share_lies_on_the_line_between_measurements():
    shares, losses = np.array([0.0, 0.4, 0.8]), np.array([0.0, 0.1, 0.5])
    assert largest_share(shares, losses, 0.05) == pytest.approx(0.2)
    assert largest_share(shares, losses, 0.3) == pytest.approx(0.6)
    assert largest_share(shares, losses, 0.6) == 0.8


def test_sensitive_groups_lose_less_and_what_costs_nothing_goes_first():
    robust, fragile = ([0.0, 0.5, 0.9], [0.0, -0.1, 0.2]), ([0.0, 0.5, 0.9], [0.0, 0.4, 0.8])
    shares_of = by_sensitivity([robust, fragile])
    assert shares_of(0.0) == [0.0, 0.0]
    assert shares_of(0.5) == pytest.approx([0.5, 0.0])
    assert shares_of(0.625) == pytest.approx([0.9, 0.25])  # a loss of 0.2 allowed
    assert shares_of(1.0) == pytest.approx([0.9, 0.9])
