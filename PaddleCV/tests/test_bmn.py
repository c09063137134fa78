"""The boundary-matching network: published size, the contract, its sampling, targets, loss and proposals by hand."""

import json

import numpy as np
import paddle
import pytest

from common.errors import DataError
from common.inference.tasks.action_localization import ActionLocalization, boundary_candidates, is_boundary
from common.testing import check_model
from common.vision.segments import boundary_targets, rescale_steps, segment_overlaps, suppress_softly
from PaddleCV.data.activity_net import ActivityNet
from PaddleCV.metrics.average_recall import AverageRecall
from PaddleCV.models.localizers.bmn import BMN
from PaddleCV.models.localizers.boundary_matching import sampling_weights
from PaddleCV.models.losses.bmn_loss import BMNLoss, balanced_entropy
from PaddleCV.tools.make_segments import made_videos, make_segments, runs


def small():
    paddle.seed(0)
    return BMN(BMNLoss(), features=4, length=8, durations=6, samples=4, hidden=(8, 8, 4), groups=2)


def batch():
    features = np.random.default_rng(0).normal(size=(2, 8, 4)).astype("float32")
    targets = [boundary_targets(np.array(s), 8, 6) for s in ([[0.25, 0.75]], [[0.0, 0.5], [0.5, 0.9]])]
    return {"features": features} | {key: np.stack([one[key] for one in targets]) for key in targets[0]}


def test_bmn_keeps_the_contract(tmp_path):
    check_model(small, batch(), tmp_path)


