"""Detection of actions: segments of a video with their classes, from many candidates with the scores of all classes.

Shapes in this file:
    N videos, A candidates, K classes.
"""

import numpy as np

from common.inference.task import Task, check_threshold
from common.inference.tasks.feature_classification import synthetic_features
from common.vision.segments import suppress_overlapping, suppress_softly


class ActionDetection(Task):
    """The segments of each class after NMS, all classes together, the best first.

    The candidates of a class that overlap a better one by more than `overlap` are left out, then soft-NMS lowers the
    scores of what overlaps a better one. The times are in seconds where the duration of a video is known (`duration` in
    its file of features), otherwise shares of the video.

    Args:
        keep (int): segments of a video at most.
        candidates (float): candidates that score no more for a class are left out.
        overlap (float): of NMS.
        alpha (float): of soft-NMS, see :func:`common.vision.segments.suppress_softly`.
        least (float): segments that score less after soft-NMS are left out.
        threshold (float): segments that score less are not shown.
    """

    input = "features"
    columns = {"start": "start", "end": "end", "score": "score", "label": "label"}

    def __init__(self, keep=200, candidates=0.001, overlap=0.8, alpha=0.9, least=0.004, threshold=0.0):
        if keep < 1 or alpha <= 0 or not 0 < overlap <= 1:
            raise ValueError(
                f"keep is {keep}, alpha {alpha}, overlap {overlap}; allowed: 1 or more, above 0, above 0 to 1"
            )
        self.keep, self.candidates, self.overlap = keep, check_threshold(candidates), overlap
        self.alpha, self.least, self.threshold = alpha, check_threshold(least), check_threshold(threshold)

    def synthetic(self, inputs):
        """Features of some frames, for each input that is a stream."""
        return synthetic_features(inputs, frames=40)

    def records(self, outputs, samples, labels, threshold):
        """The segments of each video.

        Args:
            outputs (dict[str, ndarray]): `segments` [N, A, 2], shares of the video, and `scores` [N, A, K].
            samples (list[dict]): with `duration` in seconds, if it is known.
            labels (list[str] | None): class names; numbers when None.
            threshold (float): segments that score less are left out.

        Returns:
            list[list[dict]]: for each video `label`, `start`, `end`, `score`, the best first.
        """
        found = []
        for row, (segments, scores) in enumerate(zip(outputs["segments"], outputs["scores"], strict=True)):
            duration = float(samples[row].get("duration") or 1.0) if row < len(samples) else 1.0
            rows = self.select(np.asarray(segments, np.float64), np.asarray(scores, np.float64))
            found.append(
                [
                    {
                        "label": labels[number] if labels else str(number),
                        "start": float(start * duration),
                        "end": float(end * duration),
                        "score": float(score),
                    }
                    for number, (start, end), score in rows
                    if score >= threshold
                ]
            )
        return found

    def select(self, segments, scores):
        """The best segments of a video as tuples of class, segment and score; segments [A, 2], scores [A, K]."""
        rows = []
        for number in range(scores.shape[1]):
            chosen = np.flatnonzero(scores[:, number] > self.candidates)
            chosen = chosen[np.argsort(-scores[chosen, number], kind="stable")]
            chosen = chosen[suppress_overlapping(segments[chosen], self.overlap)][: self.keep]
            best, lowered = suppress_softly(
                segments[chosen], scores[chosen, number], self.keep, self.alpha, low=0.0, high=0.0
            )
            rows += [(number, segments[chosen[k]], score) for k, score in zip(best, lowered) if score >= self.least]
        return sorted(rows, key=lambda row: -row[2])[: self.keep]

    def line(self, sample, records):
        """The number of segments of a video, then a line for each."""
        lines = [f"{sample['name']}: {len(records)} found"]
        return "\n".join(
            lines + [f"  {r['start']:.2f} - {r['end']:.2f} {r['label']} {r['score']:.3f}" for r in records]
        )
