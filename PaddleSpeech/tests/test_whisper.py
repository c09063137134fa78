"""Whisper: the contract, the parameters of the original, greedy search with caches, and names of CTranslate2."""

import numpy as np
import paddle
import pytest

from common.config import load_config
from common.config.kits import ROOT
from common.errors import ConfigError
from common.layers.attention import causal_bias, sinusoids
from common.testing import check_model, count_parameters
from PaddleSpeech.models.assemblies.speech_transcriber import SpeechTranscriber
from PaddleSpeech.models.decoders.whisper_decoder import WhisperDecoder
from PaddleSpeech.models.encoders.whisper_encoder import WhisperEncoder
from PaddleSpeech.models.foreign.foreign_names import ForeignNames, WhisperNames

VOCABULARY = 12


def make(positions=8, **more):
    encoder = WhisperEncoder(6, 10, 8, 1, 2)
    given = {"prompt": [9, 10], "end": 8, "max_tokens": 5, "suppress": [9, 10], "suppress_from": 11, "no_speech": 10}
    return SpeechTranscriber(encoder, WhisperDecoder(8, VOCABULARY, 1, 2, positions, **{**given, **more}))


def batch():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((3, 10, 6)).astype(np.float32)
    return {"features": features, "labels": rng.integers(0, 8, (3, 4)).astype(np.int32), "label_length": [4, 2, 1]}


def batch_of_arrays():
    return {name: np.asarray(value) for name, value in batch().items()}


def test_a_transcriber_keeps_the_contract_over_many_steps(tmp_path):
    check_model(lambda: make(24, max_tokens=20, suppress=[8, 9, 10]), batch_of_arrays(), tmp_path)


def test_the_network_has_as_many_parameters_as_the_original():
    with paddle.LazyGuard(), paddle.utils.unique_name.guard():
        model = load_config(ROOT / "PaddleSpeech/configs/whisper_tiny_en.yml").build("model")
    assert count_parameters(model)[0] == 37_184_256


def sharp(seed=3):
    """A model whose tokens differ from step to step."""
    paddle.seed(seed)
    model = make(suppress_first=[8])
    for parameter in model.decoder.parameters():
        parameter.set_value(parameter * 3)
    model.eval()
    return model


@pytest.mark.parametrize("seed", [3, 4])
def test_the_search_with_caches_writes_what_whole_texts_give(seed):
    model, features = sharp(seed), paddle.to_tensor(batch()["features"])
    ids, score, silence = (value.numpy() for value in model(features))
    decoder = model.decoder
    memory = decoder.remember(model.encoder(features))
    for row in range(3):
        own, text, chance = [(k[row : row + 1], v[row : row + 1]) for k, v in memory], [], 1.0
        while len(text) < 5 and text[-1:] != [8]:
            given = paddle.to_tensor([[9, 10, *text]])
            count = given.shape[1]
            logits = decoder(given, own, paddle.arange(count), causal_bias(count))[0][0].numpy()
            if not text:
                scores = np.exp(logits[0]) / np.exp(logits[0]).sum()
                assert silence[row] == pytest.approx(scores[10], rel=1e-4)
            last = np.exp(logits[-1])
            last[[9, 10, 11, *([] if text else [8])]] = 0
            text.append(int(last.argmax()))
            chance *= last.max() / last.sum()
        assert ids[row].tolist() == text + [8] * (5 - len(text))
        assert score[row] == pytest.approx(chance ** (1 / len(text)), rel=1e-4)


def test_the_loss_counts_the_tokens_of_a_text_and_its_end():
    model, found = sharp(), {k: paddle.to_tensor(v) for k, v in batch().items()}
    losses, counted = 0.0, 0
    for row, length in enumerate(batch()["label_length"]):
        text = [9, 10, *batch()["labels"][row, :length].tolist()]
        memory = model.decoder.remember(model.encoder(found["features"][row : row + 1]))
        logits = model.decoder(paddle.to_tensor([text]), memory, paddle.arange(len(text)), causal_bias(len(text)))[0][
            0
        ].numpy()
        log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        losses -= sum(log_p[1 + k, token] for k, token in enumerate([*text[2:], 8]))
        counted += length + 1
    assert float(model.loss(found)["loss_tokens"]) == pytest.approx(losses / counted, rel=1e-4)


