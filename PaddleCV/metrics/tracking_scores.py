"""Scores of trackers: OTB's success and precision, GOT-10k's average overlap, VOT's accuracy, robustness and EAO.

Shapes in this file:
    F frames of a sequence, boxes [F, 4] of x, y, width, height.
"""

import numpy as np
import paddle

from common.inference.tracks import follow_frames, start_track
from common.vision.tracking import TrackingCrops, read_frame

THRESHOLDS = np.arange(21) / 20  # of the overlap
NEAR, NEARER = 20.0, 8.0  # pixels between centers
SKIPPED, BURN_IN = 5, 10  # frames after a failure until the new start; frames after that without accuracy


class TrackingScores:
    """Runs a tracker over whole sequences from the first box: the one-pass evaluation of OTB, and that of GOT-10k.

    `success` is the mean over 21 thresholds of the share of frames that overlap by more, `precision` the share of
    frames whose center is at most 20 pixels from the right one, `precision_8` 8 pixels; each a mean over sequences,
    first frames included.  `ao` is the mean overlap, `sr_50` and `sr_75` the share of frames that overlap by more, of
    all frames but the first ones (https://arxiv.org/abs/1810.11981, section 3.4).  Frames in which the object is hidden
    do not count.  With `restarts` the supervised protocol of VOT too: `accuracy`, `failures` per sequence and `eao`.

    Args:
        dataset (object): of sequences.
        exemplar (int): side of the template in pixels.
        instance (int): side of the region in pixels.
        context (float): see :class:`common.vision.tracking.TrackingCrops`.
        restarts (bool): runs the protocol of VOT too, which takes as long again.
        lengths (list[int]): the shortest and the longest segment over which the expected overlap is averaged.
        crops (Transform | None): the crops of another kind of tracker, such as AreaCrops, instead of TrackingCrops.
    """

    needs, primary = "model", "success"

    def __init__(
        self, dataset, exemplar=127, instance=255, context=0.5, restarts=False, lengths=(100, 356), crops=None
    ):
        self.crops = crops or TrackingCrops(exemplar, instance, context)
        self.restarts, self.lengths = restarts, tuple(lengths)
        self.reset()

    def reset(self):
        """Forgets all sequences."""
        self.rows, self.frames, self.runs = [], np.zeros((0, 1)), []

    def update(self, model, batch):
        """Tracks the objects of a batch of sequences.

        Args:
            model (Tracker): in evaluation mode.
            batch (dict): `frames` (list of lists of paths or images), `boxes` [F, 4] and `present` [F] of each.
        """
        run = runner_of(model)
        for frames, boxes, present in zip(batch["frames"], batch["boxes"], batch["present"]):
            found, _ = follow_frames(run, self.crops, map(read_frame, frames), boxes[0])
            self.add(found, boxes, present)
            if self.restarts:
                self.runs.append(supervised(run, self.crops, frames, boxes, present))

    def add(self, found, boxes, present):
        """Adds the track of a sequence: boxes [F, 4] that were found, the right ones, and where these are (bool)."""
        overlaps, apart = track_overlaps(found, boxes)[present], center_distances(found, boxes)[present]
        success = (overlaps[:, None] > THRESHOLDS).mean()
        self.rows.append([success, (apart <= NEAR).mean(), (apart <= NEARER).mean()])
        self.frames = np.concatenate([self.frames, overlaps[1:, None]])

    def state(self):
        """The scores of the sequences of this process (dict of arrays)."""
        longest = max((len(run) for run in self.runs), default=0)
        padded = [np.pad(run, (0, longest - len(run)), constant_values=-2.0) for run in self.runs]
        return {
            "rows": np.array(self.rows).reshape(-1, 3),
            "frames": self.frames,
            "runs": np.array(padded).reshape(len(padded), longest),
        }

    def merge(self, states):
        """Takes the sequences of all processes."""
        self.rows = [row for state in states for row in state["rows"].tolist()]
        self.frames = np.concatenate([state["frames"] for state in states])
        self.runs = [row[row > -2.0] for state in states for row in state["runs"]]

    def compute(self):
        """The scores by name, see the class."""
        rows, overlaps = np.array(self.rows).reshape(-1, 3), self.frames[:, 0]
        names = ("success", "precision", "precision_8")
        found = {name: float(rows[:, place].mean()) if len(rows) else 0.0 for place, name in enumerate(names)}
        for name, values in (("ao", overlaps), ("sr_50", overlaps > 0.5), ("sr_75", overlaps > 0.75)):
            found[name] = float(values.mean()) if len(overlaps) else 0.0
        return found | (supervised_scores(self.runs, self.lengths) if self.restarts else {})


