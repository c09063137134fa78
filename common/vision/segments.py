"""Segments of time: overlaps, soft-NMS, the targets of boundaries, and features of equal numbers of steps.

Shapes in this file:
    A and B segments (start, end), T steps of I features, D durations.
"""

import numpy as np

from common.data.transform import Transform
from common.vision.clips import check_counts


def segment_overlaps(first, second):
    """The intersection over union of segments [A, 2] and [B, 2], float64 [A, B]; 0 for empty ones."""
    first, second = (np.asarray(segments, np.float64).reshape(-1, 2) for segments in (first, second))
    low = np.maximum(first[:, None, 0], second[None, :, 0])
    high = np.minimum(first[:, None, 1], second[None, :, 1])
    shared = np.maximum(high - low, 0)
    union = (first[:, 1] - first[:, 0])[:, None] + (second[:, 1] - second[:, 0])[None] - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0.0)


def suppress_softly(segments, scores, keep, alpha=0.4, low=0.5, high=0.9):
    """Soft-NMS (https://arxiv.org/abs/1704.04503) of segments: what overlaps a better one loses score.

    A score is multiplied by exp(-overlap^2 / alpha) where the overlap with the chosen segment exceeds
    low + (high - low) * its length, as BSN does for segments as shares of the video.

    Args:
        segments (ndarray): float64 [A, 2], from 0 to 1.
        scores (ndarray): float64 [A].
        keep (int): segments to return at most.
        alpha (float): of the exponent.
        low (float): threshold of the overlap for a segment without length.
        high (float): threshold for one that covers the whole video.

    Returns:
        tuple[ndarray, ndarray]: indices int64 [B] and their scores float64 [B], the best first.
    """
    scores, chosen, found = np.array(scores, np.float64), [], []
    while len(chosen) < min(keep, len(scores)):
        best = int(scores.argmax())
        chosen.append(best)
        found.append(scores[best])
        scores[best] = -np.inf
        overlaps = segment_overlaps(segments[best : best + 1], segments)[0]
        length = segments[best, 1] - segments[best, 0]
        scores = np.where(overlaps > low + (high - low) * length, scores * np.exp(-(overlaps**2) / alpha), scores)
    return np.array(chosen, np.int64), np.array(found)


def suppress_overlapping(segments, overlap):
    """The segments [A, 2], the best first, that overlap no better one of them by more than `overlap`, int64 [B]."""
    kept, open_ones = [], np.arange(len(segments))
    while len(open_ones):
        best, open_ones = open_ones[0], open_ones[1:]
        kept.append(best)
        open_ones = open_ones[segment_overlaps(segments[best : best + 1], segments[open_ones])[0] <= overlap]
    return np.array(kept, np.int64)


class RescaleFeatures(Transform):
    """Interpolates the features of a video to T steps, whatever its length.

    Args:
        length (int): T.
        key (str): name of the features, [frames, I].
    """

    def __init__(self, length=100, key="features"):
        check_counts("RescaleFeatures", length=length)
        self.length, self.key = length, key

    def __call__(self, sample, rng):
        sample[self.key] = rescale_steps(sample[self.key], self.length)
        return sample


def rescale_steps(features, length):
    """Features [frames, I] interpolated linearly at the middles of T equal parts, float32 [T, I]."""
    count = len(features)
    places = np.clip((np.arange(length) + 0.5) * count / length - 0.5, 0, count - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, count - 1)
    share = (places - below)[:, None]
    return (features[below] * (1 - share) + features[above] * share).astype(np.float32)


class BoundaryTargets(Transform):
    """Sets what a network of boundaries learns from the `segments` of a sample, shares of the video [B, 2].

    `start` and `end` float32 [T] are the shares of a step that lie near the start or the end of a segment;
    `overlaps` float32 [D, T] that of each proposal, by its duration and first step, with the nearest segment; `action`
    float32 [T] the share of a step that lies in a segment.

    Args:
        length (int): T.
        durations (int | None): D; T when None.
    """

    def __init__(self, length=100, durations=None):
        check_counts("BoundaryTargets", length=length, durations=durations or 1)
        self.length, self.durations = length, durations or length

    def __call__(self, sample, rng):
        segments = np.asarray(sample.get("segments", ()), np.float64).reshape(-1, 2)
        return sample | boundary_targets(segments, self.length, self.durations)


def boundary_targets(segments, length, durations):
    """The targets of segments [B, 2], a dict of arrays, see :class:`BoundaryTargets`."""
    step = 1 / length
    centers = np.arange(length) * step
    windows = np.stack([centers - step / 2, centers + step / 2], 1)
    inside = np.stack([centers, centers + step], 1)
    reach = 1.5 * step
    near = {
        name: np.stack([segments[:, side] - reach, segments[:, side] + reach], 1)
        for name, side in (("start", 0), ("end", 1))
    }
    duration, start = np.meshgrid(np.arange(durations), np.arange(length), indexing="ij")
    proposals = np.stack([start * step, (start + duration + 1) * step], -1).reshape(-1, 2)
    overlaps = segment_overlaps(proposals, segments).max(1, initial=0).reshape(durations, length)
    overlaps[start + duration >= length] = 0
    found = {name: covered(windows, spans) for name, spans in near.items()}
    found |= {"action": covered(inside, segments), "overlaps": overlaps}
    return {name: array.astype(np.float32) for name, array in found.items()}


def covered(windows, segments):
    """The largest share of each window [T, 2] that one of the segments [B, 2] covers, float64 [T]."""
    low = np.maximum(windows[:, None, 0], segments[None, :, 0])
    high = np.minimum(windows[:, None, 1], segments[None, :, 1])
    share = np.maximum(high - low, 0) / (windows[:, 1] - windows[:, 0])[:, None]
    return share.max(1, initial=0)
