"""XLNet against transformers' answers (golden/xlnet.json), and its contract."""

import json
from pathlib import Path

import numpy as np
import paddle
import pytest

from common.testing import check_model
from PaddleNLP.models.assemblies.text_classifier import TextClassifier
from PaddleNLP.models.encoders.xlnet import FAR, XLNet, shift
from PaddleNLP.models.heads.text_class_head import TextClassHead

GOLDEN = json.loads((Path(__file__).parent / "golden/xlnet.json").read_text())
IDS = np.random.default_rng(0).integers(0, 12, (2, 7))
TYPES = np.array([[0, 0, 0, 1, 1, 1, 2], [0, 0, 1, 2, 0, 0, 0]])
LENGTH = np.array([7, 4])


def golden(name, *shape):
    return np.array(GOLDEN[name], "float32").reshape(shape)


@pytest.fixture(scope="module")
def model():
    """A small XLNet whose weights are those of transformers' model of the golden numbers."""
    made = TextClassifier(XLNet(12, 8, 2, 2, 12, dropout=0.0), TextClassHead(8, 3, (), 0.0))
    theirs = {
        name: (np.random.default_rng(k).normal(size=shape) * 0.3 + ("norm.weight" in name)).astype("float32")
        for k, (name, shape) in enumerate(GOLDEN["shapes"].items())
    }
    arrays = made.convert_weights(theirs)
    arrays["head.output.weight"] = arrays.pop("logits_proj.weight").T
    arrays["head.output.bias"] = arrays.pop("logits_proj.bias")
    made.mask = paddle.to_tensor(arrays.pop("mask"))  # of pretraining, kept for the test of the query stream
    missing, unexpected = made.set_state_dict(arrays)
    assert not missing and not unexpected
    made.eval()
    return made


def tensors(*arrays):
    return [paddle.to_tensor(array) for array in arrays]


def test_features_and_logits_are_those_of_transformers(model):
    found = model.encoder(*tensors(IDS, TYPES, LENGTH)).numpy()
    expected = golden("features", 2, 7, 8)
    np.testing.assert_allclose(found[0], expected[0], atol=2e-5)
    np.testing.assert_allclose(found[1, :4], expected[1, :4], atol=2e-5)
    logits = model.predict(*tensors(IDS[:1], TYPES[:1], LENGTH[:1])).numpy()
    np.testing.assert_allclose(logits, golden("logits", 1, 3), atol=2e-5)


def test_the_query_stream_is_that_of_transformers(model):
    unseen = paddle.to_tensor(np.array(GOLDEN["perm_mask"], "float32")).unsqueeze(1) * FAR
    own = unseen * (1 - paddle.eye(7))  # a token of the content stream sees itself
    places = np.zeros((2, 2, 7), "float32")
    places[[0, 0, 1, 1], [0, 1, 0, 1], [1, 5, 0, 3]] = 1
    ids, types, places = tensors(IDS, TYPES, places)
    query = model.mask.expand([2, 2, 8])
    found = model.encoder.run(model.encoder.embedding(ids), types, own, None, query, unseen, places)[1]
    logits = paddle.matmul(found, model.encoder.embedding.weight, transpose_y=True).numpy() + np.arange(12) * 0.1
    np.testing.assert_allclose(logits, golden("query", 2, 2, 12), atol=2e-5)


def test_a_segment_that_remembers_the_one_before_is_that_of_transformers(model):
    ids, types = tensors(IDS, TYPES)
    nothing = paddle.zeros([2, 1, 1, 7])
    inputs = model.encoder.run(model.encoder.embedding(ids), types, nothing)[2]
    memory = [features[:, -5:] for features in inputs]
    again = model.encoder.embedding(paddle.to_tensor(IDS[:, ::-1].copy()))
    found = model.encoder.run(again, types, paddle.zeros([2, 1, 1, 12]), memory)[0]
    np.testing.assert_allclose(found.numpy(), golden("second", 2, 7, 8), atol=2e-5)


def test_a_classifier_on_xlnet_keeps_the_contract(tmp_path):
    batch = {"input_ids": IDS, "token_type_ids": TYPES, "length": LENGTH, "label": np.array([0, 2])}
    check_model(lambda: TextClassifier(XLNet(12, 8, 1, 2, dropout=0.0), TextClassHead(8, 3, (), 0.0)), batch, tmp_path)


def test_scores_by_distance_are_shifted_to_those_of_keys():
    scores = paddle.arange(2 * 5).reshape([1, 1, 2, 5]).astype("float32")  # T 2, K 3: distances 3 to -1
    assert shift(scores, 3).numpy()[0, 0].tolist() == [[2, 3, 4], [6, 7, 8]]


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="not a multiple of twice the heads"):
        XLNet(12, 6, 1, 2)
