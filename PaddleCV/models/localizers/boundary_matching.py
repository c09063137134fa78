"""The sampling of boundary-matching features (BMN, https://arxiv.org/abs/1907.09702, section 3.3).

Shapes in this file:
    T steps of a video, D durations in steps, S samples of a proposal, each the mean of B points.
"""

import numpy as np


def sampling_weights(length, durations, samples=32, points=3, margin=0.5):
    """The weights by which steps become the samples of every proposal.

    The proposal of start t and duration d (both in steps, d from 0) covers the steps t to t + d. It is widened by
    `margin` of its length on both sides; S * B points lie evenly in it, and each is interpolated linearly between
    its two steps. Points outside of the video count as 0, but for those less than a step before it, which count as its
    first step, as in the original; so do proposals that end outside of it.

    Args:
        length (int): T.
        durations (int): D.
        samples (int): S.
        points (int): B.
        margin (float): share of the length.

    Returns:
        ndarray: float32 [T, S, D, T]: step, sample, duration, start.
    """
    duration, start = np.meshgrid(np.arange(durations), np.arange(length), indexing="ij")
    first, last = start - margin * (duration + 1), start + duration + margin * (duration + 1)
    share = np.arange(samples * points) / (samples * points - 1)
    places = first[..., None] + (last - first)[..., None] * share  # [D, T, S B]
    places = np.where((places > -1) & (places < 0), 0, places)
    below = np.floor(places).astype(np.int64)
    right = places - below
    found = np.zeros((durations, length, samples, length + 2), np.float32)  # steps, and a place for those outside
    d, t, _ = np.ogrid[:durations, :length, : samples * points]
    sample = np.arange(samples * points) // points
    for step, weight in ((below, 1 - right), (below + 1, right)):
        inside = np.where((step >= 0) & (step < length), step, length)
        np.add.at(found, (d, t, sample, inside), (weight / points).astype(np.float32))
    found[duration + start >= length] = 0
    return np.ascontiguousarray(found[..., :length].transpose(3, 2, 0, 1))


def valid_proposals(length, durations):
    """1 for each proposal that ends within the video, float32 [D, T]."""
    return (np.arange(durations)[:, None] + np.arange(length) < length).astype(np.float32)
