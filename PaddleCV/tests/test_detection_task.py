"""From the outputs of a detector to records and drawings."""

import json

import numpy as np
import pytest

from common.inference.drawing import color_of
from common.inference.tasks.detection import Detection

TASK = Detection()
LABELS = ["cat", "狗🙂"]
OUTPUTS = {
    "boxes": np.array(
        [
            [1, 0.4, 10, 20, 30, 40],
            [0, 0.91234567, 1.005, 2, 50.5, 60.126],
            [0, 0.2, 1, 2, 5, 6],
            [1, 0.7, 0, 0, 9, 9],
            [-1, 0.0, 0, 0, 0, 0],
            [0, np.nan, 1, 1, 2, 2],
            [7, 0.5, 1, 1, 2, 2],
        ],
        np.float32,
    ),
    "num_boxes": np.array([3, 0, 4], np.int32),
}


def test_records_are_cut_by_image_and_score_and_sorted():
    first, second, third = TASK.records(OUTPUTS, [], LABELS, 0.3)
    assert [(item["label"], item["category_id"], item["score"]) for item in first] == [
        ("cat", 0, 0.9123),
        ("狗🙂", 1, 0.4),
    ]
    assert first[0]["box"] == pytest.approx([1.0, 2, 50.5, 60.13], abs=0.011)
    assert second == []
    assert [item["label"] for item in third] == ["狗🙂", "7"]
    json.dumps([first, second, third])


@pytest.mark.parametrize("empty", [np.zeros((0, 6)), np.zeros((0,)), np.zeros((1, 1))])
def test_no_boxes_give_empty_records(empty):
    assert TASK.records({"boxes": empty, "num_boxes": np.array([0, 0])}, [], LABELS, 0.5) == [[], []]


@pytest.mark.parametrize("shape", [(30, 40), (480, 640), (2000, 300)])
def test_drawing_leaves_the_image_as_it_was_and_marks_a_copy(shape):
    image = np.full((*shape, 3), 200, np.uint8)
    found = TASK.records(OUTPUTS, [], LABELS, 0.3)[0]
    drawn = TASK.draw(image, found)
    assert (image == 200).all() and drawn.shape == image.shape and drawn.dtype == np.uint8
    assert (drawn != 200).any()
    assert (TASK.draw(image, []) == 200).all()


def test_boxes_beyond_the_image_are_drawn_as_far_as_they_go():
    image = np.zeros((50, 60, 3), np.uint8)
    item = {"label": "a long name that is wider than the image", "category_id": 3, "score": 1.0}
    assert TASK.draw(image, [{**item, "box": [-1e9, -20, 1e9, 500]}]).any()
    assert TASK.draw(image, [{**item, "box": [100, 100, 200, 200]}]).shape == image.shape


def test_names_in_any_script_are_written_differently():
    image = np.zeros((100, 300, 3), np.uint8)
    item = {"category_id": 1, "score": 0.5, "box": [5, 50, 290, 90]}
    drawings = [TASK.draw(image, [{**item, "label": label}]) for label in ("猫", "狗", "é", "e")]
    assert all((a != b).any() for k, a in enumerate(drawings) for b in drawings[:k])


def test_the_colors_of_eighty_classes_differ():
    assert len({color_of(number) for number in range(80)}) == 80
