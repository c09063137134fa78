"""Localization of actions: the segments of a video in which something happens, from scores of boundaries and proposals.

Shapes in this file:
    N videos of T steps, D durations.
"""

import numpy as np

from common.inference.task import Task, check_threshold
from common.inference.tasks.feature_classification import synthetic_features
from common.vision.segments import suppress_softly

PEAK = 0.5  # share of the largest probability from which a step may be a boundary without being a peak


class ActionLocalization(Task):
    """The segments that begin and end at probable boundaries, after soft-NMS; the best first.

    The times are in seconds where the duration of a video is known (`duration` in its file of features), otherwise
    shares of the video.

    Args:
        keep (int): segments of a video at most.
        threshold (float): segments that score less are left out.
        alpha (float): of soft-NMS, see :func:`common.vision.segments.suppress_softly`.
        low (float): threshold of the overlap for short segments.
        high (float): threshold for those that cover the whole video.
    """

    input = "features"
    columns = {"start": "start", "end": "end", "score": "score", "label": "label"}

    def __init__(self, keep=100, threshold=0.0, alpha=0.4, low=0.5, high=0.9):
        if keep < 1 or alpha <= 0:
            raise ValueError(f"keep is {keep}, alpha {alpha}; allowed: 1 or more, and above 0")
        self.keep, self.alpha, self.low, self.high = keep, alpha, low, high
        self.threshold = check_threshold(threshold)

    def synthetic(self, inputs):
        """Features of some frames, for each input that is a stream."""
        return synthetic_features(inputs, frames=40)

    def records(self, outputs, samples, labels, threshold):
        """The segments of each video.

        Args:
            outputs (dict[str, ndarray]): `start` and `end` [N, T], `proposals` [N, D, T].
            samples (list[dict]): with `duration` in seconds, if it is known.
            labels (list[str] | None): not used; all segments are of the label `action`.
            threshold (float): segments that score less are left out.

        Returns:
            list[list[dict]]: for each video `label`, `start`, `end`, `score`, the best first.
        """
        found = []
        for row, (start, end, proposals) in enumerate(zip(*(outputs[name] for name in ("start", "end", "proposals")))):
            segments, scores = boundary_candidates(start, end, proposals)
            best, scores = suppress_softly(segments, scores, self.keep, self.alpha, self.low, self.high)
            duration = float(samples[row].get("duration") or 1.0) if row < len(samples) else 1.0
            found.append(
                [
                    {"label": "action", "start": float(a * duration), "end": float(b * duration), "score": float(score)}
                    for (a, b), score in zip(segments[best], scores)
                    if score >= threshold
                ]
            )
        return found

    def line(self, sample, records):
        """The number of segments of a video, then a line for each."""
        lines = [f"{sample['name']}: {len(records)} found"]
        return "\n".join(
            lines + [f"  {r['start']:.2f} - {r['end']:.2f} {r['label']} {r['score']:.3f}" for r in records]
        )


def boundary_candidates(start, end, proposals):
    """The proposals between probable boundaries, as shares of the video, and their scores.

    Args:
        start (ndarray): [T], probabilities.
        end (ndarray): [T].
        proposals (ndarray): [D, T], by duration and start.

    Returns:
        tuple[ndarray, ndarray]: float64 [A, 2] and [A]; the score is the product of the three.
    """
    durations, length = proposals.shape
    duration, first = np.meshgrid(np.arange(durations), np.arange(length), indexing="ij")
    last = np.minimum(first + duration, length - 1)
    chosen = (first + duration < length) & is_boundary(start)[first] & is_boundary(end)[last]
    first, last = first[chosen], last[chosen]
    scores = start[first].astype(np.float64) * end[last] * proposals[chosen]
    return np.stack([first, last + 1], 1) / length, scores


def is_boundary(probability):
    """True where a step [T] is a peak, or has more than half of the largest probability; the ends always are."""
    padded = np.pad(probability, 1, constant_values=-1.0)
    peak = (probability > padded[:-2]) & (probability > padded[2:])
    peak |= probability > PEAK * probability.max()
    peak[[0, -1]] = True
    return peak