def runner_of(model):
    """The function that a track runs, of a model in memory: {input: array} to {output: array}."""

    def run(inputs):
        with paddle.no_grad():
            found = model(*(paddle.to_tensor(inputs[name]) for name in model.inputs))
        return {name: value.numpy() for name, value in zip(model.outputs, found, strict=True)}

    return run


def supervised(run, crops, frames, boxes, present):
    """The overlaps of a tracker that starts again some frames after each failure, float64 [F] (VOT's protocol).

    -1 is a frame with a failure, NaN a start or a frame that was passed over, where the object is hidden too.

    Args:
        run (Callable): see :class:`common.inference.tracks.Track`.
        crops (Transform): see there.
        frames (list): paths or images.
        boxes (ndarray): [F, 4].
        present (ndarray): bool [F].
    """
    overlaps, track, start = np.full(len(frames), np.nan), None, 0
    for number, frame in enumerate(frames):
        if number < start or (track is None and not present[number]):
            continue
        frame = read_frame(frame)
        if track is None:
            track = start_track(run, crops, frame, boxes[number])
            continue
        box, _ = track.follow(frame)
        if present[number]:
            overlap = float(track_overlaps(np.array([box]), boxes[number : number + 1])[0])
            overlaps[number] = overlap or -1.0
            if not overlap:
                track, start = None, number + SKIPPED
    return overlaps


def supervised_scores(runs, lengths):
    """`accuracy`, `failures` and `eao` of runs, each as :func:`supervised` gives it.

    The expected average overlap follows https://prints.vicos.si/publications/365, section 3: the mean overlap of the
    first n frames after a start, which is 0 after a failure, over all starts that last so long or failed, and the mean
    of that over n.
    """
    right, failures, segments = [], 0, []
    for run in runs:
        starts = starts_of(run)
        for start, end in zip(starts, [*starts[1:], len(run)]):
            part = run[start + 1 : end]
            failed = bool((part == -1).any())
            part = part[: np.flatnonzero(part == -1)[0]] if failed else part
            part = part[np.isfinite(part)]
            failures += failed
            right += part[BURN_IN if start else 0 :].tolist()
            segments.append((part, failed))
    shortest, longest = lengths
    curve = [value for n in range(shortest, longest + 1) if (value := expected_overlap(segments, n)) is not None]
    return {
        "accuracy": float(np.mean(right)) if right else 0.0,
        "failures": failures / max(1, len(runs)),
        "eao": float(np.mean(curve)) if curve else 0.0,
    }


def starts_of(run):
    """The frames at which a supervised run started (list[int])."""
    starts = [0]
    for number in np.flatnonzero(run == -1):
        after = np.flatnonzero(np.isfinite(run[number + 1 :]))
        if len(after):
            starts.append(int(number + 1 + after[0] - 1))
    return starts


def expected_overlap(segments, count):
    """The mean overlap of the first `count` frames of segments (float), or None where none is so long."""
    values = [part[:count].sum() / count for part, failed in segments if len(part) >= count or failed]
    return float(np.mean(values)) if values else None


def track_overlaps(found, boxes):
    """Intersection over union of boxes [F, 4] and [F, 4], pair by pair: float64 [F]; 0 for NaN."""
    low = np.maximum(found[:, :2], boxes[:, :2])
    high = np.minimum(found[:, :2] + found[:, 2:], boxes[:, :2] + boxes[:, 2:])
    inner = np.clip(high - low, 0, None).prod(1)
    union = found[:, 2:].prod(1) + boxes[:, 2:].prod(1) - inner
    return np.nan_to_num(inner / np.maximum(union, 1e-9))


def center_distances(found, boxes):
    """The distances of the centers of boxes [F, 4] and [F, 4] in pixels, float64 [F]."""
    apart = found[:, :2] + found[:, 2:] / 2 - boxes[:, :2] - boxes[:, 2:] / 2
    return np.hypot(apart[:, 0], apart[:, 1])
