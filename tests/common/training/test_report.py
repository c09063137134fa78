"""Files that a metric leaves: their numbers by hand, and plots that are not empty."""

import csv
import types

import cv2
import numpy as np
import pytest

from common.inference.scored import Scored
from common.training import plotting
from common.training.report import MOST_POINTS, Findings, axis_names, thinned, write_report
from tests.common.training.test_plots import shape


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def metric(**offers):
    """A metric whose optional methods return these values."""
    return types.SimpleNamespace(**{name: lambda value=value: value for name, value in offers.items()})


def written(folder, **offers):
    write_report(folder, Findings(metric(**offers), ["a", "b"]))
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_precision_recall_and_f1_of_each_threshold_are_beside_their_plot(tmp_path):
    one, other = Scored.of([0.9, 0.5], [True, False], 2), Scored.of([0.7], [True], 1)
    assert written(tmp_path, scored={"a": one, "b": other}) == {"thresholds.csv", "thresholds.png"}
    head, *points = rows(tmp_path / "thresholds.csv")
    assert head == ["class", "threshold", "precision", "recall", "F1"]
    assert [point for point in points if point[0] == "a"] == [
        ["a", "0.9", "1", "0.5", "0.666667"],
        ["a", "0.5", "0.5", "0.5", "0.5"],
    ]
    assert ["all classes", "0.7", "1", "0.666667", "0.8"] in points
    shape(tmp_path / "thresholds.png")


def test_a_class_without_a_prediction_counts_in_the_recall_of_all_classes(tmp_path):
    written(tmp_path, scored={"a": Scored.of([0.9], [True], 1), "b": Scored.of([], [], 3)})
    assert ["all classes", "0.9", "1", "0.25", "0.4"] in rows(tmp_path / "thresholds.csv")


def test_a_score_of_every_sample_gives_a_roc_curve_and_a_calibration_plot(tmp_path):
    names = written(tmp_path, scored={"yes": Scored.of([0.2, 0.6, 0.8], [False, True, True])})
    assert {"roc.csv", "roc.png", "calibration.csv", "calibration.png"} <= names
    head, *points = rows(tmp_path / "roc.csv")
    assert head == ["class", "false positive rate", "true positive rate"]
    assert points == [["yes", *point] for point in (("0", "0"), ("0", "0.5"), ("0", "1"), ("1", "1"))]
    head, first, *_ = rows(tmp_path / "calibration.csv")
    assert head == ["class", "mean score", "observed rate", "samples"] and first == ["yes", "0.2", "0", "1"]
    shape(tmp_path / "roc.png"), shape(tmp_path / "calibration.png")


@pytest.mark.parametrize("right", [[True, True], [False, False]], ids=["only positives", "only negatives"])
def test_without_both_labels_there_is_no_roc_curve(right, tmp_path):
    assert written(tmp_path, scored={"yes": Scored.of([0.2, 0.6], right)}) == {"thresholds.csv", "thresholds.png"}


def test_the_table_of_the_classes_is_a_file_with_empty_fields_for_undefined_numbers(tmp_path):
    assert written(tmp_path, per_class={"a": {"boxes": 2, "AP": 0.25}, "b": {"boxes": 0, "AP": -1.0}}) == {
        "per_class.csv"
    }
    assert rows(tmp_path / "per_class.csv") == [["class", "boxes", "AP"], ["a", "2", "0.25"], ["b", "0", ""]]


def test_the_confusion_matrix_is_a_file_with_the_class_names(tmp_path):
    written(tmp_path, confusion=np.array([[3, 1], [0, 2]]))
    assert rows(tmp_path / "confusion.csv") == [["true \\ predicted", "a", "b"], ["a", "3", "1"], ["b", "0", "2"]]


def test_curves_are_named_with_the_average_precision_of_the_table(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plotting, "draw_precision_recall", lambda path, curves, areas: drawn.append(areas))
    curves = {"a": (np.array([0.5, 1.0]), np.array([1.0, 0.5]))}
    written(tmp_path, curves=curves, per_class={"a": {"boxes": 2, "AP50": 0.7525, "AP": 0.1}, "b": {"AP50": -1}})
    written(tmp_path, curves=curves)
    assert drawn == [{"a": 0.7525}, None]


def test_a_metric_that_offers_nothing_leaves_nothing(tmp_path):
    assert written(tmp_path / "none") == set()
    assert written(tmp_path / "none", scored={"a": Scored.of([], [], 3)}) == set()


def test_the_most_confused_of_many_classes_are_drawn(tmp_path, monkeypatch):
    matrix, drawn = np.eye(120, dtype=int) * 9, []
    matrix[70, 71], matrix[5, 110] = 4, 3
    monkeypatch.setattr(plotting, "shorten_label", lambda name: drawn.append(name) or name)
    plotting.draw_confusion(tmp_path / "c.png", matrix, [f"c{i}" for i in range(120)])
    assert len(drawn) == plotting.MOST_CLASSES and {"c5", "c70", "c71", "c110"} <= set(drawn)
    assert max(cv2.imread(str(tmp_path / "c.png")).shape) < 2000


def test_the_title_of_the_confusion_matrix_names_its_thresholds(tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr("matplotlib.axes.Axes.set_title", lambda axes, title, **style: titles.append(title))
    both = metric(confusion=np.eye(2, dtype=int)), metric(confusion=np.eye(2, dtype=int))
    both[1].confusion_at = "score 0.3, IoU 0.5"
    for each in both:
        write_report(tmp_path, Findings(each, ["a", "b"]))
    assert titles == ["Confusion matrix", "Confusion matrix at score 0.3, IoU 0.5"]


def test_a_long_curve_is_thinned_to_its_ends_and_points_between():
    values = thinned(np.arange(10_000))
    assert len(values) == MOST_POINTS and (values[0], values[-1]) == (0, 9_999)
    assert thinned([1.0, 2.0]) == [1.0, 2.0]


def test_a_matrix_with_one_more_row_than_labels_has_a_background():
    assert axis_names(["a", "b"], 3) == ["a", "b", "background"]
    assert axis_names(["a", "b"], 2) == ["a", "b"]
    assert axis_names([], 3) == ["0", "1", "2"]


def test_the_worst_samples_are_images_with_a_table_and_replace_those_of_before(tmp_path):
    samples = [{"score": 0.1 * k, "name": f"{k}.jpg", "drawing": np.full((8, 8, 3), k, np.uint8)} for k in (1, 2)]
    assert written(tmp_path, worst=samples) == {"worst.csv", "worst_01.jpg", "worst_02.jpg"}
    assert written(tmp_path, worst=samples[:1]) == {"worst.csv", "worst_01.jpg"}
    assert rows(tmp_path / "worst.csv") == [["drawing", "score", "sample"], ["worst_01.jpg", "0.1", "1.jpg"]]
    assert cv2.imread(str(tmp_path / "worst_01.jpg")).max() == 1
    assert written(tmp_path / "none", worst=[]) == set()
