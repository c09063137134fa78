"""Accuracy, the confusion matrix and multi-label mAP: by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from PaddleCV.metrics.accuracy import Accuracy, rank_of
from PaddleCV.metrics.multi_label_map import MultiLabelMap, average_precision


class Set:
    """A dataset of some classes."""

    def __init__(self, count):
        self.labels = [f"class {i}" for i in range(count)]


def fed(metric, scores, target, size=7):
    for start in range(0, len(scores), size):
        metric.update({"scores": scores[start : start + size]}, {"label": target[start : start + size]})
    return metric


def drawn(count=200, classes=8):
    rng = np.random.default_rng(3)
    target = rng.integers(0, classes, count)
    scores = rng.random((count, classes)).astype(np.float32)
    scores[np.arange(count), target] += 0.3
    return scores / scores.sum(1, keepdims=True), target


def test_top_1_and_top_2_of_three_images():
    scores = np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    found = fed(Accuracy(Set(3), topk=[1, 2, 5]), scores, np.array([0, 1, 0])).compute()
    assert found == {
        "top1": pytest.approx(1 / 3),
        "top2": pytest.approx(2 / 3),
        "mean_class_accuracy": pytest.approx(0.25),
    }


def test_ties_are_broken_in_favor_of_the_lower_class():
    assert rank_of(np.ones((3, 3)), np.array([0, 1, 2])).tolist() == [0, 1, 2]


def test_accuracy_confusion_and_class_accuracy_are_scikit_learn_s():
    scores, target = drawn()
    metric = fed(Accuracy(Set(8), topk=[1, 3, 5]), scores, target)
    found, answer = metric.compute(), scores.argmax(1)
    for k in (1, 3, 5):
        assert found[f"top{k}"] == pytest.approx(sklearn.top_k_accuracy_score(target, scores, k=k))
    assert (metric.confusion() == sklearn.confusion_matrix(target, answer)).all()
    assert found["mean_class_accuracy"] == pytest.approx(sklearn.balanced_accuracy_score(target, answer))
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(target, answer)
    of_class = list(metric.per_class().values())
    assert [value["recall"] for value in of_class] == pytest.approx(list(recall))
    assert [value["F1"] for value in of_class] == pytest.approx(list(f1))
    assert [value["precision"] for value in of_class] == pytest.approx(list(precision))
    assert [value["images"] for value in of_class] == list(support)


def test_a_class_without_images_has_no_accuracy_and_is_not_in_the_mean():
    metric = fed(Accuracy(Set(3)), np.eye(3)[[0, 1]], np.array([0, 1]))
    assert metric.per_class()["class 2"] == {"precision": -1, "recall": -1, "F1": -1, "images": 0}
    assert metric.compute() == {"top1": 1, "mean_class_accuracy": 1} and metric.primary == "top1"


def test_an_image_with_nan_scores_is_wrong_whatever_its_class(caplog):
    scores = np.eye(3)[[0, 1, 2]]
    scores[0], scores[1, 2] = np.nan, np.nan
    metric = fed(Accuracy(Set(3), topk=[1, 3]), scores, np.array([0, 1, 2]))
    assert metric.compute() == pytest.approx({"top1": 1 / 3, "top3": 1 / 3, "mean_class_accuracy": 1 / 3})
    assert metric.per_class()["class 0"] == {"precision": -1, "recall": 0, "F1": 0, "images": 1}
    assert "2 images count as wrong" in caplog.text


def test_nan_scores_come_last_in_average_precision_as_ties():
    # both images at once, at the end: precision 1/2 at recall 1, whichever of them came first
    for target in ([[1], [0]], [[0], [1]]):
        found = fed(MultiLabelMap(Set(1)), np.full((2, 1), np.nan), np.array(target)).compute()
        assert found == {"mAP": 0.5, "F1": 0}


def test_accuracy_of_two_processes_is_that_of_one():
    scores, target = drawn()
    scores[:3] = np.nan
    whole, merged = fed(Accuracy(Set(8)), scores, target), Accuracy(Set(8))
    parts = [fed(Accuracy(Set(8)), scores[i::2], target[i::2]).state() for i in range(2)]
    merged.merge(parts)
    assert merged.compute() == whole.compute() and (merged.confusion() == whole.confusion()).all()
    merged.reset()
    assert merged.compute() == {"top1": 0, "top5": 0, "mean_class_accuracy": 0}


def test_invalid_k_and_targets_of_the_other_kind_are_refused():
    with pytest.raises(ValueError, match="positive integers"):
        Accuracy(Set(3), topk=[0])
    data = Set(3)
    data.targets = np.eye(3, dtype=np.float32)
    with pytest.raises(ValueError, match="Accuracy does not support multi-label data; use MultiLabelMap"):
        Accuracy(data)
    data.targets = np.arange(3)
    with pytest.raises(ValueError, match="MultiLabelMap does not support single-label data; use Accuracy"):
        MultiLabelMap(data)


def test_average_precision_of_four_predictions_by_hand():
    # right, wrong, right, wrong by falling score: 1/2 * 1/1 + 1/2 * 2/3
    assert average_precision(np.array([0.9, 0.8, 0.7, 0.1]), np.array([1, 0, 1, 0], bool)) == pytest.approx(5 / 6)


@pytest.mark.parametrize("digits", [8, 1], ids=["distinct scores", "equal scores"])
def test_mean_average_precision_and_f1_are_scikit_learn_s(digits):
    rng = np.random.default_rng(5)
    target = rng.random((150, 6)) < 0.3
    scores = np.round(np.clip(rng.random((150, 6)) + 0.2 * target, 0, 1), digits).astype(np.float32)
    metric = fed(MultiLabelMap(Set(6), threshold=0.6), scores, target.astype(np.float32))
    found = metric.compute()
    assert found["mAP"] == pytest.approx(sklearn.average_precision_score(target, scores, average="macro"))
    assert found["F1"] == pytest.approx(sklearn.f1_score(target, scores >= np.float32(0.6), average="micro"))
    recall, precision = metric.curves()["class 2"]
    assert recall[-1] == 1 and len(recall) == len(precision) == len(np.unique(scores[:, 2]))


def test_a_class_that_no_image_has_does_not_count():
    metric = fed(MultiLabelMap(Set(2)), np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[1, 0], [0, 0]]))
    assert metric.per_class() == {"class 0": {"images": 1, "AP": 1}, "class 1": {"images": 0, "AP": -1}}
    assert metric.compute()["mAP"] == 1
    assert MultiLabelMap(Set(2)).compute() == {"mAP": 0, "F1": 0}


def test_mean_average_precision_of_two_processes_is_that_of_one():
    rng = np.random.default_rng(6)
    scores, target = rng.random((40, 3)).astype(np.float32), (rng.random((40, 3)) < 0.4).astype(np.float32)
    merged = MultiLabelMap(Set(3))
    merged.merge([fed(MultiLabelMap(Set(3)), scores[i::2], target[i::2]).state() for i in range(2)])
    assert merged.compute() == pytest.approx(fed(MultiLabelMap(Set(3)), scores, target).compute())
