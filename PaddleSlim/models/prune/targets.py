"""Allocation of pruning over groups, so that a target is met.

Shapes in this file:
    G groups; a plan is a list of G counts, the units to prune in each group, the least important first.
"""

import numpy as np

from common.errors import ConfigError

BISECTIONS = 40
TOLERANCE = 0.002  # relative to the target


def plan_of(ratios, groups):
    """The plan of pruning ratios (list of float, 0 to 1); every group keeps at least one unit."""
    return [min(int(ratio * len(g.units) + 1e-9), len(g.units) - 1) for ratio, g in zip(ratios, groups)]


def removed_by(plan, orders):
    """The labels of the units that a plan removes."""
    return [int(unit) for count, order in zip(plan, orders) for unit in order[:count]]


def meet(cost, ratios_of, groups, target):
    """The plan whose cost is nearest to a target, by bisection and a greedy refinement.

    Args:
        cost (Callable): plan -> number; decreases as more units are removed.
        ratios_of (Callable): t from 0 to 1 -> the pruning ratio of each group, increasing with t; 0 removes nothing.
        groups (list[Group]): groups that may be pruned.
        target (float): of the cost.

    Returns:
        list[int]: the plan.

    Raises:
        ConfigError: the target cannot be reached.
    """
    low, high = 0.0, 1.0
    least = cost(plan_of(ratios_of(high), groups))
    if least > target:
        raise ConfigError(
            f"the target is {target:.4g}, but at least {least:.4g} remain; allow more layers to be pruned"
        )
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(plan_of(ratios_of(middle), groups)) > target else (low, middle)
    plan, last = plan_of(ratios_of(low), groups), plan_of(ratios_of(high), groups)
    best = min((plan, last), key=lambda found: abs(cost(found) - target))
    for number in sorted(
        range(len(plan)), key=lambda i: -len(groups[i].units)
    ):  # groups that change at the same t, one by one
        while plan[number] < last[number]:
            plan = [count + (i == number) for i, count in enumerate(plan)]
            best = min((best, plan), key=lambda found: abs(cost(found) - target))
    return refine(cost, best, groups, target)


def refine(cost, plan, groups, target):
    """Refines a plan by single units, as long as the cost gets nearer to the target."""
    while abs(cost(plan) / target - 1) > TOLERANCE:
        others = [[c + step * (i == j) for j, c in enumerate(plan)] for i in range(len(plan)) for step in (-1, 1)]
        others = [p for p in others if all(0 <= c < len(g.units) for c, g in zip(p, groups))]
        best = min(others, key=lambda found: abs(cost(found) - target), default=plan)
        if abs(cost(best) - target) >= abs(cost(plan) - target):
            break
        plan = best
    return plan


def nearest_by(measure, ratios_of, groups, target, bisections=7):
    """The plan whose measured cost is nearest to a target, by a few bisections: measurements are slow and noisy.

    Args:
        measure (Callable): plan -> number.
        ratios_of (Callable): as in :func:`meet`.
        groups (list[Group]): groups that may be pruned.
        target (float): of the measurement.
        bisections (int): number of measurements.
    """
    low, high, tried = 0.0, 1.0, []
    for _ in range(bisections):
        middle = (low + high) / 2
        plan = plan_of(ratios_of(middle), groups)
        found = measure(plan)
        tried.append((abs(found - target), plan))
        low, high = (middle, high) if found > target else (low, middle)
    return min(tried, key=lambda item: item[0])[1]


def uniform_ratios(groups):
    """The same pruning ratio for every group (Callable: t -> ratios)."""
    return lambda t: [t] * len(groups)


def by_sensitivity(curves):
    """Pruning ratios that cost every group the same drop of the metric (https://arxiv.org/abs/1608.08710, 3.2).

    Args:
        curves (list[tuple]): of each group, its ratios, increasing from 0, and the drop of the metric at each.

    Returns:
        Callable: t -> ratios; up to t = 0.5 those without a drop, then the allowed drop rises to the largest measured.
    """
    steady = [(np.asarray(ratios), np.maximum.accumulate(drops)) for ratios, drops in curves]
    highest = max((drops[-1] for _, drops in steady), default=0.0)

    def ratios_of(t):
        allowed, part = max(0.0, 2 * t - 1) * highest, min(1.0, 2 * t)
        return [part * largest_ratio(ratios, drops, allowed) for ratios, drops in steady]

    return ratios_of


def largest_ratio(ratios, drops, allowed):
    """The largest ratio whose drop is allowed, by linear interpolation (float).

    Args:
        ratios (ndarray): pruning ratios, increasing, [k].
        drops (ndarray): drops of the metric, non-decreasing, [k].
        allowed (float): drop.
    """
    after = int(np.searchsorted(drops, allowed, side="right"))
    if after == len(drops):
        return float(ratios[-1])
    if after == 0:
        return 0.0
    rise = drops[after] - drops[after - 1]
    return float(ratios[after - 1] + (ratios[after] - ratios[after - 1]) * (allowed - drops[after - 1]) / rise)
