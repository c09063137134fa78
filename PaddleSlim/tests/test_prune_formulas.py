"""Pruning criteria, plans and sensitivities, against numbers worked out by hand."""

import itertools

import numpy as np
import pytest

from common.errors import ConfigError
from PaddleSlim.models.prune.channel_graph import Group
from PaddleSlim.models.prune.criteria import distance_sums, l1_norms
from PaddleSlim.models.prune.labels import FIXED, Labels, core, varying
from PaddleSlim.models.prune.targets import by_sensitivity, largest_ratio, meet, plan_of, removed_by, uniform_ratios


def groups(*sizes):
    """Groups of these sizes, with consecutive labels from 1."""
    ends = np.cumsum((1, *sizes))
    return [Group(f"g{i}", (f"g{i}",), np.arange(a, b)) for i, (a, b) in enumerate(itertools.pairwise(ends))]


def test_the_l1_norm_adds_absolute_values():
    assert l1_norms(np.array([[1.0, -2.0, 3.0], [0.0, 0.5, -0.5]])).tolist() == [6.0, 1.0]


def test_the_filter_in_the_middle_is_the_most_replaceable():
    # on a line at 0, 3 and 4 times (3, 4), whose length is 5: distances 15 + 20, 15 + 5, 20 + 5
    filters = np.array([[0.0, 0.0], [9.0, 12.0], [12.0, 16.0]])
    assert distance_sums(filters) == pytest.approx([35.0, 20.0, 25.0])


def test_merged_labels_have_one_root_and_a_fixed_one_fixes_all():
    labels = Labels()
    one, other = labels.fresh(3), labels.fresh(3)
    labels.unite(one, other)
    assert labels.roots(other).tolist() == one.tolist() == [1, 2, 3]
    labels.fix(other[1:2], "is in the way")
    assert labels.roots(np.stack([one, other])).tolist() == [[1, FIXED, 3], [1, FIXED, 3]]


def test_constant_axes_of_labels_are_reduced():
    labels = np.broadcast_to(np.arange(3).reshape(1, 3, 1, 1), (2, 3, 5, 7))
    assert core(labels).shape == (1, 3, 1, 1) and varying(labels) == [1]
    assert core(labels.copy()).shape == (1, 3, 1, 1)


def test_a_plan_rounds_down_and_keeps_one_unit():
    assert plan_of([0.5, 0.3, 0.99], groups(8, 10, 2)) == [4, 3, 1]
    assert removed_by([1, 2], [np.array([5, 4]), np.array([9, 7, 8])]) == [5, 9, 7]


def test_a_target_is_met_between_two_plans_that_change_many_groups_at_once():
    found = groups(*[4] * 10)  # one ratio moves all ten by one unit: 40, 30, 20, 10 are the sums
    plan = meet(lambda plan: 40 - sum(plan), uniform_ratios(found), found, 27)
    assert sum(plan) == 13 and set(plan) == {1, 2}


def test_a_target_is_met_by_single_units_where_ratios_are_too_coarse():
    found = groups(2, 7)
    costs = np.array([50, 3])  # 100 + 21 = 121 in all; 71 - 15 = 56 is within 1 of 55
    plan = meet(lambda plan: 121 - (costs * plan).sum(), uniform_ratios(found), found, 55)
    assert abs(121 - (costs * plan).sum() - 55) <= 1


def test_a_target_out_of_reach_is_refused():
    with pytest.raises(ConfigError, match="at least 2 remain"):
        meet(lambda plan: 10 - sum(plan), uniform_ratios(groups(5, 5)), groups(5, 5), 1)


def test_the_largest_allowed_ratio_is_interpolated():
    ratios, drops = np.array([0.0, 0.4, 0.8]), np.array([0.0, 0.1, 0.5])
    assert largest_ratio(ratios, drops, 0.05) == pytest.approx(0.2)
    assert largest_ratio(ratios, drops, 0.3) == pytest.approx(0.6)
    assert largest_ratio(ratios, drops, 0.6) == 0.8


def test_sensitive_groups_are_pruned_less_and_free_ratios_first():
    robust, fragile = ([0.0, 0.5, 0.9], [0.0, -0.1, 0.2]), ([0.0, 0.5, 0.9], [0.0, 0.4, 0.8])
    ratios_of = by_sensitivity([robust, fragile])
    assert ratios_of(0.0) == [0.0, 0.0]
    assert ratios_of(0.5) == pytest.approx([0.5, 0.0])
    assert ratios_of(0.625) == pytest.approx([0.9, 0.25])  # a drop of 0.2 allowed
    assert ratios_of(1.0) == pytest.approx([0.9, 0.9])
