"""Sentence embeddings: the contract, the mean over tokens, the loss and the metric of pairs, by hand."""

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.testing import check_model
from PaddleNLP.metrics.pair_similarity import PairSimilarity
from PaddleNLP.models.assemblies.sentence_encoder import SentenceEncoder
from PaddleNLP.models.encoders.convolutions import BOW
from PaddleNLP.models.encoders.transformer import BERT
from PaddleNLP.models.foreign.checkpoint_names import our_names


def make(**more):
    return SentenceEncoder(BERT(30, 16, 1, 2, 12, dropout=0.0), **more)


def batch(labels=(1, 0, 1)):
    """[CLS] a [SEP] b [SEP] of 2 and 2, 1 and 2, 3 and 1 pieces; 28 and 29 are [CLS] and [SEP]."""
    rows = [[28, 3, 4, 29, 5, 6, 29], [28, 7, 29, 8, 9, 29, 0], [28, 10, 11, 12, 29, 13, 29]]
    types = [[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1, 1]]
    found = {"input_ids": rows, "token_type_ids": types, "length": [7, 6, 7], "label": labels}
    return {name: np.array(value) for name, value in found.items()}


def test_sentence_embeddings_keep_the_contract(tmp_path):
    check_model(make, batch(), tmp_path, unused=["*pooler*"])


def test_an_embedding_is_the_mean_over_the_tokens_of_length_one_whatever_the_padding():
    model = make()
    model.eval()
    ids, types = paddle.to_tensor([[3, 4, 5, 0, 0]]), paddle.zeros([1, 5], "int64")
    found = model(ids, types, paddle.to_tensor([3])).numpy()[0]
    mean = model.encoder(ids[:, :3], types[:, :3], paddle.to_tensor([3])).numpy()[0].mean(0)
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-6)


class Given(SentenceEncoder):
    """Embeddings that are given in place of encoded ones."""

    def __init__(self, first, second, scale):
        super().__init__(BERT(9, 4, 1, 1, 4), scale)
        self.both = first, second

    def pair(self, batch):
        return tuple(paddle.to_tensor(value, "float32") for value in self.both)


FIRST, SECOND = [[1, 0], [0, 1], [0, 1]], [[0.6, 0.8], [1, 0], [0, 1]]


def test_the_loss_is_the_cross_entropy_over_the_second_texts_in_pairs_that_mean_the_same():
    model = Given(FIRST, SECOND, 2.0)
    rows = np.exp(2 * np.array(FIRST) @ np.array(SECOND).T)
    rows = -np.log(np.diag(rows) / rows.sum(1))
    for labels, wanted in (([1, 0, 1], (rows[0] + rows[2]) / 2), ([1, 1, 1], rows.mean()), ([0, 0, 0], 0)):
        assert float(model.loss({"label": paddle.to_tensor(labels)})["loss_pair"]) == pytest.approx(wanted, rel=1e-5)


class Pairs:
    labels = ("0", "1")


def test_the_metric_is_the_area_under_the_roc_curve_of_the_cosines():
    metric, model = PairSimilarity(Pairs), Given(FIRST, SECOND, 1.0)
    metric.update(model, {"label": np.array([1, 0, 1])})
    assert metric.compute() == pytest.approx({"AUC": 1.0, "cosine_same": 0.8, "cosine_other": 0.0})
    other = PairSimilarity(Pairs)
    other.update(model, {"label": np.array([0, 1, 1])})
    assert other.compute()["AUC"] == 0.5  # of .6 against 0 and 1
    state = other.state()
    metric.merge([metric.state(), state])
    assert metric.compute()["AUC"] == pytest.approx(6 / 8)  # 1 .6 1 0 against 0 .6: 2 + 1.5 + 2 + 0.5 of 8
    metric.reset()
    metric.update(model, {"label": np.array([1, 1, 1])})
    assert metric.compute()["AUC"] == metric.undefined and set(metric.scored()) == {"1"}


def test_the_texts_of_a_pair_are_encoded_by_themselves():
    model, found = make(), {name: paddle.to_tensor(value) for name, value in batch().items()}
    model.eval()
    apart = [[[28, 3, 4, 29], [28, 7, 29], [28, 10, 11, 12, 29]], [[28, 5, 6, 29], [28, 8, 9, 29], [28, 13, 29]]]
    for side, texts in zip(model.pair(found), apart, strict=True):
        for row, text in zip(side.numpy(), texts, strict=True):
            ids = paddle.to_tensor([text])
            alone = model(ids, paddle.zeros_like(ids), paddle.to_tensor([len(text)])).numpy()[0]
            np.testing.assert_allclose(row, alone, atol=1e-6)


def test_texts_without_a_second_one_are_refused_and_encoders_without_segments():
    found = {name: paddle.to_tensor(value) for name, value in batch().items()}
    with pytest.raises(ConfigError, match="pairs of texts"):
        make().loss(found | {"token_type_ids": paddle.zeros_like(found["input_ids"])})
    with pytest.raises(ValueError, match="BOW has no segment embeddings"):
        SentenceEncoder(BOW(30))
    with pytest.raises(ValueError, match="scale is 0"):
        make(scale=0)


def test_positions_that_older_files_count_are_left_out():
    assert our_names({"embeddings.position_ids": np.arange(3)}) == {}
