"""Moments of a video that a sentence tells of: the features of one, windows that slide over a video, and their targets.

Shapes in this file:
    T steps of I features, W windows (start, end) in steps.
"""

import numpy as np

from common.data.transform import Transform
from common.vision.segments import segment_overlaps


class CutSegment(Transform):
    """Keeps the features of the `segment` (start, end; shares of the video) of a sample, one step at least.

    A sample without a segment, such as a file in inference, stays whole.

    Args:
        key (str): name of the features, [T, I].
    """

    def __init__(self, key="features"):
        self.key = key

    def __call__(self, sample, rng):
        features = sample[self.key]
        if "segment" in sample:
            start, end = steps_of(sample["segment"], len(features))
            sample[self.key] = np.ascontiguousarray(features[start:end])
        sample["length"] = np.int64(len(sample[self.key]))
        return sample


def steps_of(segment, count):
    """The first step of a segment (shares of a video of `count` steps), and the one after its last."""
    start = min(int(segment[0] * count), count - 1)
    return start, min(max(int(segment[1] * count + 0.5), start + 1), count)


class SlideWindows(Transform):
    """Slides windows of several lengths over a video (CTRL, https://arxiv.org/abs/1705.02101, section 3).

    Sets `spans` float64 [W, 2] in steps, and `clips` float32 [W, 3 I]: the mean of the features before a window, in it
    and after it, in place of the features. Before and after it as many steps count as it has; where the video has none,
    it stands for them.

    Args:
        lengths (list[int]): of the windows, in steps.
        overlap (float): share of a window that the next one of its length has in common with it.
        key (str): name of the features, [T, I].
    """

    def __init__(self, lengths=(4, 8, 16, 32), overlap=0.8, key="features"):
        if not lengths or min(lengths) < 1 or not 0 <= overlap < 1:
            raise ValueError(
                f"lengths are {list(lengths)}, overlap {overlap}; allowed: one or more, and from 0 to below 1"
            )
        self.lengths, self.overlap, self.key = list(lengths), overlap, key

    def __call__(self, sample, rng):
        features = sample.pop(self.key)
        sample["spans"] = sliding_windows(len(features), self.lengths, self.overlap)
        sample["clips"] = window_means(features, sample["spans"].astype(np.int64))
        return sample


def sliding_windows(count, lengths, overlap):
    """Windows of each length over `count` steps, from the first step to the last, float64 [W, 2]."""
    found = []
    for length in sorted({min(length, count) for length in lengths}):
        stride = max(1, round(length * (1 - overlap)))
        starts = sorted({*range(0, count - length + 1, stride), count - length})
        found += [[start, start + length] for start in starts]
    return np.array(found, np.float64)


def window_means(features, spans):
    """Means of features [T, I] before, in and after each of the windows int64 [W, 2], float32 [W, 3 I]."""
    sums = np.concatenate([np.zeros((1, features.shape[1])), np.cumsum(features, 0, np.float64)])
    start, end = spans.T
    length = end - start
    inside = steps_mean(sums, start, end)
    before = steps_mean(sums, np.maximum(start - length, 0), start)
    after = steps_mean(sums, end, np.minimum(end + length, len(features)))
    sides = [
        np.where(empty[:, None], inside, side) for empty, side in ((start == 0, before), (end == len(features), after))
    ]
    return np.concatenate([sides[0], inside, sides[1]], 1).astype(np.float32)


def steps_mean(sums, start, end):
    """Means of the steps from start to end (int64 [W] each) by their running sums [T + 1, I]."""
    return (sums[end] - sums[start]) / np.maximum(end - start, 1)[:, None]


class ChooseWindow(Transform):
    """Chooses a window that tells of the `segment` of a sample, for training: one of those that fit, at random.

    One fits whose overlap (intersection over union) is large and that lies in the segment but for a small share (CTRL,
    section 3); where none does, the one of the largest overlap is taken. Sets `clips` [1, 3 I], and `offsets` float32
    [2]: how many steps the segment starts and ends after the window.

    Args:
        overlap (float): the least overlap.
        outside (float): the largest share of the window outside of the segment.
    """

    def __init__(self, overlap=0.5, outside=0.15):
        self.overlap, self.outside = overlap, outside
        self.augments = True

    def __call__(self, sample, rng):
        spans = sample.pop("spans")
        segment = np.asarray(sample["segment"], np.float64) * int(sample["length"])
        fits = fitting_windows(spans, segment, self.overlap, self.outside)
        chosen = fits[int(rng.integers(len(fits)))]
        sample["clips"] = sample["clips"][chosen : chosen + 1]
        sample["offsets"] = (segment - spans[chosen]).astype(np.float32)
        return sample


def fitting_windows(spans, segment, overlap, outside):
    """Numbers of the windows [W, 2] that fit a segment [2], see :class:`ChooseWindow`; one at least."""
    overlaps = segment_overlaps(spans, segment)[:, 0]
    shared = np.minimum(spans[:, 1], segment[1]) - np.maximum(spans[:, 0], segment[0])
    outer = 1 - np.maximum(shared, 0) / (spans[:, 1] - spans[:, 0])
    fits = np.flatnonzero((overlaps > overlap) & (outer < outside))
    return fits if len(fits) else np.array([overlaps.argmax()])
