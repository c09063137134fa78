"""The loop of a tracker: the box of one frame says where the next one is searched."""

import numpy as np

from common.errors import ConfigError, DataError, NotFinite
from common.vision.area_crops import AreaCrops
from common.vision.track_sources import EXAMPLE, sequence_frames
from common.vision.tracking import TrackingCrops, center_of

SMALLEST = 2.0  # pixels of a side of the box


class Track:
    """One object that is followed from frame to frame.

    The state is the template of the first frame and the box of the last one; the model is a function of these and the
    frame, so that an exported program needs nothing else.

    Args:
        run (Callable): {input name: array [1, ...]} to {output name: array [1, ...]}: `box`, the shift of the center
            and the new size in pixels of the region, and `score`.
        crops (Transform): makes `template`, `search` and `size`, see :class:`common.vision.tracking.TrackingCrops`.
        frame (ndarray): the first, RGB uint8 [H, W, 3].
        box (Sequence[float]): x, y, w, h in it.
        path (str): of the sequence, for messages.

    Raises:
        BadSample: the box lies outside of the frame.
    """

    def __init__(self, run, crops, frame, box, path="a sequence"):
        self.run, self.crops, self.path = run, crops, path
        self.first, self.box = [float(value) for value in box], [float(value) for value in box]
        self.outputs, self.start, self.scale = None, None, None  # of the last frame that was searched
        self.prepare(frame)

    def prepare(self, frame):
        """Takes from the first frame what the others are compared with."""
        self.template = self.sample(frame)["template"]

    def sample(self, frame, **known):
        """The prepared sample of a frame."""
        sample = {"path": self.path, "frames": [frame], "boxes": [self.first], "state": self.box, **known}
        return self.crops(sample, None)

    def inputs_of(self, frame):
        """The inputs of the model for a frame, {name: float32 [1, ...]}."""
        sample = self.sample(frame, template=self.template)
        return {name: np.asarray(sample[name], np.float32)[None] for name in ("template", "search", "size")}

    def learn(self, inputs, outputs):
        """Learns from a frame that was searched; nothing, where the model does not change."""

    def to_frame(self, points):
        """Points [P, 2], x and y from the center of the region of the last frame, in pixels of the frame."""
        return np.asarray(points) / self.scale + self.start

    def follow(self, frame):
        """The box x, y, w, h (list[float]) and the score (float) of the next frame, RGB uint8 [H, W, 3].

        Raises:
            NotFinite: the outputs of the model are NaN or infinite.
        """
        inputs = self.inputs_of(frame)
        outputs = self.run(inputs)
        across, down, width, height = (float(value) for value in outputs["box"][0])
        if not np.isfinite([across, down, width, height]).all():
            raise NotFinite(f"error[D153] {self.path}: the tracker gives a box that is NaN or infinite")
        scale = self.crops.scale_of(self.box)
        self.outputs, self.start, self.scale = outputs, center_of(self.box), scale
        limits = frame.shape[1], frame.shape[0]
        center = [
            min(max(start + side / 2 + shift / scale, 0.0), float(limit))
            for start, side, shift, limit in zip(self.box[:2], self.box[2:], (across, down), limits)
        ]
        size = [min(max(side / scale, SMALLEST), float(limit)) for side, limit in zip((width, height), limits)]
        self.box = [center[0] - size[0] / 2, center[1] - size[1] / 2, *size]
        self.learn(inputs, outputs)
        return self.box, float(outputs["score"].reshape(-1)[0])


def start_track(run, crops, frame, box, path="a sequence"):
    """The track of an object from its first frame on, of the kind that its crops are for; see :class:`Track`."""
    if isinstance(crops, AreaCrops):
        from common.inference.online_tracks import OnlineTrack

        return OnlineTrack(run, crops, frame, box, path)
    return Track(run, crops, frame, box, path)


def follow_frames(run, crops, frames, box, path="a sequence", seen=None):
    """The boxes [F, 4] and scores [F] of the frames of a sequence, the given box with a score of 1 first.

    Args:
        run (Callable): see :class:`Track`.
        crops (Transform): see :class:`Track`.
        frames (Iterable[ndarray]): RGB uint8 [H, W, 3].
        box (Sequence[float]): of the first frame.
        path (str): for messages.
        seen (Callable | None): is given the track after each frame.

    Raises:
        DataError: there are no frames.
    """
    track, boxes, scores = None, [], []
    for frame in frames:
        if track is None:
            track = start_track(run, crops, frame, box, path)
            found = track.box, 1.0
        else:
            found = track.follow(frame)
        boxes.append(list(found[0]))
        scores.append(found[1])
        if seen:
            seen(track)
    if track is None:
        raise DataError(f"error[D117] {path}: there are no frames")
    return np.array(boxes), np.array(scores)


def crops_of(transforms):
    """The transform that makes the crops of a tracker; raises DataError where it is missing.

    Args:
        transforms (list[Transform]): of a model.
    """
    found = next((transform for transform in transforms if isinstance(transform, (TrackingCrops, AreaCrops))), None)
    if found is None:
        raise DataError("the pre-processing of a tracker has TrackingCrops or AreaCrops; this one has not")
    return found


def predict_tracks(model, samples, threshold):
    """The tracks of sequences, see :func:`common.inference.run.predict_samples`.

    Args:
        model (Predictor | ModelInMemory): of a tracker.
        samples (list[dict]): see
            :func:`common.vision.track_sources.sequence_frames`, each with its first `box` (x, y, w, h).
        threshold (float | None): frames that score less are left out; None for the threshold of the task.

    Raises:
        ConfigError: a sample has no box.
    """
    crops, found, problems = crops_of(model.pipeline.transforms), [], []
    threshold = model.task.threshold if threshold is None else threshold
    for sample in samples:
        if "box" not in sample:
            raise ConfigError(f"this model tracks an object from where it is at first: {EXAMPLE}")
        try:
            frames, shapes = sequence_frames(sample, crops.max_pixels), []
            boxes, scores = follow_frames(
                *(model.run, crops, frames, sample["box"], sample["path"]),
                seen=lambda track, shapes=shapes: shapes.append(model.task.shape_of(track)),
            )
        except DataError as error:
            problems.append(error)
            continue
        outputs = {"boxes": boxes[None], "scores": scores[None], "shapes": [shapes]}
        found.append((sample, model.task.records(outputs, [sample], model.labels, threshold)[0]))
    return found, problems
