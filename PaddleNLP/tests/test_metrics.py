"""Accuracy, chunk F1 (against the original chunk_eval and seqeval), and EM and F1 of SQuAD and CMRC."""

import numpy as np
import pytest

from common.inference.tasks.reading_comprehension import ReadingComprehension
from common.text.tags import SCHEMES
from PaddleNLP.metrics.classification import TextAccuracy
from PaddleNLP.metrics.spans import ChunkF1
from PaddleNLP.metrics.squad import AnswerF1, cmrc_exact, cmrc_f1, cmrc_tokens, longest_common, squad_exact, squad_f1
from PaddleNLP.tests.golden_numbers import golden


class Labels:
    def __init__(self, *labels):
        self.labels = list(labels)


def f1(labels, predicted, annotated, scheme=None):
    metric = ChunkF1(Labels(*labels), scheme=scheme)
    metric.update({"tags": predicted}, {"tags": annotated})
    return metric


def test_the_counts_are_those_of_the_original_chunk_eval():
    case = golden("chunk_eval_IOB")
    labels = ["0-B", "0-I", "1-B", "1-I", "2-B", "2-I"]
    metric = ChunkF1(Labels(*labels))
    start = 0
    for length in case["inlen/i"]:
        rows = [case[f"in/{key}"][start : start + length].reshape(1, -1) for key in ("i", "l")]
        metric.update({"tags": rows[0]}, {"tags": rows[1]})
        start += length
    assert metric.counts.tolist() == [int(case[f"out/{key}"][0]) for key in ("ni", "nl", "nc")]
    scores = metric.compute()
    assert [scores[k] for k in ("precision", "recall", "F1")] == pytest.approx(
        [float(case[f"out/{k}"][0]) for k in ("p", "r", "f1")], abs=1e-6
    )


def test_scores_equal_those_of_seqeval_on_random_tags():
    seqeval = pytest.importorskip("seqeval.metrics")
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    rng = np.random.default_rng(0)
    for _ in range(30):
        found, right = rng.integers(0, 5, (2, 4, 9))
        ours = f1(labels, found, right).compute()
        named = [[[labels[tag] for tag in row] for row in rows] for rows in (right, found)]
        assert ours["F1"] == pytest.approx(seqeval.f1_score(*named))
        assert ours["precision"] == pytest.approx(seqeval.precision_score(*named))


@pytest.mark.parametrize(
    ("scheme", "right", "found", "lenient", "strict"),
    [  # the scores are those of seqeval 1.2.2, f1_score(...) and f1_score(..., mode="strict", scheme=...)
        ("BIOES", "B-P I-P I-P E-P O S-L", "B-P I-P E-P O O S-L", 0.5, 0.5),
        ("BIOES", "S-P O", "B-P O", 1.0, 0.0),
        ("BIOES", "B-P E-P S-P", "B-P I-P S-P", 1.0, 2 / 3),
        ("BMES", "B-P M-P M-P E-P O S-L", "B-P M-P E-P O O S-L", 0.5, 0.5),
        ("BILOU", "B-P I-P I-P L-P O U-L", "B-P I-P L-P O O U-L", 0.5, 0.5),
        ("BIO", "B-P I-P O B-L", "B-P O O B-L", 0.5, 0.5),
        ("BIO", "B-P I-P O O", "I-P I-P O O", 1.0, 0.0),
        ("IOB1", "I-P B-P O I-L I-L", "I-P B-P O I-L O", 2 / 3, 2 / 3),
        ("IOB1", "I-P O O", "B-P O O", 1.0, 0.0),
    ],
)
def test_tags_of_every_scheme_are_scored_as_seqeval_does(scheme, right, found, lenient, strict):
    labels = ["O", *(f"{letter}-{kind}" for letter in SCHEMES[scheme] for kind in "PL")]
    rows = [[[labels.index(tag) for tag in text.split()]] for text in (found, right)]
    assert f1(labels, *rows).compute()["F1"] == pytest.approx(lenient)
    assert f1(labels, *rows, scheme).compute()["F1"] == pytest.approx(strict)


def test_unlabeled_tokens_do_not_count_and_processes_are_merged():
    one = f1(["B-X", "I-X", "O"], [[0, 1, 0]], [[0, 1, -1]])
    assert one.compute() == {"F1": 1.0, "precision": 1.0, "recall": 1.0}
    other = f1(["B-X", "I-X", "O"], [[2, 2]], [[0, 2]])
    one.merge([one.state(), other.state()])
    assert one.counts.tolist() == [1, 2, 1]  # predicted, annotated, correct
    assert f1(["B-X", "O"], [[1]], [[1]]).compute()["F1"] == 0


def test_accuracy_and_f1_of_a_confusion_matrix_worked_out_by_hand():
    """Label 0: predicted 0, 0, 1; label 1: predicted 1, 0. F1 of 0: 4/6, of 1: 2/4."""
    metric = TextAccuracy(Labels("0", "1"))
    scores = np.eye(2)[[0, 0, 1, 1, 0]]
    metric.update({"scores": scores}, {"label": np.array([0, 0, 0, 1, 1])})
    assert metric.compute() == {"accuracy": 0.6, "F1": pytest.approx((4 / 6 + 2 / 4) / 2)}
    metric.positive = 1
    assert metric.compute()["F1"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("found", "right", "exact", "overlap"),
    [
        ("The cat.", "cat", 1, 1),
        ("a big cat", "big dog", 0, 0.5),  # one of two words each
        ("the the", "", 1, 1),  # articles alone are nothing
        ("cat cat dog", "cat", 0, 0.5),  # 1 of 3 and 1 of 1
        ("x", "y", 0, 0),
    ],
)
def test_answers_in_english_are_scored_as_squad_does(found, right, exact, overlap):
    assert squad_exact(found, right) == exact and squad_f1(found, right) == pytest.approx(overlap)


def test_answers_in_chinese_are_scored_by_their_longest_common_substring():
    assert cmrc_tokens("在2018年\uff0cGPU!") == ["在", "2018", "年", "gpu"]
    assert cmrc_exact("《红楼梦》。", "红楼梦") == 1 and cmrc_exact("红楼", "红楼梦") == 0
    assert longest_common(list("abcde"), list("xbcdy")) == 3
    assert cmrc_f1("红楼梦作者", "作者是红楼梦") == pytest.approx(2 * 3 / 11)  # 红楼梦 is common
    assert cmrc_f1("甲", "乙") == 0


def test_the_best_reference_answer_counts_and_no_answer_is_an_empty_one():
    metric = AnswerF1(ReadingComprehension(max_answer=5, n_best=3, null_threshold=0.0))
    context, offsets = "the red cat", [[None, (0, 3), (4, 7), (8, 11)]]
    start, end = np.zeros((2, 1, 4)), np.zeros((2, 1, 4))
    start[0, 0, 2], end[0, 0, 3] = 5, 5  # "red cat"
    start[1, 0, 0] = end[1, 0, 0] = 9  # no answer is far better
    batch = {"context": [context] * 2, "offsets": [offsets] * 2, "answers": [["dog", "cat"], []]}
    metric.update({"start_scores": start, "end_scores": end}, batch)
    assert metric.compute() == {"F1": pytest.approx(100 * (2 / 3 + 1) / 2), "EM": 50.0}
