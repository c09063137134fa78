"""Spelling suggestions ("did you mean ...?") by edit distance."""

import difflib
from collections import Counter


def edit_distance(a, b):
    """Optimal string alignment distance: insertions, deletions, substitutions and swaps of adjacent characters."""
    before, row = [], list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def nearest(name, candidates, count=1):
    """The candidates most similar to `name`, best first; dissimilar ones are omitted.

    Args:
        name (str): the unknown name.
        candidates (list[str]): the valid names.
        count (int): the maximum number of suggestions.
    """
    found = []
    for candidate in sorted({str(c) for c in candidates} - {str(name)}):
        lowered, other = without_suffix(str(name).lower(), candidate.lower())
        length, apart = len(lowered) + len(other), abs(len(lowered) - len(other))
        allowed, enough = max(1, len(other) // 4), 0.6 if alike_at_ends(lowered, other) else 0.75
        shared = (Counter(lowered) & Counter(other)).total()  # bounds both measures, in a tenth of their time
        if 2 * shared < enough * length and (apart > 2 or (length + apart) // 2 - shared > allowed):
            continue
        ratio = difflib.SequenceMatcher(None, lowered, other, autojunk=False).ratio()
        near = apart <= 2 and edit_distance(lowered, other)
        if near is not False and near <= allowed:
            found.append((near, -ratio, candidate))
        elif ratio >= enough:
            found.append((3 + near, -ratio, candidate) if near else (99, -ratio, candidate))
    return [candidate for _, _, candidate in sorted(found)[:count]]


def without_suffix(one, other):
    """Two names of files without the suffix that both have, which says nothing about how close they are."""
    stem, dot, suffix = one.rpartition(".")
    if stem and other.endswith(dot + suffix) and other != dot + suffix:
        return stem, other[: -len(dot + suffix)]
    return one, other


def alike_at_ends(one, other, least=4):
    """True if two names begin or end with the same characters, at least four."""
    return min(len(one), len(other)) >= least and (one[:least] == other[:least] or one[-least:] == other[-least:])


def did_you_mean(name, candidates):
    """`; did you mean 'x'?`, or an empty string if no candidate is similar."""
    found = nearest(name, candidates)
    return f"; did you mean '{found[0]}'?" if found else ""
