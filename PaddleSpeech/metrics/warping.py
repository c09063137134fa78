"""Dynamic time warping (Sakoe and Chiba 1978): the distance of two sequences that are spoken at different speeds.

Shapes in this file:
    T frames of a sequence, U of a reference, R references, M features of a frame.
"""

import numpy as np


def warped_distances(frames, references):
    """The distances of a sequence to references, float64 [R]: the mean absolute difference along the best alignment.

    Frames are aligned in order from both first to both last ones. The sum of the differences along the alignment is
    divided by T + U, a step that moves in both counts twice.

    Args:
        frames (ndarray): [T, M].
        references (list[ndarray]): [U, M] each.
    """
    lengths = np.array([len(reference) for reference in references])
    padded = np.zeros((len(references), lengths.max(), frames.shape[1]))
    for row, reference in enumerate(references):
        padded[row, : len(reference)] = reference
    above = np.full((len(references), lengths.max() + 1), np.inf)
    above[:, 0] = 0.0
    for frame in frames:
        costs = np.abs(padded - frame).mean(2)  # [R, U]
        row = np.full_like(above, np.inf)
        for u in range(lengths.max()):
            cost = costs[:, u]
            straight = np.minimum(above[:, u + 1], row[:, u]) + cost
            row[:, u + 1] = np.minimum(straight, above[:, u] + 2 * cost)
        above = row
    return above[np.arange(len(references)), lengths] / (len(frames) + lengths)
