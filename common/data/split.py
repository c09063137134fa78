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
    total = Counter(k for stratum in strata for k in stratum.elements())
    chosen = choose_units(units, strata, {k: fraction * count for k, count in total.items()}, fraction * len(classes))
    evaluation = sorted(i for number in chosen for i in units[number])
    held_out = set(evaluation)
    return [i for i in range(len(classes)) if i not in held_out], evaluation


def choose_units(units, strata, wanted, size):
    """The numbers of the groups to evaluate on: from the rarest class on until each has its share, up to `size`."""
    members = {}
    for number, stratum in enumerate(strata):
        for k in stratum:
            members.setdefault(k, []).append(number)
    trained = {k: len(numbers) for k, numbers in members.items()}  # groups of each class in the training split
    have, chosen, taken, count = Counter(), [], set(), 0

    def fits(number):
        """True if the size allows the group and each of its classes is still trained on."""
        stratum = strata[number]
        return count + len(units[number]) / 2 <= size and all(trained[k] > 1 or k is None for k in stratum)

    rarest_first = sorted(members, key=lambda k: (len(members[k]), str(k)))
    for label, numbers in [*((k, members[k]) for k in rarest_first), (..., range(len(units)))]:  # at last any group
        for number in numbers:
            lacks = label is ... or wanted[label] - have[label] >= strata[number][label] / 2
            if number not in taken and lacks and fits(number):
                chosen.append(number)
                taken.add(number)
                count += len(units[number])
                for k, amount in strata[number].items():
                    have[k] += amount
                    trained[k] -= 1
    if not chosen:  # every class is too rare for its share
        chosen = [min(range(len(units)), key=lambda k: (abs(len(units[k]) - size), k))]
    return chosen
