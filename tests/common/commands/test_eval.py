"""Printed results of an evaluation, from a metric with known numbers."""

import types
from pathlib import Path

from common.commands.eval import MOST_CLASSES, class_lines, display_width, report, score_lines, threshold_lines
from common.inference.scored import Scored
from common.training.report import Findings

FILE = Path("per_class.csv")


class Metric:
    """Two classes, of which the second has no boxes."""

    primary = "AP"
    undefined, undefined_text = -1.0, "no such boxes"

    def per_class(self):
        return {"cat": {"boxes": 3, "AP": 0.5}, "狗": {"boxes": 0, "AP": -1.0}}

    def scored(self):
        return {"cat": Scored.of([0.9, 0.8, 0.3], [True, False, True], positives=4)}


def test_an_undefined_score_is_a_dash_that_is_explained():
    lines = list(score_lines({"AP_large": -1.0, "AP": 0.25}, Metric()))
    assert lines == ["AP        0.2500", "AP_large  -", "-         no such boxes"]


def test_nan_is_a_dash_for_every_metric():
    metric = types.SimpleNamespace(primary="auc")
    assert list(score_lines({"auc": float("nan")}, metric)) == ["auc  -", "-    undefined for these data"]


def test_defined_scores_need_no_explanation():
    assert list(score_lines({"AP": 0.25}, Metric())) == ["AP  0.2500"]


def test_the_classes_are_a_table_with_the_best_threshold_of_each():
    lines = list(class_lines(Findings(Metric()), FILE))
    assert lines == [
        "",
        "class  boxes      AP  best F1  at score",
        "cat        3  0.5000   0.5714    0.1500",
        "狗         0       -        -         -",
    ]
    assert len(set(map(display_width, lines[1:]))) == 1


def test_classes_beyond_the_limit_are_in_the_file():
    metric = types.SimpleNamespace(per_class=lambda: {f"c{k}": {"AP": 0.5} for k in range(MOST_CLASSES + 7)})
    lines = list(class_lines(Findings(metric), FILE))
    assert len(lines) == MOST_CLASSES + 3 and lines[-1] == "... 7 more classes: per_class.csv"


def test_the_threshold_of_maximum_f1_is_printed():
    expected = "maximum F1 0.5714 of 'cat' at the score threshold 0.15: precision 0.6667, recall 0.5000"
    assert list(threshold_lines(Findings(Metric()))) == ["", expected]


def test_a_binary_classifier_has_its_calibration_error():
    scored = {"positive": Scored.of([0.25, 0.75], [False, True])}
    (*_, line) = threshold_lines(Findings(types.SimpleNamespace(scored=lambda: scored)))
    assert line == "expected calibration error (ECE, 15 bins) 0.2500, AUC 1.0000"


def test_the_class_of_a_binary_threshold_is_named_with_what_applies_it():
    scored, labels = {"dog": Scored.of([0.3, 0.25, 0.75], [True, False, True])}, ["cat", "dog"]
    lines = list(threshold_lines(Findings(types.SimpleNamespace(scored=lambda: scored, labels=labels))))
    assert lines[1].startswith("maximum F1 1.0000 of 'dog' at the score threshold 0.28: ")
    assert lines[2] == (
        "the answer is the class that scores higher, as in the scores above; "
        "-o postprocess.decision=0.28 answers 'dog' from this score on"
    )


def test_a_metric_that_offers_nothing_has_only_its_scores():
    findings = Findings(types.SimpleNamespace())
    assert not [*class_lines(findings, FILE), *threshold_lines(findings)]


def test_json_has_the_scores_alone_and_writes_nothing(tmp_path, capsys):
    report({"AP_large": -1.0}, Metric(), tmp_path / "plots", as_json=True)
    assert capsys.readouterr().out == '{"AP_large": -1.0}\n' and not (tmp_path / "plots").exists()
