"""The CTC forward recursion (Graves et al. 2006, eq. 6-8), for small alphabets."""

import numpy as np

from common.layers.ctc import BLANK


def ctc_probability(probabilities, text):
    """The probability of a text (float).

    Args:
        probabilities (ndarray): [T, C], rows that sum to 1.
        text (list[int]): without blanks.
    """
    marked = [BLANK]
    for token in text:
        marked += [token, BLANK]
    alpha = np.zeros(len(marked))
    alpha[: 2 if len(marked) > 1 else 1] = probabilities[0, marked[:2]]
    for row in probabilities[1:]:
        before = alpha.copy()
        for place, token in enumerate(marked):
            total = before[place] + (before[place - 1] if place else 0.0)
            if place > 1 and token not in (BLANK, marked[place - 2]):
                total += before[place - 2]
            alpha[place] = total * row[token]
    return float(alpha[-2:].sum())
