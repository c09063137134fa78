"""Sentence embeddings: the contract, the mean over tokens, the loss and the metric of pairs, by hand."""

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.testing import check_model
from common.text.split import PadText
from common.text.wordpiece import WordPiece
from PaddleNLP.metrics.pair_similarity import PairSimilarity
from PaddleNLP.models.assemblies.sentence_encoder import SentenceEncoder
from PaddleNLP.models.encoders.transformer import BERT
from PaddleNLP.models.foreign.checkpoint_names import our_names


def make(**more):
    return SentenceEncoder(BERT(30, 16, 1, 2, 12, dropout=0.0), **more)


def batch(labels=(1, 0, 1)):
    rng = np.random.default_rng(0)
    found = {"label": np.array(labels)}
    for end in ("", "_b"):
        found |= {f"input_ids{end}": rng.integers(1, 30, (3, 7)), f"token_type_ids{end}": np.zeros((3, 7), np.int64)}
        found[f"length{end}"] = np.array([7, 4, 1])
    return found


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


def test_texts_without_a_second_one_are_refused():
    with pytest.raises(ConfigError, match="pairs of texts"):
        make().loss({"label": paddle.to_tensor([1])})


def test_the_texts_of_a_pair_are_numbered_one_by_one(tmp_path):
    vocabulary = tmp_path / "v.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b"]) + "\n")
    pieces = WordPiece(str(vocabulary), separate=True)
    found = [pieces({"text_a": "a b", "text_b": "b"}, None), pieces({"text_a": "a", "text_b": "a b z"}, None)]
    assert found[0]["input_ids"].tolist() == [2, 4, 5, 3] and found[0]["input_ids_b"].tolist() == [2, 5, 3]
    assert (found[1]["length"], found[1]["length_b"]) == (3, 5) and set(found[1]["coverage"]) == {"text_a", "text_b"}
    found = PadText()(found, None)
    assert found[1]["input_ids"].tolist() == [2, 4, 3, 0] and found[0]["input_ids_b"].tolist() == [2, 5, 3, 0, 0]
    assert "input_ids_b" not in pieces({"text_a": "a"}, None)


def test_positions_that_older_files_count_are_left_out():
    assert our_names({"embeddings.position_ids": np.arange(3)}) == {}
