"""From the outputs of a classifier to records and drawings."""

import json

import numpy as np
import pytest

from common.errors import ConfigError
from common.inference.tasks.image_classification import ImageClassification
from common.inference.tasks.text_classification import TextClassification

TASK = ImageClassification()
LABELS = [f"class {i}" for i in range(6)] + ["猫"]


def test_records_are_the_five_best_classes_by_score():
    scores = np.array([[0.05, 0.1, 0.12345678, 0.1, 0.03, 0.02, 0.5, 0.07]], np.float32)
    (found,) = TASK.records({"scores": scores}, [], LABELS, 0.0)
    assert [item["category_id"] for item in found] == [6, 2, 1, 3, 7]
    assert found[0] == {"label": "猫", "category_id": 6, "score": 0.5} and found[1]["score"] == 0.1235
    assert found[4]["label"] == "7"  # of a class beyond the labels
    json.dumps(found)


def test_n_best_is_how_many_classes_are_predicted_at_most():
    (found,) = ImageClassification(n_best=2).records({"scores": np.array([[0.2, 0.5, 0.3]])}, [], LABELS, 0.0)
    assert [item["category_id"] for item in found] == [1, 2]
    for wrong in ({"n_best": 0}, {"threshold": 1.5}):
        with pytest.raises(ValueError, match="allowed"):
            ImageClassification(**wrong)


def test_of_two_classes_the_second_is_the_answer_from_the_decision_on():
    scores = {"scores": np.array([[0.6, 0.4], [0.75, 0.25], [0.7, 0.3]])}
    for task in (ImageClassification(decision=0.29), TextClassification(decision=0.29)):
        found = task.records(scores, [], ["cat", "dog"], 0.5)
        assert [[item["label"] for item in records] for records in found] == [["dog", "cat"], ["cat"], ["dog", "cat"]]
        with pytest.raises(ConfigError, match="decision is for two classes; this model has 3"):
            task.records({"scores": np.ones((1, 3))}, [], LABELS, 0.0)
    with pytest.raises(ValueError, match="allowed: 0 to 1, or null"):
        TextClassification(decision=2)


def test_a_threshold_leaves_out_and_a_score_that_is_not_finite_is_left_out():
    scores = np.array([[0.6, 0.4, 0.5], [np.nan, 0.7, np.inf]], np.float32)
    first, second = TASK.records({"scores": scores}, [], LABELS, 0.5)
    assert [item["category_id"] for item in first] == [0, 2] and [item["category_id"] for item in second] == [1]


def test_names_are_drawn_on_a_copy_and_small_images_enlarged():
    image = np.full((20, 28, 3), 128, np.uint8)
    (found,) = TASK.records({"scores": np.eye(7)[:1]}, [], LABELS, 0.0)
    drawn = TASK.draw(image, found)
    assert drawn.shape == (160, 224, 3) and (drawn != 128).any() and (image == 128).all()
    assert TASK.draw(np.zeros((300, 400, 3), np.uint8), []).shape == (300, 400, 3)
