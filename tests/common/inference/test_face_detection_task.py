"""From the outputs of a detector of faces with landmarks to records and drawings."""

import numpy as np

from common.inference.tasks.face_detection import FaceDetection

OUTPUTS = {
    "boxes": np.array([[0, 0.6, 2, 1, 6, 4], [0, 0.3, 0, 0, 1, 1], [0, 0.9, 0, 0, 3, 3]], np.float32),
    "num_boxes": np.array([3], np.int32),
    "landmarks": np.array([[[1, 2], [3, 4]], [[0, 0], [0, 0]], [[5, 6], [7, 8.129]]], np.float32),
}


def test_each_record_has_the_landmarks_of_its_row():
    task = FaceDetection(landmarks=["nose"])
    ((first, second),) = task.records(OUTPUTS, [], ["face"], 0.5)
    assert first["keypoints"] == [
        {"name": "nose", "x": 5.0, "y": 6.0, "score": 0.9},
        {"name": "1", "x": 7.0, "y": 8.13, "score": 0.9},
    ]
    assert [point["x"] for point in second["keypoints"]] == [1, 3]


def test_landmarks_are_drawn():
    task = FaceDetection()
    (records,) = task.records(OUTPUTS, [], ["face"], 0.5)
    black = np.zeros([40, 40, 3], np.uint8)
    records[0]["keypoints"][0] |= {"x": 30.0, "y": 35.0}  # away from the boxes
    assert task.draw(black, records[:1])[35, 30].any() and not black.any()
