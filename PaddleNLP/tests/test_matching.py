"""Matching of texts: the contract of the models, the texts of a sequence, the readers and the metrics."""

import types

import numpy as np
import paddle
import pytest

from common.errors import DataError
from common.testing import check_model, count_parameters
from PaddleNLP.data.ranked_texts import RankedTexts
from PaddleNLP.metrics.matching import MatchingScores, RecallAt
from PaddleNLP.models.assemblies.match_matrix import MatchMatrix
from PaddleNLP.models.assemblies.text_matcher import TextMatcher, text_of
from PaddleNLP.models.encoders.convolutions import BOW, CNN
from PaddleNLP.models.encoders.recurrent_encoder import RecurrentEncoder
from PaddleNLP.models.encoders.transformer import BERT

TWO = types.SimpleNamespace(labels=["0", "1"])
BATCH = {
    "input_ids": np.array([[3, 4, 5, 6, 7, 8], [9, 2, 3, 4, 0, 0]]),
    "token_type_ids": np.array([[0, 0, 1, 1, 1, 2], [0, 1, 2, 2, 0, 0]]),
    "length": np.array([6, 4]),
    "label": np.array([1, 0]),
}


@pytest.mark.parametrize("pairwise", [True, False])
def test_a_matcher_keeps_the_contract(pairwise, tmp_path):
    check_model(lambda: TextMatcher(CNN(12, 8, 8), 8, "tanh", pairwise, 2.0), BATCH, tmp_path)


def test_the_matrix_of_words_keeps_the_contract(tmp_path):
    def make():
        paddle.seed(0)  # no unit of the hidden layer is at rest for both samples
        return MatchMatrix(12, 8, 4, words=4, channels=3, grid=2, hidden_size=8)

    check_model(make, BATCH, tmp_path)


def test_the_score_of_a_pair_is_the_cosine_of_its_texts():
    matcher = TextMatcher(BOW(12, 8, squash="softsign"), 8, pairwise=True)
    ids, kinds, length = (paddle.to_tensor(BATCH[name]) for name in matcher.inputs)
    found = matcher.predict(ids, kinds, length).numpy()
    one, other = (
        matcher.hidden(paddle.nn.functional.softsign(matcher.encoder.embedding(paddle.to_tensor(words)).sum(0))).numpy()
        for words in ([3, 4], [5, 6, 7])
    )
    assert found[0] == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other), abs=1e-5)
    np.testing.assert_allclose(matcher(ids, kinds, length).numpy()[:, 1], (1 + found) / 2, rtol=1e-6)


def test_each_text_of_a_sequence_is_found():
    ids, kinds, length = (paddle.to_tensor(BATCH[name]) for name in ("input_ids", "token_type_ids", "length"))
    rows = [[found[k][: int(n[k])].tolist() for found, n in [text_of(ids, kinds, length, w)]]
            for w in range(3) for k in range(2)]  # fmt: skip
    assert [row for (row,) in rows] == [[3, 4], [9], [5, 6, 7], [2], [8], [3, 4]]


def test_a_matcher_refuses_an_encoder_of_pairs_and_odd_arguments():
    with pytest.raises(ValueError, match="BERT reads both texts at once"):
        TextMatcher(BERT(12, 8, 1, 1))
    with pytest.raises(ValueError, match="margin is 0"):
        TextMatcher(BOW(12, 8), margin=0)
    with pytest.raises(ValueError, match="words is 5"):
        MatchMatrix(12, words=5, grid=2)


def test_the_bag_of_words_has_as_many_parameters_as_the_original():
    assert count_parameters(TextMatcher(BOW(1000, 128), pairwise=True))[0] == 1000 * 128 + 16_512
    assert count_parameters(TextMatcher(RecurrentEncoder(10, 4, 4, "gru"), 4))[0] > 0


def test_lines_of_three_texts_are_read_and_others_named(tmp_path):
    (tmp_path / "a.txt").write_text("a\tb\tc\nd\te e\tf\n")
    found = RankedTexts(tmp_path, "a.txt")
    assert len(found) == 2 and found[1]["text_b"] == "e e" and found.lengths() == [3, 5] and found.labels == ["0", "1"]
    (tmp_path / "b.txt").write_text("a\tb\tc\nd\te\n\t\t\n")
    with pytest.raises(DataError, match=r"(?s)line 2.*2 fields where 3.*line 3.*empty"):
        RankedTexts(tmp_path, "b.txt")


def test_the_area_under_the_curve_is_that_of_the_second_class():
    metric = MatchingScores(TWO)
    metric.update({"scores": np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]])}, {"label": np.array([0, 1, 0])})
    assert metric.compute()["AUC"] == pytest.approx(0.5) and metric.compute()["accuracy"] == pytest.approx(2 / 3)


def test_recall_counts_the_candidates_above_the_right_one():
    metric = RecallAt(TWO, ranks=(1, 2))
    scores = np.array([0.9, 0.5, 0.1, 0.5, 0.5, 0.3])
    batch = {"label": np.array([1, 0, 0, 0, 1, 0]), "text_a": ["x"] * 3 + ["y"] * 3}
    metric.update({"scores": np.stack([1 - scores, scores], 1)}, batch)
    assert metric.compute() == {"R@1": 0.5, "R@2": 1.0, "MRR": 0.75}  # an equal score is no recall
    merged = RecallAt(TWO, ranks=(1, 2))
    merged.merge([metric.state(), RecallAt(TWO).state()])
    assert merged.compute() == metric.compute()
