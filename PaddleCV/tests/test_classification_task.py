"""From the exported answer of a classifier to records and pictures."""

import json

import numpy as np

from common.inference.tasks.classification import draw, records

LABELS = [f"class {i}" for i in range(6)] + ["猫"]


def test_records_are_the_five_best_classes_by_score():
    scores = np.array([[0.05, 0.1, 0.12345678, 0.1, 0.03, 0.02, 0.5, 0.07]], np.float32)
    (found,) = records({"scores": scores}, LABELS)
    assert [item["category_id"] for item in found] == [6, 2, 1, 3, 7]
    assert found[0] == {"label": "猫", "category_id": 6, "score": 0.5} and found[1]["score"] == 0.1235
    assert found[4]["label"] == "7"  # of a class beyond the labels
    json.dumps(found)


def test_a_threshold_leaves_out_and_what_is_no_number_is_no_answer():
    scores = np.array([[0.6, 0.4, 0.5], [np.nan, 0.7, np.inf]], np.float32)
    first, second = records({"scores": scores}, LABELS, 0.5)
    assert [item["category_id"] for item in first] == [0, 2] and [item["category_id"] for item in second] == [1]


def test_names_are_drawn_on_a_copy_and_small_pictures_enlarged():
    image = np.full((20, 28, 3), 128, np.uint8)
    (found,) = records({"scores": np.eye(7)[:1]}, LABELS)
    drawn = draw(image, found)
    assert drawn.shape == (160, 224, 3) and (drawn != 128).any() and (image == 128).all()
    assert draw(np.zeros((300, 400, 3), np.uint8), []).shape == (300, 400, 3)
