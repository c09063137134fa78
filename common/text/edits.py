"""Distances of sequences in edits."""

import numpy as np


def levenshtein(tokens, reference):
    """The Levenshtein distance of two sequences: substitutions, deletions and insertions (int).

    Args:
        tokens (Sequence): of hashable items.
        reference (Sequence): likewise.
    """
    ids = {}
    tokens, reference = (
        np.array([ids.setdefault(token, len(ids)) for token in side], np.int64) for side in (tokens, reference)
    )
    places = np.arange(len(reference) + 1)
    row = places.copy()
    for count, token in enumerate(tokens, 1):
        best = np.empty_like(row)
        best[0] = count
        np.minimum(row[1:] + 1, row[:-1] + (reference != token), out=best[1:])
        row = np.minimum.accumulate(best - places) + places  # and deletions after it
    return int(row[-1])
