"""DeepVoice3: the contract, its formulas worked out by hand, and synthesis that equals training's computation."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional as F

from common.config import load_config
from common.config.kits import ROOT
from common.testing import check_model, count_parameters
from PaddleSpeech.metrics.spectrogram_errors import SpectrogramErrors, diagonal, draw_attention
from PaddleSpeech.models.assemblies.speech_synthesizer import MultiSpeakerSynthesizer, SpeechSynthesizer
from PaddleSpeech.models.blocks.monotonic_attention import HIDDEN, MonotonicAttention, encode_positions
from PaddleSpeech.models.blocks.weight_norm import WeightNormConv1D, WeightNormUpsampling
from PaddleSpeech.models.converters.deepvoice3_converter import DeepVoice3Converter
from PaddleSpeech.models.decoders.deepvoice3_decoder import DeepVoice3Decoder
from PaddleSpeech.models.encoders.deepvoice3_encoder import DeepVoice3Encoder
from PaddleSpeech.models.losses.synthesis_loss import SynthesisLoss, end_of, off_diagonal

MOST = 12


def make(speaker_size=0, window=(3, 1), least=4):
    same = {"dropout": 0.0, "speaker_size": speaker_size}
    encoder = DeepVoice3Encoder(12, 8, 10, 3, (1, 3), **same)
    decoder = DeepVoice3Decoder(8, 5, 8, 3, (1,), (1, 3, 1), (1.0, 1.5), window=window, **same)
    parts = encoder, decoder, DeepVoice3Converter(8, 7, 4, 6, 3, **same), SynthesisLoss()
    if not speaker_size:
        return SpeechSynthesizer(*parts, MOST, least)
    return MultiSpeakerSynthesizer(*parts, nn.Embedding(2, speaker_size), MOST, least)


def batch():
    rng = np.random.default_rng(0)
    return {
        "ids": np.array([[3, 4, 5, 6, 1], [5, 6, 1, 0, 0], [7, 1, 0, 0, 0]]),
        "length": np.array([5, 3, 2]),
        "speaker": np.array([0, 1, 1]),
        "mel": rng.random((3, 24, 5), np.float32),
        "linear": rng.random((3, 24, 7), np.float32),
        "frame_length": np.array([24, 14, 7]),
    }


def tensors(values):
    return {name: paddle.to_tensor(value) for name, value in values.items()}


@pytest.mark.parametrize("speaker_size", [0, 3])
def test_a_synthesizer_keeps_the_contract(speaker_size, tmp_path):
    check_model(lambda: make(speaker_size), batch(), tmp_path)


def test_the_network_has_as_many_parameters_as_the_original():
    with paddle.LazyGuard():
        model = load_config(ROOT / "PaddleSpeech/configs/deepvoice3_ljspeech.yml").build("model")
    assert count_parameters(model)[0] == 25_620_980  # beside two tables of positions, 262,144 numbers


def lively(speaker_size=0, **more):
    """A model whose frames differ from step to step, in evaluation mode."""
    paddle.seed(5)
    model = make(speaker_size, **more)
    for name, parameter in model.named_parameters():
        if name.endswith("weight_g"):
            parameter.set_value(parameter * 1.2)
    model.eval()
    return model


@pytest.mark.parametrize("speaker_size", [0, 3])
def test_synthesis_step_by_step_computes_what_training_computes_at_once(speaker_size):
    model, given = lively(speaker_size, window=(99, 99), least=MOST), tensors(batch())
    voice = model.voice(given["speaker"])
    memory = model.decoder.remember(*model.encode(given["ids"], given["length"], voice), voice)
    states, weights, steps, ended = model.decoder.write(memory, voice, MOST, MOST)
    assert steps.tolist() == [MOST] * 3
    frames = F.sigmoid(model.decoder.output.project(states))
    before = paddle.concat([paddle.zeros_like(frames[:, :1]), frames[:, :-1]], axis=1)
    _, end, expected, both = model.decoder(before, memory, voice)
    np.testing.assert_allclose(states.numpy(), expected.numpy(), atol=2e-5)
    np.testing.assert_allclose(weights.numpy(), sum(both).numpy() / 2, atol=2e-5)
    assert ended.tolist() == (end[:, -1] > 0).tolist()
    assert states.numpy().std(axis=1).max() > 0.01


@pytest.mark.parametrize("speaker_size", [0, 3])
def test_a_text_is_spoken_alike_alone_and_in_a_batch(speaker_size):
    model, given = lively(speaker_size), tensors(batch())
    model.decoder.end.bias.set_value(paddle.to_tensor([0.1]))
    together = model(*(given[name] for name in model.inputs))
    assert together[0].shape[1] == int(together[1].max())
    for row, length in enumerate(batch()["length"]):
        one = {name: given[name][row : row + 1] for name in model.inputs} | {
            "ids": given["ids"][row : row + 1, :length]
        }
        levels, frames, ended, weights = model(**one)
        assert frames.item() == together[1][row].item() and ended.item() == together[2][row].item()
        count = frames.item()
        np.testing.assert_allclose(levels[0].numpy(), together[0][row, :count].numpy(), atol=1e-4)
        np.testing.assert_allclose(weights[0].numpy(), together[3][row, : count // 4, :length].numpy(), atol=1e-4)
        assert not together[0][row, count:].numpy().any()


def test_a_text_ends_where_its_end_is_probable_but_not_too_soon():
    model, given = lively(), tensors(batch())
    for bias, steps, ended in ((99.0, 4, True), (-99.0, MOST, False)):
        model.decoder.end.bias.set_value(paddle.to_tensor([bias]))
        _, frames, complete, _ = model(given["ids"], given["length"])
        assert frames.tolist() == [4 * steps] * 3 and complete.tolist() == [ended] * 3


def test_attention_moves_within_its_window_and_not_into_the_padding():
    model, given = lively(window=(2, 0)), tensors(batch())
    model.decoder.end.bias.set_value(paddle.to_tensor([-99.0]))
    weights = model(given["ids"], given["length"])[3].numpy()
    np.testing.assert_allclose(weights.sum(2), 1, rtol=1e-5)
    assert weights[1, :, 3:].max() < 1e-20 and weights[2, :, 2:].max() < 1e-20
    assert weights[0, 0, 2:].max() < 1e-20  # the first step sees the first two symbols


def test_the_window_is_one_symbol_back_and_three_ahead():
    attention = MonotonicAttention(4, 4)
    scores = attention.outside(paddle.to_tensor([2, 0]), paddle.zeros([2, 7, 4])).numpy()
    assert (scores[0, 0] / HIDDEN).tolist() == [1, 0, 0, 0, 0, 1, 1]
    assert (scores[1, 0] / HIDDEN).tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_queries_and_keys_begin_with_equal_projections():
    attention = MonotonicAttention(6, 6)
    np.testing.assert_array_equal(attention.query.weight_v.numpy(), attention.key.weight_v.numpy())
    assert MonotonicAttention(5, 6).query.weight_v.shape == [6, 5, 1]


def test_positions_are_sines_and_cosines_from_one_on():
    found = encode_positions(2, 4, 0.5).numpy()
    angles = [0.5, 0.5, 0.5 / 100, 0.5 / 100]
    np.testing.assert_allclose(
        found[0], [np.sin(angles[0]), np.cos(angles[1]), np.sin(angles[2]), np.cos(angles[3])], rtol=1e-5
    )
    np.testing.assert_allclose(found[1, 0], np.sin(1.0), rtol=1e-5)
    rates = encode_positions(2, 4, paddle.to_tensor([[0.5], [1.0]])).numpy()
    np.testing.assert_allclose(rates[0], found, rtol=1e-6)
    np.testing.assert_allclose(rates[1, 0], found[1], rtol=1e-6)


def test_the_weight_is_a_direction_times_a_length():
    layer = WeightNormConv1D(2, 1, 1)
    layer.weight_v.set_value(paddle.to_tensor([[[3.0], [4.0]]]))
    layer.weight_g.set_value(paddle.to_tensor([[[10.0]]]))
    layer.bias.set_value(paddle.to_tensor([1.0]))
    assert layer.weight().numpy().ravel() == pytest.approx([6, 8])
    assert layer(paddle.to_tensor([[[1.0, 0.0], [0.0, 1.0]]])).numpy().ravel() == pytest.approx([7, 9])
    assert layer.project(paddle.to_tensor([[1.0, 1.0]])).item() == pytest.approx(15)
    with pytest.raises(ValueError, match="odd"):
        WeightNormConv1D(2, 1, 2)


@pytest.mark.parametrize("causal, seen", [(True, [0, 2, 4]), (False, [2, 4, 6])])
def test_a_convolution_sees_the_steps_of_its_taps(causal, seen):
    layer = WeightNormConv1D(1, 1, 3, 2, causal)
    given = np.zeros((8, 1, 8), np.float32)
    given[np.arange(8), 0, np.arange(8)] = 1
    found = (layer(paddle.to_tensor(given)) - layer.bias.reshape([1, 1, 1])).numpy()
    assert np.flatnonzero(found[:, 0, 4]).tolist() == seen


def test_upsampling_is_a_transposed_convolution():
    layer, x = WeightNormUpsampling(3), paddle.randn([2, 3, 4])
    layer.bias.set_value(paddle.to_tensor([1.0, 2.0, 3.0]))
    v, g = layer.weight_v, layer.weight_g
    weight = v * g / paddle.sqrt((v * v).sum([1, 2], keepdim=True))
    expected = F.conv1d_transpose(x, weight, layer.bias, stride=2)
    np.testing.assert_allclose(layer(x).numpy(), expected.numpy(), atol=1e-5)


def test_the_guided_attention_penalizes_by_the_distance_from_the_diagonal():
    found = off_diagonal(paddle.to_tensor([2, 1]), paddle.to_tensor([4, 2]), paddle.zeros([2, 4, 2]), 0.5).numpy()
    apart = np.array([[0, 0.5], [0.25, 0.25], [0.5, 0], [0.75, 0.25]])  # |t / 4 - s / 2|
    np.testing.assert_allclose(found[0], 1 - np.exp(-(apart**2) / 0.5), rtol=1e-5)
    np.testing.assert_allclose(found[1], [[0, 0], [1 - np.exp(-0.5), 0], [0, 0], [0, 0]], rtol=1e-5)


def test_half_of_the_loss_of_levels_is_over_frames_that_are_no_padding():
    logits = paddle.zeros([1, 2, 1])
    target, mask = paddle.to_tensor([[[1.0], [0.5]]]), paddle.to_tensor([[1.0, 0.0]])
    whole = np.log(2)  # the divergence of 0.5 from any level
    found = SynthesisLoss(masked=0.5, binary_divergence=0.1).levels(logits, target, mask).item()
    assert found == pytest.approx(0.5 * (0.9 * 0.5 + 0.1 * whole) + 0.5 * (0.9 * 0.25 + 0.1 * whole))
    absolute = SynthesisLoss(masked=1.0, binary_divergence=0.0).levels(logits, target, mask).item()
    assert absolute == pytest.approx(0.5)
    divergence = SynthesisLoss(masked=1.0, binary_divergence=1.0).levels(logits + 2.0, target, mask).item()
    assert divergence == pytest.approx(np.log(1 + np.exp(2)) - 2, rel=1e-5)


def test_the_end_is_from_the_last_step_on():
    assert end_of(paddle.to_tensor([1, 3]), paddle.zeros([2, 4])).tolist() == [[1, 1, 1, 1], [0, 0, 1, 1]]


def test_the_target_of_a_step_is_its_first_frame_and_its_input_the_frame_before():
    model, given = lively(), tensors(batch())
    found = model.teach(given)
    np.testing.assert_array_equal(found["target"].numpy(), batch()["mel"][:, ::4])
    assert found["steps"].tolist() == [6, 4, 2] and found["linear"].shape == [3, 24, 7]
    changed = tensors(batch())
    changed["mel"][:, 8] = 0.0  # the frame of step 2
    other = model.teach(changed)["mel"].numpy()
    same = np.isclose(other, found["mel"].numpy(), atol=1e-7).all(2)
    assert same[:, :3].all() and not same[0, 3]
    assert SynthesisLoss(sigma=0)(found, given).keys() == {"loss_mel", "loss_linear", "loss_end"}
    assert [image.shape[2:] for image in model.sheet(given)] == [[5, 6], [5, 6], [5, 6]]


def test_errors_are_over_the_frames_of_each_text_and_beside_the_mean_frame():
    model, metric, given = lively(), SpectrogramErrors(), batch() | {"path": ["a", "b", "c"]}
    metric.update(model, given)
    found = model.teach(tensors(batch()))
    mel, target = F.sigmoid(found["mel"]).numpy(), found["target"].numpy()
    rows = [(0, 6), (1, 4), (2, 2)]
    errors = np.concatenate([np.abs(mel - target)[row, :count] for row, count in rows])
    frames = np.concatenate([target[row, :count] for row, count in rows])
    scores = metric.compute()
    assert scores["mel_l1"] == pytest.approx(errors.mean(), rel=1e-5)
    assert scores["mean_frame_l1"] == pytest.approx(np.abs(frames - frames.mean(0)).mean(), rel=1e-5)
    assert 0 < scores["diagonality"] < 1
    parts = [SpectrogramErrors(), SpectrogramErrors()]
    for number, part in enumerate(parts):
        rows = slice(0, 2) if number else slice(2, 3)
        part.update(model, {name: value[rows] for name, value in given.items()})
    merged = SpectrogramErrors()
    merged.merge([part.state() for part in parts])
    assert merged.compute() == pytest.approx(scores, rel=1e-4)
    worst = metric.worst()
    assert [item["score"] for item in worst] == sorted(item["score"] for item in worst) and len(worst) == 3
    assert worst[0]["drawing"].dtype == np.uint8 and worst[0]["drawing"].shape[2] == 3


def test_attention_on_the_diagonal_scores_one():
    np.testing.assert_allclose(np.diag(diagonal(4, 4)), 1)
    assert diagonal(4, 2)[0, 1] == pytest.approx(np.exp(-0.25 / 0.08))
    assert draw_attention(np.eye(3, 5)).shape == (480, 288, 3)


@pytest.mark.parametrize("given, words", [
    ({"window": (0, 1)}, "ahead is 0"), ({"window": (3,)}, "two numbers"),
])  # fmt: skip
def test_wrong_settings_of_the_decoder_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        DeepVoice3Decoder(8, 5, 8, **given)
    with pytest.raises(ValueError, match="allowed: 1, 2, 4, 8"):
        DeepVoice3Converter(8, 7, 3)
    with pytest.raises(ValueError, match="allowed"):
        SynthesisLoss(masked=2)
    with pytest.raises(ValueError, match="max_steps"):
        SpeechSynthesizer(*[None] * 4, max_steps=3)
