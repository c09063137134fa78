"""VOC mAP on cases worked out by hand, and on the recorded case of PaddlePaddle 1.8."""

import numpy as np
import pytest

from PaddleCV.metrics.voc_map import (
    FALSE_POSITIVE,
    IGNORED,
    TRUE_POSITIVE,
    VocMap,
    average_precision_11point,
    average_precision_integral,
    match_detections,
    recall_precision,
)

# detection_map(class_num=3, overlap_threshold=0.3, ap_version='11point') of PaddlePaddle 1.8.5, two images
GOLDEN_FOUND = """
0 1 0.18074070 0.30876330 0.16486637 0.56816226 0.97988957
0 2 0.60809314 0.88997215 0.16535798 1.01641309 0.96962577
0 1 0.01525038 0.14652534 0.42776141 0.73931152 0.48969391
0 2 0.79223228 0.63397080 0.07103783 0.94235438 0.76739651
0 2 0.90112007 0.17533542 0.33440870 1.02637482 0.47815377
1 2 0.49539760 0.26402506 0.16666703 0.67997545 1.03890598
1 1 0.70763040 0.54625333 0.02643009 0.97188663 0.60189039
1 1 0.46267679 0.40737772 0.00933035 0.62105280 0.36234817
"""
GOLDEN_TRUTH = """
0 2 0 0.24817292 0.57989323 0.75499189 0.86289603
0 1 0 0.34778494 0.10114226 0.51488081 0.86230087
0 1 0 0.60246956 0.54763478 0.89630741 0.98749125
1 2 0 0.55915147 0.00558353 0.92061585 0.33475107
1 2 0 0.29698357 0.20488660 0.55176693 0.73664886
"""
GOLDEN_MAP = 0.1363636553287506


def table(text):
    return np.array([line.split() for line in text.strip().splitlines()], np.float64)


class Truth:
    """A dataset as far as the metric uses it."""

    def __init__(self, boxes, labels=("cat", "dog")):
        self.labels = list(labels)
        self.category_ids = [10 * (k + 1) for k in range(len(labels))]
        self.rows = [
            {
                "image_id": image,
                "category_id": self.category_ids[label],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "difficult": difficult,
                "iscrowd": 0,
            }
            for image, label, difficult, x1, y1, x2, y2 in boxes
        ]

    def annotations(self):
        return {"annotations": self.rows}


def feed(metric, image, rows):
    boxes = np.array(rows, np.float32).reshape(-1, 6)
    metric.update({"boxes": boxes, "num_boxes": np.array([len(boxes)])}, {"image_id": np.array([image])})


def test_the_recorded_case_of_the_operator_is_reproduced():
    found, truth = table(GOLDEN_FOUND), table(GOLDEN_TRUTH)
    verdict = match_detections(found, truth, 0.3)
    areas = []
    for label in (1, 2):
        mine = found[:, 1] == label
        positives = int((truth[:, 1] == label).sum())
        areas.append(average_precision_11point(*recall_precision(found[mine, 2], verdict[mine], positives)))
    assert np.mean(areas) == pytest.approx(GOLDEN_MAP, abs=1e-6)


def test_the_area_of_true_false_true_positives_over_three_boxes():
    # precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3; the envelope is 1 up to 1/3, 2/3 up to 2/3, 0 beyond
    recall, precision = recall_precision(
        np.array([0.9, 0.8, 0.7]), np.array([TRUE_POSITIVE, FALSE_POSITIVE, TRUE_POSITIVE]), 3
    )
    assert recall.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3])
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert average_precision_integral(recall, precision) == pytest.approx(1 / 3 + 2 / 9)
    # recall 0 to 0.3: 1 (four points); 0.4 to 0.6: 2/3 (three); 0.7 to 1: 0
    assert average_precision_11point(recall, precision) == pytest.approx((4 + 3 * 2 / 3) / 11)


def test_recall_of_exactly_a_level_reaches_it():
    # 3 of 10 found: 0.3 is reached although 3 / 10 and 3 * 0.1 differ in the last bit
    recall, precision = recall_precision(
        np.array([3.0, 2.0, 1.0]), np.array([TRUE_POSITIVE, TRUE_POSITIVE, TRUE_POSITIVE]), 10
    )
    assert average_precision_11point(recall, precision) == pytest.approx(4 / 11)


def test_the_second_detection_of_an_object_is_a_false_positive():
    truth = np.array([[0, 0, 0, 0, 0, 10, 10]], float)
    found = np.array([[0, 0, 0.9, 0, 0, 10, 7], [0, 0, 0.8, 0, 0, 10, 10]], float)
    assert match_detections(found, truth, 0.5).tolist() == [TRUE_POSITIVE, FALSE_POSITIVE]


def test_an_iou_of_exactly_the_threshold_is_a_match():
    truth = np.array([[0, 0, 0, 0, 0, 10, 10]], float)
    found = np.array([[0, 0, 0.9, 0, 0, 10, 5], [0, 0, 0.8, 0, 0, 10, 4.9]], float)
    assert match_detections(found, truth, 0.5).tolist() == [TRUE_POSITIVE, FALSE_POSITIVE]


def test_boxes_of_other_classes_and_images_do_not_match():
    truth = np.array([[0, 0, 0, 0, 0, 10, 10], [1, 1, 0, 0, 0, 10, 10]], float)
    found = np.array([[0, 1, 0.9, 0, 0, 10, 10], [1, 0, 0.9, 0, 0, 10, 10]], float)
    assert match_detections(found, truth, 0.5).tolist() == [FALSE_POSITIVE, FALSE_POSITIVE]


