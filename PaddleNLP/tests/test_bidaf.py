"""BiDAF: its contract, the rows of question and paragraphs, DuReader's format, ROUGE-L and BLEU-4."""

import json
import types

import numpy as np
import paddle
import pytest

from common.errors import DataError
from common.inference.tasks.reading_comprehension import ReadingComprehension
from common.testing import check_model
from PaddleNLP.data.dureader_questions import DuReaderQuestions, best_span
from PaddleNLP.metrics.answer_overlap import AnswerOverlap, bleu_counts, bleu_of, longest_subsequence, rouge_l
from PaddleNLP.models.assemblies.bidaf import BiDAF

BATCH = {
    "input_ids": np.array([[[3, 4, 5, 6, 7], [3, 4, 8, 0, 0]], [[5, 6, 7, 8, 0], [0, 0, 0, 0, 0]]]),
    "token_type_ids": np.array([[[0, 0, 1, 1, 1], [0, 0, 1, 0, 0]], [[0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]]),
    "length": np.array([[5, 3], [4, 0]]),
    "start": np.array([[3, -1], [1, -1]]),
    "end": np.array([[4, -1], [2, -1]]),
}


def test_bidaf_keeps_the_contract_and_points_into_paragraphs_alone(tmp_path):
    unused = ["anything.*", "asked.bias", "weight.bias", "pointers.*.weight.bias"]  # softmax does not see a constant
    model = check_model(lambda: BiDAF(9, 6, 4), BATCH, tmp_path, unused=unused)
    for scores in model.predict(*(paddle.to_tensor(BATCH[name]) for name in model.inputs)):
        chances = np.exp(scores.numpy())
        np.testing.assert_allclose(chances.sum((1, 2)), 1, atol=1e-4)
        assert (chances[BATCH["token_type_ids"] == 0] == 0).all()


def question(**more):
    documents = [
        {"segmented_paragraphs": [["x", "y"], ["the", "sky", "is", "blue"]]},
        {"segmented_paragraphs": [["the", "sky"], []]},
    ]
    return {"question_id": 7, "segmented_question": ["the", "sky", "?"], "documents": documents} | more


def test_a_paragraph_of_each_document_is_read(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(question(segmented_answers=[["is", "blue"]])) + "\n")
    found = DuReaderQuestions(tmp_path, "a.json")[0]
    assert found["context"] == "the sky is blue the sky" and found["paragraphs"] == [(0, 15), (16, 23)]
    assert found["context"][found["answer_start"] : found["answer_end"]] == "is blue" and found["answers"] == ["isblue"]
    for row, message in (([], "not an object"), (question(documents=[]), "no document"),
                         (question(segmented_question="the"), "not a list of words")):  # fmt: skip
        (tmp_path / "b.json").write_text(json.dumps(row) + "\n{\n")
        with pytest.raises(DataError, match=rf"(?s){message}.*line 1.*line 2"):
            DuReaderQuestions(tmp_path, "b.json")


def test_the_best_span_shares_most_words_with_the_answer():
    assert best_span(list("xabyc"), list("abc"), 9) == (pytest.approx(6 / 7), 1, 5)
    assert best_span(list("xabyc"), list("abc"), 2) == (pytest.approx(4 / 5), 1, 3)
    assert best_span(list("xy"), list("abc"), 9) == (0.0, 0, 0)


def test_rouge_and_bleu_are_those_worked_out_by_hand():
    assert longest_subsequence(list("abcde"), list("xbyde")) == 3
    precision, recall = 3 / 5, 3 / 4
    expected = (1 + 1.44) * precision * recall / (recall + 1.44 * precision)
    assert rouge_l(list("abcde"), [list("xbde")]) == pytest.approx(expected)
    counts = bleu_counts(list("abcde"), [list("abcdx"), list("cdey")])
    assert counts.tolist() == [5, 5, 5, 5, 4, 4, 3, 3, 1, 2]
    assert bleu_of(counts) == pytest.approx(0.5**0.25)
    assert bleu_of(bleu_counts(list("ab"), [list("abcd")])) == 0


def test_questions_without_an_answer_do_not_count():
    metric = AnswerOverlap(ReadingComprehension(max_answer=4))
    outputs = {"start_scores": np.eye(4)[[0, 0]][:, None] * 5.0, "end_scores": np.eye(4)[[3, 3]][:, None] * 5.0}
    spots = [[(0, 1), (1, 2), (2, 3), (3, 4)]]
    batch = {"context": ["abcd", "abcd"], "offsets": [spots, spots], "answers": [["abcd"], []]}
    metric.update(outputs, batch | {"path": ["x", "x"]})
    assert metric.compute() == {"ROUGE-L": pytest.approx(100), "BLEU-4": pytest.approx(100)}
    merged = AnswerOverlap(types.SimpleNamespace())
    merged.merge([metric.state()])
    assert merged.compute() == metric.compute()
