"""Scores of trackers by hand: success, precision, average overlap, and the protocol of VOT."""

import numpy as np
import pytest

from common.inference.tracks import Track
from common.vision.tracking import TrackingCrops
from PaddleCV.metrics.tracking_scores import (
    TrackingScores,
    expected_overlap,
    supervised,
    supervised_scores,
    track_overlaps,
)

FRAME = np.zeros((60, 80, 3), np.uint8)


def test_scores_of_a_track():
    boxes = np.array([[10.0, 10, 10, 10]] * 4)
    found = boxes + np.array([[0, 0, 0, 0], [5, 0, 0, 0], [0, 0, 0, 0], [30, 0, 0, 0]])
    np.testing.assert_allclose(track_overlaps(found, boxes), [1, 1 / 3, 1, 0])
    metric = TrackingScores(None)
    metric.add(found, boxes, np.array([True, True, False, True]))
    scores = metric.compute()
    # of 3 frames: overlaps 1 (above 20 of 21 thresholds), 1/3 (7: 0 to 0.30), 0
    assert scores["success"] == pytest.approx((20 + 7) / 21 / 3)
    assert scores["precision"] == pytest.approx(2 / 3) and scores["precision_8"] == pytest.approx(2 / 3)
    assert scores["ao"] == pytest.approx((1 / 3) / 2) and scores["sr_50"] == 0
    again = TrackingScores(None)
    again.merge([metric.state(), TrackingScores(None).state()])
    assert again.compute() == scores


def test_a_tracker_starts_again_five_frames_after_a_failure():
    boxes = np.array([[10.0, 10, 10, 10]] * 30)

    def run(inputs):
        run.calls += 1
        shift = 1000.0 if run.calls == 4 else 0.0
        return {"box": np.array([[shift, 0, *inputs["size"][0]]]), "score": np.ones(1)}

    run.calls = 0
    overlaps = supervised(run, TrackingCrops(20, 40), [FRAME] * 30, boxes, np.ones(30, bool))
    assert np.isnan(overlaps[0]) and overlaps[4] == -1 and overlaps[1:4] == pytest.approx([1, 1, 1])
    assert np.isnan(overlaps[5:10]).all() and overlaps[10:] == pytest.approx(np.ones(20))
    scores = supervised_scores([overlaps], (5, 5))
    assert scores["failures"] == 1 and scores["accuracy"] == pytest.approx(1)
    assert scores["eao"] == pytest.approx((3 / 5 + 1) / 2)  # one segment fails after three frames


def test_the_expected_overlap_counts_segments_that_last_or_fail():
    segments = [(np.array([1.0, 0.5]), True), (np.array([0.5]), False), (np.ones(4), False)]
    assert expected_overlap(segments, 4) == pytest.approx((1.5 / 4 + 1) / 2)
    assert expected_overlap(segments[1:2], 2) is None


def test_a_track_moves_by_the_shift_in_pixels_of_the_frame_and_stays_inside():
    def run(inputs):
        return {"box": np.array([[8.0, -4.0, 20.0, 10.0]]), "score": np.array([0.5])}

    track = Track(run, TrackingCrops(20, 40), FRAME, [10, 20, 10, 10])  # 20 pixels show a square of 20
    box, score = track.follow(FRAME)
    assert box == pytest.approx([15 + 8 - 10, 25 - 4 - 5, 20, 10]) and score == 0.5
    for _ in range(30):
        box, _ = track.follow(FRAME)
    assert box[0] + box[2] / 2 == 80 and box[1] + box[3] / 2 == 0  # its center never leaves the frame