def test_detections_of_difficult_objects_are_ignored():
    truth = np.array([[0, 0, 1, 0, 0, 10, 10], [0, 0, 0, 20, 0, 30, 10]], float)
    found = np.array([[0, 0, 0.9, 0, 0, 10, 10], [0, 0, 0.8, 0, 0, 10, 9], [0, 0, 0.7, 20, 0, 30, 10]], float)
    assert match_detections(found, truth, 0.5).tolist() == [IGNORED, IGNORED, TRUE_POSITIVE]
    boxes = [(0, 0, 1, 0, 0, 10, 10), (0, 0, 0, 20, 0, 30, 10)]
    rows = [[0, 0.9, 0, 0, 10, 10], [0, 0.7, 20, 0, 30, 10]]
    for with_difficult, expected in ((False, 1.0), (True, 1.0)):
        metric = VocMap(Truth(boxes), method="integral", with_difficult=with_difficult)
        feed(metric, 0, rows)
        assert metric.compute()["mAP"] == pytest.approx(expected)
    metric = VocMap(Truth(boxes), method="integral", with_difficult=True)
    feed(metric, 0, rows[1:])
    assert metric.compute()["mAP"] == pytest.approx(0.5)


def test_the_mean_is_over_classes_that_have_a_box():
    metric = VocMap(Truth([(0, 0, 0, 0, 0, 10, 10)]))
    feed(metric, 0, [[0, 0.9, 0, 0, 10, 10], [1, 0.9, 0, 0, 10, 10]])
    assert metric.compute() == {"mAP": 1.0}
    assert metric.per_class() == {"cat": {"boxes": 1, "AP": 1.0}, "dog": {"boxes": 0, "AP": -1.0}}


def test_three_detections_of_a_class_give_its_precision_recall_and_best_threshold():
    # two cats and one difficult: found at 0.9, again at 0.8, the other at 0.6; the difficult one does not count
    metric = VocMap(Truth([(0, 0, 0, 0, 0, 10, 10), (0, 0, 0, 20, 0, 30, 10), (0, 0, 1, 40, 0, 50, 10)]))
    boxes = [[0, 0.9, 0, 0, 10, 10], [0, 0.8, 0, 0, 10, 9], [0, 0.6, 20, 0, 30, 10], [0, 0.5, 40, 0, 50, 10]]
    feed(metric, 0, [*boxes, [1, 0.3, 0, 0, 10, 10]])
    scored = metric.scored()
    threshold, precision, recall, f1 = scored["cat"].points()
    assert threshold.tolist() == pytest.approx([0.9, 0.8, 0.6]) and scored["cat"].positives == 2
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3]) and recall.tolist() == [0.5, 0.5, 1.0]
    assert f1.tolist() == pytest.approx([2 / 3, 1 / 2, 4 / 5]) and scored["cat"].best()["threshold"] == 0.3
    assert (scored["dog"].positives, scored["dog"].wrong.tolist()) == (0, [1])
    assert metric.per_class()["cat"]["boxes"] == 2


def test_the_confusion_matrix_counts_detections_at_the_threshold_of_maximum_f1():
    metric = VocMap(Truth([(0, 0, 0, 0, 0, 10, 10), (0, 1, 0, 20, 0, 30, 10)]))
    feed(metric, 0, [[0, 0.1, 0, 0, 10, 10], [1, 0.08, 20, 0, 30, 10], [1, 0.02, 50, 0, 60, 10]])
    assert metric.confusion().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert metric.confusion_at == "score 0.05, IoU 0.5"


@pytest.mark.parametrize("method", ["11point", "integral"])
def test_processes_are_merged_in_any_order(method):
    rng = np.random.default_rng(0)
    boxes, rows = [], {}
    for image in range(20):
        corners = rng.uniform(0, 50, (4, 2))
        labels = rng.integers(0, 2, 4)
        for (x, y), label in zip(corners, labels):
            boxes.append((image, label, int(rng.random() < 0.2), x, y, x + 20, y + 20))
        rows[image] = [
            [label, round(rng.random(), 1), x + rng.uniform(0, 15), y, x + 20, y + 20]
            for (x, y), label in zip(corners, labels)
        ]
    whole, shards = VocMap(Truth(boxes), method=method), [VocMap(Truth(boxes), method=method) for _ in range(2)]
    for image, found in rows.items():
        feed(whole, image, found)
        feed(shards[image % 2], image, found)
    assert 0 < whole.compute()["mAP"] < 1
    for order in ([0, 1], [1, 0]):
        merged = VocMap(Truth(boxes), method=method)
        merged.merge([shards[k].state() for k in order])
        assert merged.compute() == whole.compute()


def test_no_boxes_no_detections_and_nan_scores_do_not_crash():
    assert VocMap(Truth([])).compute() == {"mAP": 0.0}
    metric = VocMap(Truth([(0, 0, 0, 0, 0, 10, 10)]))
    feed(metric, 0, [])
    assert metric.compute() == {"mAP": 0.0}
    metric.reset()
    feed(metric, 0, [[0, np.nan, 0, 0, 10, 10]])
    assert metric.compute() == {"mAP": 0.0}


def test_a_class_that_the_dataset_lacks_is_refused():
    metric = VocMap(Truth([(0, 0, 0, 0, 0, 10, 10)]))
    feed(metric, 0, [[7, 0.9, 0, 0, 10, 10]])
    with pytest.raises(ValueError, match="class 7; the dataset has 2 classes"):
        metric.compute()
    with pytest.raises(ValueError, match="method is 'area'"):
        VocMap(Truth([]), method="area")
