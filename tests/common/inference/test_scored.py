"""Best thresholds, ROC curves and calibration of scored predictions: by hand, by brute force, and as scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from common.inference.class_scores import BinaryScores, class_table
from common.inference.scored import Scored, best_thresholds, between, pooled


def drawn(count=300, digits=2, seed=0):
    """Scores with ties, and whether each prediction is right."""
    rng = np.random.default_rng(seed)
    right = rng.random(count) < 0.3
    return np.round(np.clip(rng.normal(0.4 + 0.2 * right, 0.2), 0, 1), digits), right


def test_precision_recall_and_f1_of_three_boxes_by_hand():
    # of four objects: right at 0.9, wrong at 0.8, right at 0.3
    threshold, precision, recall, f1 = Scored.of([0.3, 0.9, 0.8], [True, True, False], positives=4).points()
    assert threshold.tolist() == [0.9, 0.8, 0.3]
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert recall.tolist() == pytest.approx([1 / 4, 1 / 4, 2 / 4])
    assert f1.tolist() == pytest.approx([2 / 5, 2 / 6, 4 / 7])


def test_the_best_threshold_of_three_boxes_by_hand():
    best = Scored.of([0.3, 0.9, 0.8], [True, True, False], positives=4).best()
    assert best == pytest.approx({"threshold": 0.15, "F1": 4 / 7, "precision": 2 / 3, "recall": 1 / 2})
    # without the last one, F1 is highest above 0.8
    assert Scored.of([0.9, 0.8], [True, False], positives=4).best()["threshold"] == 0.85


@pytest.mark.parametrize("seed", range(5))
def test_the_best_threshold_is_that_of_brute_force_over_all_scores(seed):
    scores, right = drawn(seed=seed)
    positives = int(right.sum()) + 40

    def f1(threshold):
        kept = scores >= threshold
        return 2 * (kept & right).sum() / (kept.sum() + positives)

    best = Scored.of(scores, right, positives).best()
    assert best["F1"] == pytest.approx(max(map(f1, scores))) == f1(best["threshold"])


def test_of_equal_f1_the_highest_threshold_is_best():
    # F1 is 2 * 1 / (1 + 1) = 1 at 0.9 alone, and 2 / 3 with both: then 4 / 6 = 2 / 3 each
    assert Scored.of([0.9, 0.5, 0.4], [True, False, True], positives=2).best()["F1"] == pytest.approx(4 / 5)
    assert Scored.of([0.9, 0.5, 0.4, 0.3], [True, False, False, True], positives=2).best()["threshold"] == 0.7


def test_a_threshold_is_between_two_scores_so_that_rounding_changes_no_prediction():
    assert between(0.4, 0.46) == 0.43
    assert 0.123456 < between(0.123456, 0.123457) <= 0.123457
    assert between(0.5, np.nextafter(0.5, 1)) > 0.5


def test_without_a_right_prediction_there_is_no_best_threshold():
    assert Scored.of([0.4], [False], positives=3).best() is None
    assert Scored.of([], [], positives=0).best() is None


def test_scores_that_are_not_finite_are_left_out():
    part = Scored.of([0.4, np.nan, np.inf], [True, True, False])
    assert part.scores.tolist() == [0.4] and part.positives == 1


@pytest.mark.parametrize("digits", [1, 8], ids=["equal scores", "distinct scores"])
def test_the_roc_curve_and_its_area_are_scikit_learn_s(digits):
    scores, right = drawn(digits=digits)
    part = Scored.of(scores, right)
    false, true, _ = sklearn.roc_curve(right, scores, drop_intermediate=False)
    np.testing.assert_allclose(part.roc(), (false, true))
    assert part.auc() == pytest.approx(sklearn.roc_auc_score(right, scores))


def test_the_area_is_undefined_without_negatives():
    assert np.isnan(Scored.of([0.1, 0.2], [True, True]).auc())


def test_calibration_of_four_samples_in_two_bins_by_hand():
    # (0.1, 0.3) with one of two right, (0.6, 0.8) with both right: |0.2 - 0.5| / 2 + |0.7 - 1| / 2
    part = Scored.of([0.1, 0.3, 0.6, 0.8], [False, True, True, True])
    score, rate, count = part.calibration(bins=2)
    assert score.tolist() == pytest.approx([0.2, 0.7]) and rate.tolist() == [0.5, 1.0] and count.tolist() == [2, 2]
    assert part.calibration_error(bins=2) == pytest.approx(0.3)


def test_samples_of_one_score_are_in_one_bin():
    part = Scored.of([0.2] * 8 + [0.9] * 2, [True] * 2 + [False] * 6 + [True] * 2)
    _, rate, count = part.calibration(bins=5)
    assert rate.tolist() == [0.25, 1.0] and count.tolist() == [8, 2]


def test_pooled_classes_are_counted_together():
    one, other = Scored.of([0.5, 0.7], [True, False], positives=1), Scored.of([0.7, 0.9], [True, True], positives=3)
    whole = pooled([one, other])
    assert whole.scores.tolist() == [0.5, 0.7, 0.9] and whole.positives == 4
    assert whole.right.tolist() == [1, 1, 1] and whole.wrong.tolist() == [0, 1, 0]


def test_thresholds_are_found_over_all_classes_and_for_each():
    class Metric:
        def scored(self):
            return {"a": Scored.of([0.8], [True], 1), "b": Scored.of([0.2, 0.1], [True, False], 1), "c": NOTHING}

    found = best_thresholds(Metric())
    assert found["overall"] == pytest.approx({"threshold": 0.15, "F1": 4 / 5, "precision": 1, "recall": 2 / 3})
    assert {name: best["threshold"] for name, best in found["classes"].items()} == {"a": 0.4, "b": 0.15}
    assert best_thresholds(object()) is None


NOTHING = Scored.of([], [], positives=1)


def test_the_table_of_two_classes_by_hand():
    # class a: 3 of 4 right and one unanswered, predicted 5 times; class b is never right
    table = class_table(np.array([[3, 1], [2, 0]]), ["a", "b"], np.array([1, 0]), "texts")
    assert table["a"] == pytest.approx({"precision": 3 / 5, "recall": 3 / 5, "F1": 6 / 10, "texts": 5})
    assert table["b"] == {"precision": 0.0, "recall": 0.0, "F1": 0.0, "texts": 2}


def test_two_classes_have_scores_of_the_second_and_more_have_none():
    binary, more = BinaryScores(["no", "yes"]), BinaryScores("abc")
    binary.add(np.array([[0.4, 0.6], [0.9, 0.1]]), np.array([1, 0]))
    more.add(np.eye(3), np.arange(3))
    merged = BinaryScores(["no", "yes"])
    merged.merge([binary.state(), binary.state()])
    (part,) = merged.scored().values()
    assert part.scores.tolist() == [0.1, 0.6] and part.right.tolist() == [0, 2] and part.complete
    assert list(merged.scored()) == ["yes"] and more.scored() == {}
