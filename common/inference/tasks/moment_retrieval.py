"""Retrieval of moments: the segments of a video that a sentence tells of, from windows with scores and offsets.

Shapes in this file:
    N videos of W windows (padded).
"""

import numpy as np

from common.data.transform import random_for
from common.inference.task import Task, check_threshold
from common.vision.segments import suppress_overlapping


class MomentRetrieval(Task):
    """The segments that fit the sentence best, after non-maximum suppression.

    The times are in seconds where the duration of a video is known (`duration` in its file of features), otherwise
    shares of the video.

    Args:
        keep (int): segments of a video at most.
        threshold (float): segments that score less are left out.
        overlap (float): intersection over union with a better segment from which one is left out.
    """

    input = "features"
    asks = "sentence"
    columns = {"start": "start", "end": "end", "score": "score", "label": "label"}

    def __init__(self, keep=5, threshold=0.0, overlap=0.45):
        if keep < 1 or not 0 < overlap <= 1:
            raise ValueError(f"keep is {keep}, overlap {overlap}; allowed: 1 or more, and above 0 to 1")
        self.keep, self.overlap = keep, overlap
        self.threshold = check_threshold(threshold)

    def synthetic(self, inputs):
        """Random features of 40 steps, a third of a clip each, and the vector of a sentence."""
        (_, _, clip), (_, size) = (shape for shape, _ in inputs.values())
        rng = random_for(0)
        arrays = {"features": rng.random((40, clip // 3), "float32"), "sentence_vector": rng.random(size, "float32")}
        return {"path": "synthetic"} | arrays

    def records(self, outputs, samples, labels, threshold):
        """The segments of each video.

        Args:
            outputs (dict[str, ndarray]): `scores` [N, W] and `offsets` [N, W, 2] in steps.
            samples (list[dict]): with `spans` [W, 2] and `length` in steps; `duration` in seconds, if it is known, and
                the `sentence`.
            labels (list[str] | None): not used; the label of a segment is its sentence.
            threshold (float): segments that score less are left out.

        Returns:
            list[list[dict]]: for each video `label`, `start`, `end`, `score`, the best first.
        """
        found = []
        for scores, offsets, sample in zip(outputs["scores"], outputs["offsets"], samples, strict=True):
            shares, scores = ranked_moments(scores, offsets, sample["spans"], int(sample["length"]))
            kept = suppress_overlapping(shares, self.overlap)[: self.keep]
            duration = float(sample.get("duration") or 1.0)
            label = str(sample.get("sentence", "moment"))
            found.append(
                [
                    {"label": label, "start": float(a * duration), "end": float(b * duration), "score": float(score)}
                    for (a, b), score in zip(shares[kept], scores[kept])
                    if score >= threshold
                ]
            )
        return found

    def line(self, sample, records):
        """The number of segments of a video, then a line for each."""
        lines = [f"{sample['name']}: {len(records)} found" + f" for '{sample['sentence']}'" * ("sentence" in sample)]
        return "\n".join(lines + [f"  {r['start']:.2f} - {r['end']:.2f} {r['score']:.3f}" for r in records])


def ranked_moments(scores, offsets, spans, length):
    """Segments as shares of a video of `length` steps, float64 [W, 2], and their scores, the best first.

    Args:
        scores (ndarray): [W or more], those behind the W-th are padding.
        offsets (ndarray): [W or more, 2], what is added to a window.
        spans (ndarray): [W, 2] in steps.
        length (int): steps of the video.
    """
    scores = scores[: len(spans)].astype(np.float64)
    segments = np.clip(spans + offsets[: len(spans)], 0, length)
    shorter = segments[:, 1] - segments[:, 0] < 1  # no moment: its window stands for it
    segments = np.where(shorter[:, None], spans, segments) / length
    order = np.argsort(-scores, kind="stable")
    return segments[order], scores[order]
