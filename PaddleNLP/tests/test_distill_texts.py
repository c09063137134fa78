"""Data distillation: variants of texts, labels of a teacher, and the loss of a student."""

import numpy as np
import paddle
import pytest

from common.errors import DataError
from common.text.augmentation import MASK, TextAugmentation
from PaddleNLP.data.labeled_texts import LabeledTexts
from PaddleNLP.models.heads.text_class_head import TextClassHead

TEXT = [("ann", "PER"), ("saw", "v"), ("rome", "LOC"), ("again", None)]


def test_words_are_masked_and_replaced_by_their_kind():
    texts = TextAugmentation(mask=1.0, replace=0.0, cut=0.0, joiner=" ")
    assert texts.variant(TEXT, np.random.default_rng(0)) == " ".join([MASK] * 4)
    texts = TextAugmentation(mask=0.0, replace=1.0, cut=0.0, joiner=" ")
    texts.learn([[("bob", "PER"), ("left", "v"), ("oslo", "LOC"), ("soon", None)]])
    assert texts.variant(TEXT, np.random.default_rng(0)) == "bob left oslo again"


def test_the_shares_are_those_asked_for():
    texts = TextAugmentation(mask=0.1, replace=0.2, cut=0.0, joiner=" ")
    texts.learn([[("x", "n")]])
    words = texts.variant([("y", "n")] * 20_000, np.random.default_rng(0)).split(" ")
    assert words.count(MASK) / 20_000 == pytest.approx(0.1, abs=0.01)
    assert words.count("x") / 20_000 == pytest.approx(0.2, abs=0.01)


def test_a_text_is_cut_to_consecutive_words_and_variants_differ():
    texts = TextAugmentation(mask=0.0, replace=0.0, cut=1.0, longest=3)
    text = [(letter, None) for letter in "abcdefgh"]
    found = texts.variants(text, 200, np.random.default_rng(0))
    assert len(set(found)) == len(found) == 8 + 7 + 6
    assert all(other in "abcdefgh" and len(other) <= 3 for other in found)
    none = TextAugmentation(mask=0.0, replace=0.0, cut=0.0)
    assert none.variants(text, 5, np.random.default_rng(0)) == []


@pytest.mark.parametrize("wrong", [{"mask": -0.1}, {"mask": 0.6, "replace": 0.5}, {"cut": 1.1}, {"longest": 0}])
def test_probabilities_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="allowed: probabilities"):
        TextAugmentation(**wrong)


def test_scores_of_a_teacher_are_read_and_checked(tmp_path):
    head = "text_a\tlabel\tscores\n"
    (tmp_path / "good.tsv").write_text(head + "a b\tyes\t0.25 0.75\nc\tno\t1 0\n")
    (tmp_path / "good.jsonl").write_text('{"text_a": "a b", "label": "yes", "scores": [0.25, 0.75]}\n')
    samples = LabeledTexts(tmp_path, "good.tsv").samples
    assert [sample["scores"].tolist() for sample in samples] == [[0.25, 0.75], [1.0, 0.0]]
    (sample,) = LabeledTexts(tmp_path, "good.jsonl", labels=["no", "yes"]).samples
    assert sample["scores"].tolist() == [0.25, 0.75] and sample["label"] == 1
    for wrong in ("0.5", "0.2 0.3 0.5", "0.7 0.7", "a b", "nan 1", "-1 2", ""):
        (tmp_path / "bad.tsv").write_text(head + f"a\tyes\t{wrong}\nb\tno\t1 0\n")
        with pytest.raises(DataError, match="line 2"):
            LabeledTexts(tmp_path, "bad.tsv")


def test_a_student_learns_scores_and_labels_by_their_weight():
    logits, label = paddle.to_tensor([[1.0, -1.0]]), paddle.to_tensor([0])
    scores = paddle.to_tensor([[0.25, 0.75]])
    log_p = np.log(np.exp([1.0, -1.0]) / np.exp([1.0, -1.0]).sum())
    for weight in (0.0, 0.4, 1.0):
        expected = -weight * (0.25 * log_p[0] + 0.75 * log_p[1]) - (1 - weight) * log_p[0]
        loss = TextClassHead(2, 2, soft_weight=weight).loss(logits, label, scores)["loss_class"]
        assert float(loss) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match="soft_weight is 2"):
        TextClassHead(2, 2, soft_weight=2)