def test_samples_of_a_proposal_lie_evenly_in_it_and_half_its_length_around():
    weights = sampling_weights(8, 6, samples=2, points=2, margin=0.5)
    assert weights.shape == (8, 2, 6, 8)
    # steps 2 to 3, widened by 1: points at 1, 2, 3, 4; each sample is the mean of two
    np.testing.assert_allclose(weights[:, :, 1, 2].T, [[0, 0.5, 0.5, 0, 0, 0, 0, 0], [0, 0, 0, 0.5, 0.5, 0, 0, 0]])
    # step 0 alone, widened by 0.5: points at -1/2, -1/6, 1/6, 1/2; the first two count as step 0
    np.testing.assert_allclose(weights[:, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0], atol=1e-6)
    # steps 0 to 3, widened by 2: points at -2, outside, and at 1/3
    np.testing.assert_allclose(weights[:, 0, 3, 0], [1 / 3, 1 / 6, 0, 0, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(
        weights[:, 1, 0, 0], [(5 / 6 + 1 / 2) / 2, (1 / 6 + 1 / 2) / 2, 0, 0, 0, 0, 0, 0], atol=1e-6
    )
    assert not weights[:, :, 1, 7].any()  # ends after the video


def test_targets_of_a_segment():
    found = boundary_targets(np.array([[0.25, 0.75]]), 8, 6)
    # step 1/8, windows of it about each step's start; the boundary reaches 1.5 steps: 0.0625 to 0.4375
    assert found["start"].tolist() == [0, 1, 1, 1, 0, 0, 0, 0] and found["end"].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert found["action"].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert found["overlaps"][3, 2] == 1.0 and found["overlaps"][3, 4] == pytest.approx(1 / 3)  # 2 of 6 steps
    assert found["overlaps"][5, 3] == 0  # ends after the video
    assert not boundary_targets(np.zeros((0, 2)), 8, 6)["overlaps"].any()


def test_the_loss_weighs_positives_and_negatives_alike_and_bears_none():
    scores = paddle.to_tensor([0.5, 0.5, 0.5, 0.5])
    mask = paddle.ones([4])
    # 1 of 4 is positive: ratio 4, weights 2 and 2/3; both sides sum to 2 log 2, over 4 entries
    found = balanced_entropy(scores, paddle.to_tensor([True, False, False, False]), mask)
    assert found.item() == pytest.approx(4 * np.log(2) / 4, rel=1e-4)
    assert np.isfinite(balanced_entropy(scores, paddle.zeros([4], "bool"), mask).item())
    assert np.isfinite(balanced_entropy(scores, paddle.ones([4], "bool"), mask).item())


def test_boundaries_are_peaks_and_all_that_are_more_than_half_of_the_largest():
    assert is_boundary(np.array([0.1, 0.2, 0.1, 1.0, 0.6, 0.3])).tolist() == [True, True, False, True, True, True]
    start, end = np.array([1.0, 0.1, 0.2, 0.1]), np.array([0.1, 0.2, 0.1, 0.8])
    proposals = np.full((3, 4), 0.5)
    segments, scores = boundary_candidates(start, end, proposals)
    # starts 0, 2, 3 and ends 0, 1, 3, of at most 3 steps
    assert segments.tolist() == [[0, 0.25], [0.75, 1.0], [0, 0.5], [0.5, 1.0]]
    np.testing.assert_allclose(scores, [0.5 * 0.1, 0.5 * 0.1 * 0.8, 0.5 * 0.2, 0.5 * 0.2 * 0.8])


def test_soft_nms_lowers_what_overlaps_a_better_one():
    segments = np.array([[0.0, 0.5], [0.0, 0.4], [0.6, 0.9]])
    best, scores = suppress_softly(segments, np.array([0.9, 0.8, 0.5]), 3)
    # overlap 0.8 is above 0.5 + 0.4 * 0.5
    assert best.tolist() == [0, 2, 1] and scores[2] == pytest.approx(0.8 * np.exp(-(0.8**2) / 0.4))
    assert suppress_softly(segments, np.array([0.9, 0.8, 0.5]), 1)[0].tolist() == [0]
    assert suppress_softly(np.zeros((0, 2)), np.zeros(0), 5)[0].tolist() == []


def test_overlaps_and_rescaling():
    found = segment_overlaps([[0, 2], [5, 5]], [[1, 3], [0, 2]])
    np.testing.assert_allclose(found, [[1 / 3, 1], [0, 0]])
    np.testing.assert_allclose(rescale_steps(np.arange(8.0)[:, None], 4)[:, 0], [0.5, 2.5, 4.5, 6.5])
    np.testing.assert_allclose(rescale_steps(np.arange(2.0)[:, None], 4)[:, 0], [0, 0.25, 0.75, 1])


def test_average_recall_counts_segments_found_by_the_first_proposals():
    metric = AverageRecall(None, ActionLocalization(), most=2)
    metric.add(np.array([[0.0, 0.4], [0.5, 1.0]]), np.array([[0.5, 1.0], [0.0, 0.5]]))
    # the first proposal overlaps the second segment by 0.8: right at 7 of 10 overlaps; the other one is found by 2
    found = metric.compute()
    assert found["ar_1"] == pytest.approx(0.35) and found["recall50_20"] == 1.0
    metric.merge([metric.state(), metric.state()])
    assert metric.compute() == found


def test_annotations_are_read_in_the_form_of_activity_net_and_errors_are_named(tmp_path):
    make_segments(tmp_path / "set", made_videos(6))
    data = ActivityNet(str(tmp_path / "set"), subset=["fold1", "fold2"])
    assert len(data) == 3 and data.labels == ["action 1", "action 2"] and data.check() == []
    sample = data[0]
    assert sample["segments"].shape == (len(sample["segment_labels"]), 2) and sample["segments"].max() <= 1
    path = tmp_path / "set/annotations.json"
    database = json.loads(path.read_text())
    database["database"]["made_000"]["annotations"][0]["segment"] = [9, 3]
    database["database"]["made_005"]["duration"] = None
    path.write_text(json.dumps(database))
    with pytest.raises(DataError) as raised:
        ActivityNet(str(tmp_path / "set"))
    said = str(raised.value)
    for words in (
        "the segment is not within the video",
        "made_000: annotation 1",
        "9 to 3 of",
        "'duration' is missing",
        "made_005",
    ):
        assert words in said
    with pytest.raises(DataError, match=r"(?s)no videos of the subset 'test'.*subsets: fold1"):
        ActivityNet(str(tmp_path / "set"), subset="test")


def test_runs_of_labels():
    assert runs(np.array([0, 0, 2, 2, 1])) == [(0, 2, 0), (2, 4, 2), (4, 5, 1)]
