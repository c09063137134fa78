"""Scores of segmentation by hand, over batches and processes."""

import types

import numpy as np
import pytest

from PaddleCV.metrics.mean_iou import MeanIoU

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
