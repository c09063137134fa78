"""Tracking of one object: its box in each frame of a video, from its box in the first one."""

import numpy as np

from common.inference.synthetic import synthetic_image
from common.inference.task import Task, check_threshold

SHOWN = 5  # frames of a track in a line for people


class ObjectTracking(Task):
    """The box of an object in every frame, with the score of the tracker.

    A video, or a folder of frames, is a sample; `infer.py --box x,y,w,h` says where the object is in its first frame.

    Args:
        threshold (float): frames in which the object scores less are left out.
    """

    input = "video"
    sequential = True
    threshold_of = "score of a frame"
    columns = {"frame": "frame", "box": ("x1", "y1", "x2", "y2"), "score": "score"}

    def __init__(self, threshold=0.0):
        self.threshold = check_threshold(threshold)

    def synthetic(self, inputs):
        """Two frames of random blocks, the second moved by a few pixels."""
        image = synthetic_image()["image"][::2, ::2]
        frames = [np.ascontiguousarray(image), np.ascontiguousarray(np.roll(image, 5, 1))]
        return {"path": "synthetic", "frames": frames, "boxes": np.array([[120.0, 80.0, 60.0, 45.0]])}

    def shape_of(self, track):
        """More than the box of a frame, for `records`; nothing.

        Args:
            track (Track): see :class:`common.inference.tracks.Track`.
        """

    def records(self, outputs, samples, labels, threshold):
        """The records of tracks.

        Args:
            outputs (dict[str, ndarray]): `boxes` [N, F, 4] of x, y, width, height, and `scores` [N, F].
            samples (list[dict]): not used.
            labels (list[str] | None): not used.
            threshold (float): frames that score less are left out.

        Returns:
            list[list[dict]]: for each track `frame` (from 0), `box` (x1, y1, x2, y2 in pixels) and `score`.
        """
        return [
            [
                {"frame": number, "box": [round(v, 2) for v in (x, y, x + w, y + h)], "score": round(score, 4)}
                for number, ((x, y, w, h), score) in enumerate(zip(boxes.tolist(), scores.tolist()))
                if round(score, 4) >= threshold
            ]
            for boxes, scores in zip(outputs["boxes"], outputs["scores"])
        ]

    def draw(self, image, records):
        """A frame (RGB uint8 [H, W, 3]) with the boxes of records drawn on it."""
        import cv2

        drawn = np.ascontiguousarray(image).copy()
        for record in records:
            x1, y1, x2, y2 = (round(value) for value in record["box"])
            cv2.rectangle(drawn, (x1, y1), (x2, y2), (255, 0, 0), 2)
        return drawn

    def draw_at(self, frame, records, number):
        """A frame with its box; `number` is the frame's, from 0."""
        return self.draw(frame, [record for record in records if record["frame"] == number])

    def line(self, sample, records):
        """The number of frames in which the object was seen, then the box of some."""
        lines = [f"{sample['name']}: in {len(records)} frames"]
        step = max(1, len(records) // SHOWN)
        for record in records[::step]:
            box = ", ".join(f"{value:.1f}" for value in record["box"])
            lines.append(f"  frame {record['frame']} {record['score']:.3f} [{box}]")
        return "\n".join(lines)