@pytest.mark.parametrize("change, words", [
    ({"prompt": []}, "prompt has a token"), ({"end": 12}, "0 to 11"), ({"max_tokens": 7}, "allowed: 2 to 6"),
])  # fmt: skip
def test_slips_of_a_decoder_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        make(**change)


def of_ctranslate2(arrays):
    """The arrays of a model under the names of CTranslate2, projections joined."""
    found = {"encoder/position_encodings/encodings": sinusoids(5, 8), "decoder/alignment_heads": np.array([[0, 1]])}
    for side, kinds in (("encoder", "self"), ("decoder", "self cross")):
        ours, theirs = f"{side}.layers.0.", f"{side}/layer_0/"
        for kind in kinds.split():
            place = {"self": "self_attention", "cross": "attention"}[kind]
            joined = [["query", "key", "value"]] if kind == "self" else [["query"], ["key", "value"]]
            for number, names in enumerate([*joined, ["output"]]):
                parts = [f"{ours}{kind}_attention.{name}." for name in names]
                weight = np.concatenate([arrays[part + "weight"].T for part in parts])
                bias = np.concatenate([arrays.get(part + "bias", np.zeros(8, np.float32)) for part in parts])
                found |= {f"{theirs}{place}/linear_{number}/weight": weight}
                found |= {f"{theirs}{place}/linear_{number}/bias": bias}
            for name, last in (("gamma", "weight"), ("beta", "bias")):
                found[f"{theirs}{place}/layer_norm/{name}"] = arrays[f"{ours}{kind}_norm.{last}"]
        for name, last in (("gamma", "weight"), ("beta", "bias")):
            found[f"{theirs}ffn/layer_norm/{name}"] = arrays[f"{ours}norm.{last}"]
            found[f"{side}/layer_norm/{name}"] = arrays[f"{side}.norm.{last}"]
        for number, name in enumerate(("wide", "narrow")):
            found[f"{theirs}ffn/linear_{number}/weight"] = arrays[f"{ours}{name}.weight"].T
            found[f"{theirs}ffn/linear_{number}/bias"] = arrays[f"{ours}{name}.bias"]
    for number in (1, 2):
        for last in ("weight", "bias"):
            found[f"encoder/conv{number}/{last}"] = arrays[f"encoder.conv{number}.{last}"]
    found["decoder/embeddings/weight"] = found["decoder/projection/weight"] = arrays["decoder.embedding.weight"]
    return found | {"decoder/position_encodings/encodings": arrays["decoder.positions.weight"]}


def test_weights_of_ctranslate2_are_renamed_and_others_refused():
    rng = np.random.default_rng(1)
    shapes = {name: tuple(value.shape) for name, value in make().state_dict().items()}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    theirs, order = of_ctranslate2(arrays), ForeignNames("ctranslate2", "WhisperDecoder", []).order
    found = order.rename(theirs, shapes)
    assert list(found) == list(shapes)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    key = theirs["decoder/layer_0/attention/linear_1/bias"].copy()
    key[0] = 1
    for name, value, words in (
        ("decoder/projection/weight", arrays["decoder.embedding.weight"] + 1, "differs from the embeddings"),
        ("decoder/layer_0/attention/linear_1/bias", key, "the keys have a bias"),
        ("encoder/layer_1/ffn/linear_0/bias", np.zeros(3, np.float32), "1 left over"),
        ("encoder/conv1/bias", np.zeros(3, np.float32), "has the shape"),
    ):
        with pytest.raises(ConfigError, match=words):
            WhisperNames().rename(theirs | {name: value}, shapes)
    with pytest.raises(ConfigError, match=r"lacks encoder\.conv1\.bias"):
        order.rename({k: v for k, v in theirs.items() if k != "encoder/conv1/bias"}, shapes)
    with pytest.raises(ConfigError, match="did you mean 'ctranslate2'"):
        ForeignNames.check("ctranslate", "WhisperDecoder")
    with pytest.raises(ConfigError, match="known are WhisperDecoder"):
        ForeignNames.check("ctranslate2", "None")
