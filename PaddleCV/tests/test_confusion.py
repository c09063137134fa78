"""The confusion matrix of object detection, on small examples."""

import numpy as np

from PaddleCV.metrics.confusion import confusion_matrix

A, B = (0, 0, 10, 10), (20, 0, 30, 10)


def found(*boxes):
    return np.array([(image, label, score, *box) for image, label, score, box in boxes], float).reshape(-1, 7)


def test_each_kind_of_detection_is_counted_in_its_cell():
    truth = found((1, 0, 0, A), (1, 1, 0, B), (2, 1, 0, A))  # the third column: not to be ignored
    rows = found((1, 0, 0.9, A), (1, 0, 0.8, B), (3, 1, 0.9, A))  # right, wrong class, nothing there; image 2 missed
    assert confusion_matrix(rows, truth, 2).tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]


def test_the_higher_iou_is_matched_and_the_other_is_background():
    truth = found((1, 0, 0, A))
    rows = found((1, 1, 0.99, (0, 0, 10, 7)), (1, 0, 0.5, A))  # 0.7 and 1
    assert confusion_matrix(rows, truth, 2).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_one_box_of_two_at_the_same_place_is_left_for_the_other():
    truth = found((1, 0, 0, A), (1, 1, 0, (1, 0, 11, 10)))
    rows = found((1, 0, 0.9, A), (1, 1, 0.9, (1, 0, 11, 10)))
    assert np.diag(confusion_matrix(rows, truth, 2)).tolist() == [1, 1, 0]


def test_low_scores_and_small_overlaps_are_left_out():
    truth = found((1, 0, 0, A))
    assert confusion_matrix(found((1, 0, 0.29, A)), truth, 1).tolist() == [[0, 1], [0, 0]]
    assert confusion_matrix(found((1, 0, 0.9, (0, 0, 10, 4.9))), truth, 1).tolist() == [[0, 1], [1, 0]]


def test_a_detection_matched_to_an_ignored_box_does_not_count():
    truth = found((1, 0, 1, A), (1, 0, 0, B))
    assert confusion_matrix(found((1, 0, 0.9, A), (1, 0, 0.9, B)), truth, 1).tolist() == [[1, 0], [0, 0]]


def test_no_boxes_give_a_matrix_of_zeros():
    assert confusion_matrix(found(), found(), 2).tolist() == [[0, 0, 0]] * 3
