"""Scores of words worked out by hand, over batches and processes."""

import numpy as np
import pytest

from common.inference.tasks.text_recognition import TextRecognition
from PaddleCV.metrics.word_errors import WordErrors

LABELS = ["<blank>", "a", "b", "C", "-"]


def errors(pairs=(), **keys):
    metric = WordErrors(type("Data", (), {"labels": LABELS})(), TextRecognition(), **keys)
    for text, reference in pairs:
        metric.add(text, reference)
    return metric


def test_scores_worked_out_by_hand():
    """ab for ab; a for ab: 1 edit of 2; abb for b: 2 edits of 3; nothing for C: 1 of 1."""
    scores = errors([("ab", "ab"), ("a", "ab"), ("abb", "b"), ("", "C")]).compute()
    assert scores["accuracy"] == 1 / 4 and scores["error_rate"] == 3 / 4
    assert scores["edit_distance"] == (0 + 1 + 2 + 1) / 4
    assert scores["normalized_edit_distance"] == pytest.approx((0 + 1 / 2 + 2 / 3 + 1) / 4)


def test_case_and_punctuation_can_be_left_out():
    assert errors([("C-a", "cA")]).compute()["accuracy"] == 0
    assert errors([("C-a", "cA")], ignore_case=True).compute()["edit_distance"] == 1
    assert errors([("C-a", "cA")], ignore_case=True, only_alphanumeric=True).compute()["accuracy"] == 1


def test_batches_and_processes_are_summed():
    one, two = errors(), errors([("a", "b")])
    batch = {"labels": np.array([[1, 2, 0], [3, 0, 0]], "int32"), "label_length": np.array([2, 1])}
    one.update({"ids": np.array([[1, 2], [1, 0]]), "score": np.array([0.9, 0.1])}, batch)
    assert one.compute()["accuracy"] == 0.5
    one.merge([one.state(), two.state()])
    assert one.compute()["error_rate"] == pytest.approx(2 / 3)
    assert errors().compute()["accuracy"] == 0
