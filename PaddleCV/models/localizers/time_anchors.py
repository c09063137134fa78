"""Anchors in time at several scales, and how segments are written relative to them (C-TCN, SSD in one dimension).

Shapes in this file:
    T steps of a video, A anchors, B segments. Segments are (start, end) as shares of the video.
"""

import numpy as np

from common.vision.segments import segment_overlaps

FINEST = 4  # steps between the anchors of the finest scale
SIZES = 3  # sizes below and above that of a scale
SPREAD = 0.3  # of the largest and the smallest size around that of the scale
PER_PLACE = 1 + 2 * SIZES
VARIANCES = (0.1, 0.2)  # of the shift of the center and of the length, as in SSD
POSITIVE = 0.5  # overlap from which an anchor belongs to a segment that it does not fit best
BACKGROUND = 0


def scales(length):
    """The numbers of places of each scale, [T / 4, T / 8, ... 1].

    Args:
        length (int): T, a power of two of 32 or more.

    Raises:
        ValueError: it is another number.
    """
    if length < 32 or length & (length - 1):
        raise ValueError(f"length is {length}; it is a power of two of 32 or more")
    return [length >> shift for shift in range(2, length.bit_length())]


def time_anchors(length):
    """The anchors of all scales, from fine to coarse, in the order of their places.

    A scale of n places has anchors of 1/n of the video, and of 0.1, 0.2 and 0.3 less and more than that; the coarsest,
    which has no room for longer ones, has those of 0.05 less than its shorter ones in their place.

    Args:
        length (int): T.

    Returns:
        ndarray: float64 [A, 2], centers and lengths; some reach beyond the video.
    """
    anchors = []
    for places in scales(length):
        steps = SPREAD * np.arange(1, SIZES + 1) / SIZES
        other = -steps - SPREAD / (2 * SIZES) if places == 1 else steps
        sizes = np.concatenate([[1.0], 1.0 + np.stack([-steps, other], 1).ravel()]) / places
        centers = (np.arange(places) + 0.5) / places
        anchors.append(np.stack(np.broadcast_arrays(centers[:, None], sizes[None]), -1).reshape(-1, 2))
    return np.concatenate(anchors)


def as_segments(spans):
    """Segments (start, end) of centers and lengths, arrays [..., 2]."""
    center, size = spans[..., 0], spans[..., 1]
    return np.stack([center - size / 2, center + size / 2], -1)


def encode_segments(segments, anchors):
    """The shifts of the center and the changes of the length of segments [A, 2] against anchors [A, 2], float64 [A, 2].

    The inverse is in :meth:`CTCN.decode`.
    """
    center, size = segments.mean(1), segments[:, 1] - segments[:, 0]
    shift = (center - anchors[:, 0]) / anchors[:, 1] / VARIANCES[0]
    return np.stack([shift, (size / anchors[:, 1] - 1) / VARIANCES[1]], 1)


def match_anchors(anchors, segments):
    """The segment of each anchor: the best anchor of each segment, then all that overlap one by a half.

    Args:
        anchors (ndarray): float64 [A, 2], centers and lengths.
        segments (ndarray): float64 [B, 2].

    Returns:
        ndarray: int64 [A], -1 for background.
    """
    found = np.full(len(anchors), -1, np.int64)
    overlaps = segment_overlaps(as_segments(anchors), segments)
    if not overlaps.size:
        return found
    near = overlaps.max(1) >= POSITIVE
    found[near] = overlaps.argmax(1)[near]
    left = overlaps.copy()
    for _ in range(len(segments)):
        anchor, segment = np.unravel_index(left.argmax(), left.shape)
        if left[anchor, segment] <= 0:
            break
        found[anchor] = segment
        left[anchor], left[:, segment] = 0, 0
    return found


def anchor_targets(segments, labels, anchors):
    """The targets of a network at each anchor.

    Args:
        segments (ndarray): float64 [B, 2].
        labels (ndarray): int64 [B], from 0.
        anchors (ndarray): float64 [A, 2].

    Returns:
        tuple[ndarray, ndarray]: the offsets float32 [A, 2], 0 for background, and the classes int64 [A], 0 for it.
    """
    matches = match_anchors(anchors, segments)
    real = matches >= 0
    offsets, classes = np.zeros((len(anchors), 2), np.float32), np.full(len(anchors), BACKGROUND, np.int64)
    if real.any():
        offsets[real] = encode_segments(segments[matches[real]], anchors[real])
        classes[real] = labels[matches[real]] + 1
    return offsets, classes
