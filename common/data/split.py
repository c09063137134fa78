"""Splits of a dataset into training and evaluation samples: stratified by class, seeded, by group."""

from collections import Counter

import numpy as np

from common.errors import DataError


def split_samples(classes, fraction=0.2, seed=0, groups=None):
    """Splits samples so that each class has about the same share in both splits and no group is in both.

    The classes are taken from the rarest to the most frequent; a class of a single group stays in the training split.

    Args:
        classes (list): the classes of each sample, an iterable of hashable values; empty for background.
        fraction (float): share of the evaluation split, above 0 and below 1.
        seed (int): random seed; the same seed gives the same splits.
        groups (list | None): the group of each sample; default each sample is one.

    Returns:
        tuple: the indices of the training and of the evaluation samples, both ascending.

    Raises:
        DataError: there are fewer than two groups.
    """
    members = {}
    for index in range(len(classes)):
        members.setdefault(index if groups is None else groups[index], []).append(index)
    if len(members) < 2:
        one = f"all {len(classes)} samples are of one group" if len(classes) > 1 else f"{len(classes)} samples"
        raise DataError(f"error[D117] {one}: nothing can be split off for the evaluation")
    units = list(members.values())
    np.random.default_rng(seed).shuffle(units)
    strata = [Counter(k for i in unit for k in (set(classes[i]) or {None})) for unit in units]
    total = sum(strata, Counter())
    chosen = choose_units(units, strata, {k: fraction * count for k, count in total.items()}, fraction * len(classes))
    evaluation = sorted(i for number in chosen for i in units[number])
    held_out = set(evaluation)
    return [i for i in range(len(classes)) if i not in held_out], evaluation


def choose_units(units, strata, wanted, size):
    """The numbers of the groups to evaluate on: from the rarest class on, until each has its share."""
    have, chosen, taken, count = Counter(), set(), set(), 0
    left = sum((Counter(dict.fromkeys(stratum, 1)) for stratum in strata), Counter())
    trained = Counter()
    for label in sorted(left, key=lambda k: (left[k], str(k))):
        for number, stratum in enumerate(strata):
            if number in taken or label not in stratum:
                continue
            taken.add(number)
            lacks = wanted[label] - have[label] >= stratum[label] / 2
            last = any(left[k] == 1 and not trained[k] for k in stratum)  # the class would not be trained on
            if lacks and not last:
                chosen.add(number)
                have += stratum
                count += len(units[number])
            else:
                trained += stratum
            left -= Counter(dict.fromkeys(stratum, 1))
    if not chosen:  # every class is too rare for its share
        chosen = {min(range(len(units)), key=lambda k: (abs(len(units[k]) - size), k))}
    return chosen
