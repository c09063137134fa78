"""Scores of segmentation by hand, over batches and processes."""

import types

import numpy as np
import pytest

from PaddleCV.metrics.mean_iou import MeanIoU
from PaddleCV.metrics.worst_masks import draw_sample, paint

LABELS = ["a", "b", "never"]
TRUTH = np.array([[[0, 0, 1, 1], [255, 0, 1, 1]]])
FOUND = np.array([[[0, 1, 1, 1], [2, 0, 1, 0]]])


def metric():
    return MeanIoU(types.SimpleNamespace(labels=LABELS))


def test_scores_by_hand():
    scores = metric()
    scores.update({"label_map": FOUND}, {"mask": TRUTH})
    assert scores.confusion().tolist() == [[2, 1, 0], [1, 3, 0], [0, 0, 0]]
    table = scores.per_class()
    assert table["a"] == {"pixels": 3, "IoU": 2 / 4, "dice": 4 / 6, "accuracy": pytest.approx(2 / 3)}
    assert table["never"] == {"pixels": 0, "IoU": -1.0, "dice": -1.0, "accuracy": -1.0}
    chance = (3 * 3 + 4 * 4) / 49
    assert scores.compute() == {
        "mIoU": pytest.approx((2 / 4 + 3 / 5) / 2),
        "accuracy": pytest.approx(5 / 7),
        "mean_accuracy": pytest.approx((2 / 3 + 3 / 4) / 2),
        "mean_dice": pytest.approx((4 / 6 + 6 / 8) / 2),
        "kappa": pytest.approx((5 / 7 - chance) / (1 - chance)),
    }
    assert set(metric().compute().values()) == {0.0}


def test_processes_are_merged():
    one, other, both = metric(), metric(), metric()
    one.update({"label_map": FOUND}, {"mask": TRUTH})
    other.update({"label_map": TRUTH % 255}, {"mask": TRUTH})
    for found in (FOUND, TRUTH % 255):
        both.update({"label_map": found}, {"mask": TRUTH})
    one.merge([one.state(), other.state()])
    assert one.compute() == both.compute()


def test_label_maps_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="shape"):
        metric().update({"label_map": FOUND[:, :1]}, {"mask": TRUTH})
    with pytest.raises(ValueError, match="a label map has the class id 8"):
        metric().update({"label_map": FOUND + 7 * (TRUTH == 0)}, {"mask": TRUTH})


def test_the_worst_samples_are_kept_with_their_scores_and_images():
    scores = metric()
    scores.worst_masks.count = 2
    truth = np.zeros((4, 6, 8), np.uint8)
    truth[:, 3:], truth[:, 0, 0] = 1, 255
    found = truth % 255
    found[1, :, 4:], found[3, :3] = 0, 2  # half of each class, and one class altogether
    batch = {"mask": truth, "image": np.zeros((4, 3, 6, 8), np.float32), "path": list("abcd")}
    scores.update({"label_map": found}, batch)
    worst, other = scores.worst()
    assert (worst["name"], other["name"]) == ("d", "b")
    assert worst["score"] == pytest.approx(1 / 3)  # 0 of class a, 1 of b, 0 of the third class
    assert other["score"] == pytest.approx((23 / 35 + 12 / 24) / 2)
    assert worst["drawing"].dtype == np.uint8 and worst["drawing"].shape[1] == 4 * 320
    assert not (worst["drawing"] == other["drawing"]).all()
    assert metric().worst() == []


def test_a_drawing_has_the_colors_of_the_classes_and_marks_wrong_pixels():
    image, truth = np.full((2, 2, 3), 100, np.uint8), np.array([[0, 1], [255, 1]], np.uint8)
    found = np.array([[0, 0], [0, 1]], np.uint8)
    whole = draw_sample(0.5, "x", image, truth, found, ["a", "b"])
    middle = whole[22:-22].reshape(2, 160, 8, 160, 3)[:, 80, :, 80]  # one pixel of each cell
    assert middle[0, :2].tolist() == [[100] * 3] * 2
    assert (middle[:, 2:4] == paint(image, truth)).all() and (middle[:, 4:6] == paint(image, found)).all()
    assert middle[:, 6:].tolist() == [[[50] * 3, [255, 0, 0]], [[50] * 3, [50] * 3]]
    assert paint(image, truth)[1, 0].tolist() == [45] * 3  # ignored: dark
