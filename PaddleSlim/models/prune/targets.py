"""How many units each group loses, so that a target is met.

Shapes in this file:
    G groups; a plan is a list of G counts, the units that each group loses, the least important first.
"""

import numpy as np

from common.errors import ConfigError

HALVINGS = 40
CLOSE = 0.002  # of the target, near enough


def plan_of(shares, groups):
    """The counts of shares (list of floats, 0 to 1) of each group; one unit always stays."""
    return [min(int(share * len(g.units) + 1e-9), len(g.units) - 1) for share, g in zip(shares, groups)]


def removed_by(plan, orders):
    """The labels that a plan removes, of the units of each group in their order."""
    return [int(unit) for count, order in zip(plan, orders) for unit in order[:count]]


def meet(cost, shares_of, groups, target):
    """The plan whose cost is nearest to a target, between two that differ by the least change of one number.

    Args:
        cost (Callable): plan -> number; falls as more is removed.
        shares_of (Callable): t from 0 to 1 -> the share that each group loses, rising with t; 0 removes nothing.
        groups (list[Group]): that may lose units.
        target (float): of the cost.

    Returns:
        list[int]: the plan.

    Raises:
        ConfigError: the target is below what can be reached.
    """
    low, high = 0.0, 1.0
    least = cost(plan_of(shares_of(high), groups))
    if least > target:
        raise ConfigError(f"at least {least:.4g} stay, of which {target:.4g} are asked for; let more layers be pruned")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(plan_of(shares_of(middle), groups)) > target else (low, middle)
    plan, last = plan_of(shares_of(low), groups), plan_of(shares_of(high), groups)
    best = min((plan, last), key=lambda found: abs(cost(found) - target))
    for number in sorted(range(len(plan)), key=lambda i: -len(groups[i].units)):  # what changes at once, one by one
        while plan[number] < last[number]:
            plan = [count + (i == number) for i, count in enumerate(plan)]
            best = min((best, plan), key=lambda found: abs(cost(found) - target))
    return nearer(cost, best, groups, target)


def nearer(cost, plan, groups, target):
    """The plan with one unit more or less in some groups, as long as that brings the cost nearer to the target."""
    while abs(cost(plan) / target - 1) > CLOSE:
        others = [[c + step * (i == j) for j, c in enumerate(plan)] for i in range(len(plan)) for step in (-1, 1)]
        others = [p for p in others if all(0 <= c < len(g.units) for c, g in zip(p, groups))]
        best = min(others, key=lambda found: abs(cost(found) - target), default=plan)
        if abs(cost(best) - target) >= abs(cost(plan) - target):
            break
        plan = best
    return plan


def nearest_by(measure, shares_of, groups, target, halvings=7):
    """The plan whose measured cost is nearest to a target, by a few halvings: a measurement takes long and wavers.

    Args:
        measure (Callable): plan -> number.
        shares_of (Callable): as in :func:`meet`.
        groups (list[Group]): that may lose units.
        target (float): of the measurement.
        halvings (int): how many measurements.
    """
    low, high, tried = 0.0, 1.0, []
    for _ in range(halvings):
        middle = (low + high) / 2
        plan = plan_of(shares_of(middle), groups)
        found = measure(plan)
        tried.append((abs(found - target), plan))
        low, high = (middle, high) if found > target else (low, middle)
    return min(tried, key=lambda item: item[0])[1]


def same_share(groups):
    """Every group loses the same share."""
    return lambda t: [t] * len(groups)


def by_sensitivity(curves):
    """Every group loses as much as costs it the same loss (https://arxiv.org/abs/1608.08710, section 3.2).

    Args:
        curves (list[tuple]): of each group its shares, rising from 0, and the loss of the score at each.

    Returns:
        Callable: t -> shares; up to t = 0.5 what costs nothing, then the allowed loss rises to the largest seen.
    """
    steady = [(np.asarray(shares), np.maximum.accumulate(losses)) for shares, losses in curves]
    highest = max((losses[-1] for _, losses in steady), default=0.0)

    def shares_of(t):
        allowed, part = max(0.0, 2 * t - 1) * highest, min(1.0, 2 * t)
        return [part * largest_share(shares, losses, allowed) for shares, losses in steady]

    return shares_of


def largest_share(shares, losses, allowed):
    """The largest share whose loss is allowed, on the straight lines between the measured ones (float).

    Args:
        shares (ndarray): rising, [k].
        losses (ndarray): not falling, [k].
        allowed (float): loss.
    """
    after = int(np.searchsorted(losses, allowed, side="right"))
    if after == len(losses):
        return float(shares[-1])
    if after == 0:
        return 0.0
    rise = losses[after] - losses[after - 1]
    return float(shares[after - 1] + (shares[after] - shares[after - 1]) * (allowed - losses[after - 1]) / rise)
