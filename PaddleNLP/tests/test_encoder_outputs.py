"""The layers of an encoder as outputs: pooled by hand, and refused where it is missing."""

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from PaddleNLP.models.assemblies.encoder_outputs import EncoderOutputs
from PaddleNLP.models.assemblies.sentence_encoder import SentenceEncoder
from PaddleNLP.models.assemblies.text_classifier import TextClassifier
from PaddleNLP.models.encoders.convolutions import BOW
from PaddleNLP.models.encoders.transformer import BERT
from PaddleNLP.models.heads.text_class_head import TextClassHead

LAYERS = ["pooler", "cls", "mean", "max:1", "tokens:0", "mean:-2", "scores"]


@pytest.fixture(scope="module")
def classifier():
    paddle.seed(1)
    model = TextClassifier(BERT(30, 16, 2, 2, 12), TextClassHead(16, 3))
    model.eval()
    return model


def test_each_output_is_the_layer_that_its_name_says_without_the_padding(classifier):
    ids, types = paddle.to_tensor([[1, 4, 5, 0, 0], [1, 2, 3, 4, 5]]), paddle.zeros([2, 5], "int64")
    length = paddle.to_tensor([3, 5])
    with paddle.no_grad():
        scores = classifier(ids, types, length).numpy()
        states = [state.numpy() for state in classifier.encoder.states(ids, types, length)]
        pooler = classifier.encoder.summary(paddle.to_tensor(states[2]), length).numpy()
        found = [x.numpy() for x in EncoderOutputs(classifier, LAYERS)(ids, types, length)]
    short = [state[0, :3] for state in states]
    wanted = [pooler[0], short[2][0], short[2].mean(0), short[1].max(0), states[0][0], short[1].mean(0), scores[0]]
    for name, x, y in zip(LAYERS, found, wanted, strict=True):
        np.testing.assert_allclose(x[0], y, atol=2e-6, err_msg=name)


def test_the_exported_scores_without_the_last_features_of_other_tokens_are_the_same(classifier):
    ids, types, length = (
        paddle.to_tensor([[1, 4, 5], [7, 8, 0]]),
        paddle.zeros([2, 3], "int64"),
        paddle.to_tensor([3, 2]),
    )
    with paddle.no_grad():
        wanted = classifier.decode(classifier.predict(ids, types, length), length).numpy()
        np.testing.assert_allclose(classifier(ids, types, length).numpy(), wanted, atol=1e-6)
        found = classifier.encoder.pooled(ids, types, length).numpy()
        whole = classifier.encoder.summary(classifier.encoder(ids, types, length), length).numpy()
    np.testing.assert_allclose(found, whole, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (["mean:3"], "0 to 2, or -3 to -1"),
        (["pooler:1"], "trained on the last layer"),
        (["middle"], "there are pooler, cls, mean, max, tokens, scores"),
        (["embedding"], "there are"),
        (["mean", "mean"], "each once"),
        ([], "nothing"),
    ],
)
def test_a_layer_that_is_not_there_is_refused(classifier, layers, words):
    with pytest.raises(ConfigError, match=words):
        EncoderOutputs(classifier, layers)


def test_an_encoder_without_layers_has_its_last_features_alone():
    model = TextClassifier(BOW(9, 4), TextClassHead(4, 2))
    ids, length = paddle.to_tensor([[1, 2, 0]]), paddle.to_tensor([2])
    mean, tokens = EncoderOutputs(model, ["mean", "tokens"])(ids, length)
    np.testing.assert_allclose(mean.numpy(), tokens.numpy()[:, :2].mean(1), atol=1e-6)
    with pytest.raises(ConfigError, match="the last layer alone"):
        EncoderOutputs(model, ["mean:-1"])
    with pytest.raises(ConfigError, match="not an encoder"):
        EncoderOutputs(BOW(9, 4), ["mean"])


def test_the_embedding_of_a_sentence_encoder_is_an_output():
    model = SentenceEncoder(BERT(30, 16, 1, 2, 12))
    model.eval()
    inputs = paddle.to_tensor([[1, 4, 5]]), paddle.zeros([1, 3], "int64"), paddle.to_tensor([3])
    wanted = model(*inputs).numpy()
    np.testing.assert_allclose(EncoderOutputs(model, ["embedding"])(*inputs)[0].numpy(), wanted, atol=1e-6)
