"""Records and drawings of keypoints, and the people of an image that is predicted box by box."""

import types

import numpy as np
import pytest

from common.data.pipeline import Pipeline
from common.inference.drawing import color_of
from common.inference.run import predict_samples
from common.inference.tasks.keypoint_detection import KeypointDetection
from common.vision.decode import Decode
from common.vision.person_crop import PersonCrop

POINTS = np.array([[[10, 20, 0.9], [30, 20.126, 0.5], [50, 50, 0.1]]])
SKELETON = [["nose", "hip"], ["hip", "knee"]]


def records_of(threshold=0.0, **keys):
    sample = {"crop": np.array([0, 1, 60, 61], "f4"), "box_score": 0.5}
    (found,) = KeypointDetection(**keys).records({"keypoints": POINTS}, [sample], ["nose", "hip"], threshold)
    return found


def test_a_person_has_named_keypoints_and_the_mean_score_of_the_sure_ones_times_that_of_the_box():
    (person,) = records_of(skeleton=SKELETON)
    assert (person["label"], person["category_id"], person["score"]) == ("person", 0, 0.35)
    assert person["box"] == [0, 1, 60, 61]
    assert person["keypoints"][1] == {"name": "hip", "x": 30, "y": 20.13, "score": 0.5}
    assert [point["name"] for point in person["keypoints"]] == ["nose", "hip", "2"]
    assert records_of(0.4) == [] and records_of(point_threshold=1.0)[0]["score"] == 0


def test_sure_keypoints_are_drawn_and_joined():
    image = np.zeros((80, 100, 3), np.uint8)
    drawn = KeypointDetection(skeleton=SKELETON).draw(image, records_of())
    assert not image.any() and drawn.shape == image.shape
    for x, y in ((10, 20), (30, 20), (20, 20)):  # two joints, and the middle of the line between them
        assert np.abs(drawn[y, x] - np.array(color_of(0))).max() < 30
    assert not drawn[45:].any()  # the third is not sure
    with pytest.raises(ValueError, match="pairs"):
        KeypointDetection(skeleton=[["nose"]])


def test_an_image_is_predicted_box_by_box_and_has_the_people_of_all_of_them():
    shapes = []

    def run(inputs):
        """Finds the one keypoint of each crop in its middle."""
        shapes.append(inputs["image"].shape)
        crop = inputs["crop"]
        middle = (crop[:, :2] + crop[:, 2:]) / 2
        return {"keypoints": np.concatenate([middle, np.ones((len(crop), 1))], 1)[:, None]}

    inputs = {"image": ([None, 24, 16, 3], "uint8"), "crop": ([None, 4], "float32")}
    pipeline = Pipeline([Decode(), PersonCrop([24, 16])])
    model = types.SimpleNamespace(pipeline=pipeline, task=KeypointDetection(), labels=["nose"], inputs=inputs, run=run)
    model.decode = lambda sample: pipeline.transforms[0](dict(sample), None)
    image = np.zeros((90, 120, 3), np.uint8)
    boxes = [{"box": [10.0, 10.0, 30.0, 40.0], "score": 0.5}, {"box": [50.0, 20.0, 70.0, 50.0]}] * 9
    samples = [{"path": "x", "image": image} | more for more in ({}, {"found": boxes}, {"found": []})]
    found, problems = predict_samples(model, samples, None)
    whole, many, none = (records for _, records in found)
    assert problems == [] and len(whole) == 1 and len(many) == 18 and none == []
    assert [(p["keypoints"][0]["x"], p["score"]) for p in many[:2]] == [(20.5, 0.5), (60.5, 1.0)]  # whole pixels
    assert whole[0]["keypoints"][0]["x"] == 60 and [shape[0] for shape in shapes] == [16, 3]
