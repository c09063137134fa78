"""C-TCN: the contract, anchors, targets, moved and cropped segments, selection and average precision by hand."""

import types

import numpy as np
import paddle
import pytest

from common.inference.tasks.action_detection import ActionDetection
from common.testing import check_model
from common.vision.segments import suppress_overlapping
from PaddleCV.data.anchored_segments import CropVideo, MoveSegments
from PaddleCV.metrics.segment_map import SegmentMAP, right_predictions
from PaddleCV.models.localizers.ctcn import CTCN
from PaddleCV.models.localizers.time_anchors import anchor_targets, as_segments, match_anchors, scales, time_anchors

NARROW = {"stem": 2, "blocks": [1, 1, 1, 1], "widths": [2, 2, 2, 2], "pyramid": 4, "hidden": [4, 4], "dropout": 0.0}


def small():
    paddle.seed(0)
    return CTCN(3, features=4, length=64, **NARROW)


def batch():
    features = np.random.default_rng(0).normal(size=(2, 64, 4)).astype("float32")
    given = [([[0.25, 0.75]], [2]), ([[0.0, 0.5], [0.5, 0.9]], [0, 1])]
    targets = [anchor_targets(np.array(s), np.array(c), time_anchors(64)) for s, c in given]
    offsets, classes = (np.stack(column) for column in zip(*targets))
    return {"features": features, "offsets": offsets, "classes": classes}


def test_ctcn_keeps_the_contract(tmp_path):
    check_model(small, batch(), tmp_path)


def test_anchors_of_a_scale_are_seven_sizes_at_each_place():
    anchors = time_anchors(512)
    assert len(anchors) == 7 * sum(scales(512)) == 1785
    np.testing.assert_allclose(anchors[:7, 0] * 512, 2)
    np.testing.assert_allclose(anchors[:7, 1] * 512, [4, 3.6, 4.4, 3.2, 4.8, 2.8, 5.2])
    np.testing.assert_allclose(anchors[-7:], np.c_[np.full(7, 0.5), [1, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65]])
    with pytest.raises(ValueError, match="length is 100; it is a power of two of 32 or more"):
        scales(100)


def test_decoding_undoes_the_targets_of_matched_anchors():
    model, segments = small(), np.array([[0.1, 0.35], [0.5, 0.95]])
    anchors = time_anchors(64)
    matches = match_anchors(anchors, segments)
    offsets, classes = anchor_targets(segments, np.array([2, 0]), anchors)
    assert set(classes[matches == 0]) == {3} and set(classes[matches == 1]) == {1} and set(classes[matches < 0]) == {0}
    decoded = model.decode(paddle.to_tensor(offsets[None]))[0].numpy()
    np.testing.assert_allclose(decoded[matches >= 0], segments[matches[matches >= 0]], atol=1e-6)
    assert (match_anchors(anchors, np.zeros((0, 2))) == -1).all()


def test_a_segment_that_no_anchor_overlaps_by_half_gets_its_best_one():
    anchors = time_anchors(64)
    matches = match_anchors(anchors, np.array([[0.5, 0.505]]))
    assert (matches == 0).sum() == 1
    start, end = as_segments(anchors[matches == 0])[0]
    assert start <= 0.5 and end >= 0.505


def test_moved_and_cropped_segments_hold_the_same_frames():
    features = np.zeros((40, 1), np.float32)
    features[5:15], features[20:28] = 1, 2
    given = {"segments": np.array([[5, 15], [20, 28]]) / 40, "segment_labels": np.array([0, 1])}
    orders = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        moved = MoveSegments()({"features": features} | given, rng)
        orders.add(tuple(moved["segment_labels"]))
        assert sorted(moved["features"].ravel()) == sorted(features.ravel())
        cropped = CropVideo()(dict(moved), rng)
        for sample in (moved, cropped):
            for (start, end), label in zip(sample["segments"], sample["segment_labels"]):
                first, last = np.rint([start * len(sample["features"]), end * len(sample["features"])]).astype(int)
                assert (sample["features"][first:last] == label + 1).all() and last > first
    assert orders == {(0, 1), (1, 0)}


def test_candidates_of_a_class_are_suppressed_and_classes_are_not():
    segments = np.array([[0.0, 0.5], [0.01, 0.5], [0.15, 0.5], [0.6, 0.9]])
    assert suppress_overlapping(segments, 0.8).tolist() == [0, 2, 3]  # overlaps of 0.98 and 0.7 with the first
    scores = np.array([[0.9, 0.0], [0.8, 0.7], [0.0, 0.0], [0.0, 0.3]])
    (found,) = ActionDetection().records(
        {"segments": segments[None], "scores": scores[None]}, [{"duration": 10}], None, 0.0
    )
    assert [(one["label"], one["start"], one["end"]) for one in found] == [
        ("0", 0, 5),
        ("1", pytest.approx(0.1), 5),
        ("1", 6, 9),
    ]
    with pytest.raises(ValueError, match=r"overlap 1\.5; allowed"):
        ActionDetection(overlap=1.5)


def test_average_precision_takes_each_segment_once():
    truth = np.array([[0.0, 0.4], [0.5, 1.0]])
    predictions = np.array([[0.0, 0.4], [0.0, 0.38], [0.5, 0.9]])
    right = right_predictions(predictions, truth)
    assert right[:, 0].tolist() == [True, False, True]  # the second finds the first segment again
    assert right[2].sum() == 7  # overlap 0.8
    # at 0.5: precision 1 at recall 1/2, 2/3 at 1
    assert SegmentMAP.areas(right, 2)[0] == pytest.approx((1 + 2 / 3) / 2)


def test_the_metric_of_perfect_predictions_is_one_and_merges():
    metric = SegmentMAP(types.SimpleNamespace(labels=["a", "b"]), ActionDetection())
    segments = np.array([[[0.0, 0.4], [0.5, 1.0]]])
    scores = np.array([[[0.9, 0.0], [0.0, 0.8]]])
    given = {"segments": [segments[0]], "segment_labels": [np.array([0, 1])]}
    metric.update({"segments": segments, "scores": scores}, given)
    found = metric.compute()
    assert found["map"] == found["map50"] == found["ar_5"] == 1.0
    wrong = {"segments": [segments[0]], "segment_labels": [np.array([1, 0])]}
    metric.update({"segments": segments, "scores": scores}, wrong)
    before = metric.compute()
    # of each class two predictions of equal score, one right, and two segments
    assert before["map50"] == pytest.approx(0.5)
    empty = SegmentMAP(types.SimpleNamespace(labels=["a", "b"]), ActionDetection())
    metric.merge([empty.state(), metric.state()])
    assert metric.compute() == before and metric.counts.tolist() == [2, 2]
