"""Metrics of click prediction and ranking: by hand, equal to scikit-learn, and merged over processes."""

import math

import numpy as np
import pytest
from sklearn import metrics

from common.errors import ConfigError
from PaddleRec.metrics.click_scores import ClickScores, auc_of_counts, exact_auc
from PaddleRec.metrics.rank_scores import RankScores, rank_scores

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 5000)
SCORES = np.round(np.clip(0.3 * LABELS + RNG.random(5000) * 0.7, 0, 1), 3)  # with many ties


def scored(metric, *parts):
    for part in parts:
        metric.update({"probability": SCORES[part]}, {"label": LABELS[part].astype("float32")})
    return metric.compute()


def test_the_exact_auc_and_log_loss_are_those_of_scikit_learn():
    found = scored(ClickScores(), slice(0, 1000), slice(1000, 5000))
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(LABELS, SCORES), abs=1e-12)
    safe = np.clip(SCORES, 1e-7, 1 - 1e-7)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(LABELS, safe), rel=1e-9)
    assert found["copc"] == pytest.approx(LABELS.sum() / SCORES.sum())
    assert found["ctr"] == pytest.approx(LABELS.mean())


def test_the_best_threshold_and_the_calibration_of_clicks_by_hand():
    metric = ClickScores()
    metric.update({"probability": np.array([0.1, 0.2, 0.3, 0.4])}, {"label": np.array([0, 0, 1, 1])})
    (part,) = metric.scored().values()
    assert part.best() == {"threshold": 0.25, "F1": 1.0, "precision": 1.0, "recall": 1.0}
    assert part.auc() == 1 and part.calibration_error(bins=2) == pytest.approx((0.15 + 0.65) / 2)


def test_probabilities_in_intervals_have_nearly_the_same_curves():
    exact, counted = ClickScores(), ClickScores(buckets=1000)
    for metric in (exact, counted):
        scored(metric, slice(0, 5000))
    (one,), (other,) = exact.scored().values(), counted.scored().values()
    assert other.complete and other.positives == one.positives
    assert other.auc() == pytest.approx(one.auc(), abs=1e-3) and other.best()["F1"] == pytest.approx(
        one.best()["F1"], abs=2e-3
    )


def test_an_auc_by_hand():
    # 0.8 and 0.4 against 0.6 and 0.4: won, won, lost, a tie: 2.5 of 4
    assert exact_auc(np.array([0.8, 0.4, 0.6, 0.4]), np.array([True, True, False, False])) == 2.5 / 4
    assert auc_of_counts(np.array([0, 1, 1]), np.array([0, 1, 0, 1])[:3]) == 0.25
    assert math.isnan(exact_auc(np.array([0.1, 0.2]), np.array([True, True])))


def test_the_bucketed_auc_is_close_to_the_exact_one_and_equal_for_bucketed_scores():
    exact = metrics.roc_auc_score(LABELS, SCORES)
    assert scored(ClickScores(buckets=4096), slice(None))["auc"] == pytest.approx(exact, abs=1e-3)
    coarse = np.floor(SCORES * 8) / 8
    whole = ClickScores(buckets=8)
    whole.update({"probability": coarse}, {"label": LABELS})
    assert whole.compute()["auc"] == pytest.approx(metrics.roc_auc_score(LABELS, coarse), abs=1e-12)


@pytest.mark.parametrize("buckets", [0, 512])
def test_metrics_merged_over_processes_are_those_of_all_rows(buckets):
    whole = scored(ClickScores(buckets), slice(None))
    parts = [ClickScores(buckets), ClickScores(buckets), ClickScores(buckets)]
    for part, rows in zip(parts, (slice(0, 10), slice(10, 4000), slice(4000, 5000))):
        scored(part, rows)
    merged = ClickScores(buckets)
    merged.merge([part.state() for part in parts])
    assert merged.compute() == pytest.approx(whole, rel=1e-12)


def test_the_auc_of_a_single_class_is_undefined(caplog):
    metric = ClickScores()
    metric.update({"probability": np.array([0.2, 0.3])}, {"label": np.zeros(2)})
    assert math.isnan(metric.compute()["auc"]) and "all 2 labels are 0" in caplog.text


@pytest.mark.parametrize("buckets", [0, 8])
def test_a_probability_that_is_nan_makes_the_auc_undefined(buckets, caplog):
    # as the highest score, where numpy sorts it, it would have made this AUC 1
    metric = ClickScores(buckets)
    metric.update({"probability": np.array([0.2, 0.7, np.nan])}, {"label": np.array([0, 1, 1])})
    found = metric.compute()
    assert math.isnan(found["auc"]) and math.isnan(found["log_loss"]) and "predicted NaN" in caplog.text
    assert found["ctr"] == pytest.approx(2 / 3)


def test_ranking_metrics_by_hand():
    items = np.array([[4, 7, 2], [1, 2, 3], [5, 6, 8]])
    relevant = np.array([[7, -1], [3, 1], [9, -1]])
    recall, hit, reciprocal, gain = rank_scores(items, relevant)
    assert recall.tolist() == [1, 1, 0] and hit.tolist() == [1, 1, 0] and reciprocal.tolist() == [0.5, 1, 0]
    # the second row: places 1 and 3, (1 + 1/2) of an ideal 1 + 1/log2(3)
    np.testing.assert_allclose(gain, [1 / math.log2(3), 1.5 / (1 + 1 / math.log2(3)), 0])


def test_ndcg_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    scores = rng.random((50, 30))
    is_relevant = rng.random((50, 30)) < 0.1
    is_relevant[:, 0] = True
    items = np.argsort(-scores, 1) + 1
    targets = np.full((50, 30), -1)
    for row in range(50):
        found = np.flatnonzero(is_relevant[row]) + 1
        targets[row, : len(found)] = found
    for k in (1, 5, 30):
        gain = rank_scores(items[:, :k], targets)[3]
        expected = [metrics.ndcg_score(is_relevant[r : r + 1].astype(float), scores[r : r + 1], k=k) for r in range(50)]
        np.testing.assert_allclose(gain, expected, rtol=1e-9)


def test_an_unknown_target_is_a_miss_and_processes_are_merged():
    whole, parts = RankScores([1, 2]), [RankScores([1, 2]), RankScores([1, 2])]
    items, target = np.array([[1, 2], [3, 0], [2, 1]]), np.array([2, 0, 2])
    whole.update({"items": items}, {"target": target})
    for part, rows in zip(parts, (slice(0, 1), slice(1, 3))):
        part.update({"items": items[rows]}, {"target": target[rows]})
    merged = RankScores([1, 2])
    merged.merge([part.state() for part in parts])
    found = whole.compute()
    assert merged.compute() == found and whole.primary == "recall@2"
    assert found["recall@1"] == pytest.approx(1 / 3) and found["mrr@2"] == pytest.approx(1.5 / 3)
    with pytest.raises(ConfigError, match="returns 2 items; metrics at 5"):
        RankScores([5]).update({"items": items}, {"target": target})
