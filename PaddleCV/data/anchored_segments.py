"""Transforms of videos with segments: targets of anchors in time, moved segments, cropped videos.

Shapes in this file:
    F frames of I features, T steps, A anchors, B segments (start, end) as shares of the video.
"""

import numpy as np

from common.data.transform import Transform
from common.vision.segments import segment_overlaps

from ..models.localizers.time_anchors import anchor_targets, time_anchors

LEAST_BACKGROUND = 5  # frames without which segments stay in their places
OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
TRIES = 100


class AnchorTargets(Transform):
    """Sets `offsets` float32 [A, 2] and `classes` int64 [A] of the anchors; 0 is background.

    Args:
        length (int): T.
    """

    def __init__(self, length=512):
        self.anchors = time_anchors(length)

    def __call__(self, sample, rng):
        segments = np.asarray(sample["segments"], np.float64).reshape(-1, 2)
        labels = np.asarray(sample["segment_labels"], np.int64)
        sample["offsets"], sample["classes"] = anchor_targets(segments, labels, self.anchors)
        return sample


class MoveSegments(Transform):
    """Takes the segments out of a video and puts them, in a random order, to random places of what is left.

    Args:
        key (str): name of the features, [F, I].
    """

    augments = True

    def __init__(self, key="features"):
        self.key = key

    def __call__(self, sample, rng):
        features, segments = sample[self.key], sample["segments"]
        frames = np.clip(np.rint(segments * len(features)).astype(np.int64), 0, len(features))
        inside = np.zeros(len(features), bool)
        for start, end in frames:
            inside[start:end] = True
        rest = features[~inside]
        kept = np.flatnonzero(frames[:, 1] > frames[:, 0])
        if len(rest) < LEAST_BACKGROUND or not len(kept):
            return sample
        places = np.sort(rng.integers(0, len(rest) + 1, len(kept)))
        kept = rng.permutation(kept)
        parts, moved, done, at = [], [], 0, 0
        for number, place in zip(kept, places):
            start, end = frames[number]
            parts += [rest[done:place], features[start:end]]
            at += place - done
            moved.append([at, at + end - start])
            at, done = at + end - start, place
        sample[self.key] = np.concatenate([*parts, rest[done:]])
        sample["segments"] = np.array(moved, np.float64) / len(sample[self.key])
        sample["segment_labels"] = sample["segment_labels"][kept]
        return sample


class CropVideo(Transform):
    """Takes a part of a video, at random; segments whose center is in it stay, cut at its ends.

    Half of the wishes of SSD's crop: the part overlaps every segment by 0, 0.1, 0.3, 0.5, 0.7 or 0.9, at random, where
    such a part is found; otherwise the whole video stays.

    Args:
        smallest (float): share of the video that the part has at least.
        key (str): name of the features, [F, I].
    """

    augments = True

    def __init__(self, smallest=0.3, key="features"):
        if not 0 < smallest <= 1:
            raise ValueError(f"smallest is {smallest}; allowed: above 0, to 1")
        self.smallest, self.key = smallest, key

    def __call__(self, sample, rng):
        count, segments = len(sample[self.key]), sample["segments"]
        part = self.choose(count, segments, rng)
        if part is None or not len(segments):
            return sample
        first, size = part
        start, end = first / count, (first + size) / count
        center = segments.mean(1)
        stay = (center >= start) & (center <= end)
        if not stay.any():
            return sample
        sample[self.key] = sample[self.key][first : first + size]
        sample["segments"] = np.clip((segments[stay] - start) / (end - start), 0, 1)
        sample["segment_labels"] = sample["segment_labels"][stay]
        return sample

    def choose(self, count, segments, rng):
        """The first frame and the number of frames of the part, or None for the whole video."""
        wanted = int(rng.integers(0, len(OVERLAPS) + 1)) - 1
        if wanted < 0 or count < 2:
            return None
        for _ in range(TRIES):
            size = max(1, int(count * rng.uniform(self.smallest, 1)))
            first = int(rng.integers(0, count - size + 1))
            overlaps = segment_overlaps(segments, [[first / count, (first + size) / count]])
            if overlaps.min(initial=1) >= OVERLAPS[wanted]:
                return first, size
        return None
