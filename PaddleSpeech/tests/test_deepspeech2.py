"""Deep Speech 2: the contract, the official counts, lengths, normalisation, recurrences."""

import numpy as np
import paddle
import pytest

from common.config import load_config
from common.config.kits import ROOT
from common.inference.predictor import run_engine
from common.system import distributed
from common.testing import check_model, count_parameters, load_program, save_program
from PaddleSpeech.models.encoders.deepspeech2_encoder import DeepSpeech2Encoder
from PaddleSpeech.models.encoders.deepspeech2_streaming_encoder import DeepSpeech2StreamingEncoder
from PaddleSpeech.models.heads.ctc_head import CTCHead
from PaddleSpeech.models.layers_recurrent import RecurrentLayer, simple_step
from PaddleSpeech.models.losses.ctc_loss import CTCLoss
from PaddleSpeech.models.sequence_batch_norm import SequenceBatchNorm, sums_of_maps, sums_of_rows
from PaddleSpeech.models.speech_convolutions import SpeechConvolutions
from PaddleSpeech.models.tasks.speech_recognizer import SpeechRecognizer

ENCODERS = {
    "gru": lambda: DeepSpeech2Encoder(13, 2, 8, "gru", False, 4),
    "gru, shared": lambda: DeepSpeech2Encoder(13, 2, 8, "gru", True, 4, 3),
    "rnn": lambda: DeepSpeech2Encoder(13, 2, 8, "rnn", False, 4),
    "rnn, shared": lambda: DeepSpeech2Encoder(13, 2, 8, "rnn", True, 4),
    "streaming gru": lambda: DeepSpeech2StreamingEncoder(13, 2, 8, "gru", 2, 4),
    "streaming rnn": lambda: DeepSpeech2StreamingEncoder(13, 2, 8, "rnn", 2, 4),
}
LENGTHS = [24, 17, 9]


def recognizer(encoder, classes=5):
    return SpeechRecognizer(encoder, CTCHead(encoder.out_channels, classes), CTCLoss())


def batch():
    rng = np.random.default_rng(0)
    return {
        "features": rng.normal(size=(3, 24, 13)).astype("float32"),
        "feature_length": np.array(LENGTHS),
        "labels": rng.integers(1, 5, (3, 3)).astype("int32"),
        "label_length": np.array([3, 2, 1]),
    }


def tensors(given):
    return {name: paddle.to_tensor(value) for name, value in given.items()}


def settled(make):
    """A model whose running statistics are no longer the first ones, in evaluation."""
    paddle.seed(0)
    model = recognizer(make())
    with paddle.no_grad():
        for _ in range(20):
            model.loss(tensors(batch()))
    model.eval()
    return model


@pytest.mark.parametrize("name", ENCODERS)
def test_a_recognizer_keeps_the_contract(name, tmp_path):
    paddle.seed(0)
    check_model(lambda: recognizer(ENCODERS[name]()), batch(), tmp_path)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_padded_utterance_answers_exactly_as_it_does_alone(name):
    """Whatever the padding holds."""
    model, given = settled(ENCODERS[name]), batch()
    for row, length in enumerate(LENGTHS):
        given["features"][row, length:] = 99.0
    with paddle.no_grad():
        _, _, together, lengths = model(paddle.to_tensor(given["features"]), paddle.to_tensor(LENGTHS))
        for row, length in enumerate(LENGTHS):
            alone = model(paddle.to_tensor(given["features"][row : row + 1, :length]), paddle.to_tensor([length]))[2]
            steps = int(lengths[row])
            assert steps == alone.shape[1] == -(-length // model.encoder.time_stride)
            np.testing.assert_allclose(together.numpy()[row, :steps], alone.numpy()[0], atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_padding_changes_neither_the_loss_of_a_training_step_nor_what_it_learns(name):
    paddle.seed(0)
    model = recognizer(ENCODERS[name]())
    first = {key: value.clone() for key, value in model.state_dict().items()}
    seen = []
    for more in (0, 5):
        model.set_state_dict({key: value.clone() for key, value in first.items()})
        given = batch()
        given["features"] = np.pad(given["features"], ((0, 0), (0, more), (0, 0)), constant_values=7.0)
        loss = model.loss(tensors(given))["loss_ctc"]
        loss.backward()
        gradients = {key: value.grad.numpy() for key, value in model.named_parameters() if not value.stop_gradient}
        seen.append((loss.item(), gradients, {key: value.numpy() for key, value in model.state_dict().items()}))
        model.clear_gradients()
    assert seen[0][0] == pytest.approx(seen[1][0], rel=1e-5)
    for one, two in zip(seen[0][1:], seen[1][1:]):
        for key, value in one.items():
            np.testing.assert_allclose(two[key], value, atol=2e-4 * max(1.0, np.abs(value).max()), err_msg=key)


@pytest.mark.parametrize(
    ("arguments", "counts"),
    [((161, 3, 2048, "rnn", True), (45_024_509, 12_416)), ((161, 3, 1024, "gru", False), (52_466_941, 36_992))],
)
def test_the_model_has_as_many_parameters_as_the_original(arguments, counts):
    """Trained, and held besides: means and variances of the normalisations."""
    with paddle.LazyGuard():
        assert count_parameters(recognizer(DeepSpeech2Encoder(*arguments), 29)) == counts


def test_means_and_variances_are_those_of_frames_that_are_there():
    """Channel 0 of three frames, 1 2 6, the fourth is padding: mean 3, variance (4 + 1 + 9) / 3."""
    x = paddle.to_tensor([[[1.0, 0.0], [2.0, 0.0]], [[6.0, 3.0], [99.0, 99.0]]])
    mask = paddle.to_tensor([[1.0, 1.0], [1.0, 0.0]])
    norm = SequenceBatchNorm(2, momentum=0.5, epsilon=0.0)
    mean, variance = norm.moments(*sums_of_rows(x, mask))
    np.testing.assert_allclose(mean.numpy(), [3.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(variance.numpy(), [14 / 3, 2.0], rtol=1e-5)
    np.testing.assert_allclose(norm._mean.numpy(), [1.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(norm._variance.numpy(), [(1 + 14 / 3) / 2, 1.5], rtol=1e-5)
    scale, shift = norm.affine(sums_of_rows(x, mask))
    np.testing.assert_allclose((x * scale + shift).numpy()[1, 0, 0], 3 / (14 / 3) ** 0.5, rtol=1e-5)
    maps = paddle.stack([x, x + 1], 3).transpose([0, 2, 1, 3])  # [N, C, T, F], each frequency one more
    mean, variance = norm.moments(*sums_of_maps(maps, mask))
    np.testing.assert_allclose(mean.numpy(), [3.5, 1.5], rtol=1e-6)
    np.testing.assert_allclose(variance.numpy(), [14 / 3 + 0.25, 2.25], rtol=1e-5)


def test_without_padding_the_normalisation_is_that_of_the_framework():
    x = paddle.randn([4, 6, 5])
    other = paddle.nn.BatchNorm1D(5, data_format="NLC")
    scale, shift = SequenceBatchNorm(5).affine(sums_of_rows(x, paddle.ones([4, 6])))
    np.testing.assert_allclose((x * scale + shift).numpy(), other(x).numpy(), atol=1e-5)


def test_processes_with_equal_parts_normalise_and_learn_as_one_does_alone(monkeypatch):
    """Sums, counts and gradients of the sums double; means, and so everything else, stay."""
    found = []
    for world in (1, 2):
        monkeypatch.setattr(distributed, "world_size", lambda world=world: world)
        monkeypatch.setattr(distributed, "second_channel", lambda: None)
        monkeypatch.setattr(distributed, "all_reduce_sum", lambda array, group=None: array * 2)
        paddle.seed(0)
        norm, x = SequenceBatchNorm(4), paddle.randn([2, 5, 4])
        x.stop_gradient = False
        scale, shift = norm.affine(sums_of_rows(x, paddle.to_tensor([[1.0] * 5, [1.0] * 3 + [0.0] * 2])))
        ((x * scale + shift) ** 3).sum().backward()
        found.append([scale.numpy(), shift.numpy(), norm._mean.numpy(), norm._variance.numpy(), x.grad.numpy()])
    for alone, together in zip(*found):
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


def plain_gru(x, weight, bias, projection):
    """[T, D] of x [T, I] by the formulas at the head of layers_recurrent.py, one frame after another."""
    size = weight.shape[1]
    state, states = np.zeros(size), []
    for row in x @ projection.T:
        kept = weight @ state + bias
        r, z = (1 / (1 + np.exp(-(row[k : k + size] + kept[k : k + size]))) for k in (0, size))
        new = np.tanh(row[2 * size :] + r * kept[2 * size :])
        state = z * state + (1 - z) * new
        states.append(state)
    return np.array(states)


def plain_rnn(x, weight, bias, projection):
    """The same of simple layers."""
    state, states = np.zeros(weight.shape[1]), []
    for row in x @ projection.T:
        state = np.clip(row + weight @ state + bias, 0, 20)
        states.append(state)
    return np.array(states)


@pytest.mark.parametrize(("cell", "plain"), [("gru", plain_gru), ("rnn", plain_rnn)])
def test_a_layer_reads_both_ways_as_its_formulas_say(cell, plain):
    paddle.seed(0)
    layer = RecurrentLayer(4, 3, cell)
    for side in layer.cells:
        side.bias.set_value(paddle.randn(side.bias.shape))
    layer.eval()  # the first running statistics change nothing but for epsilon
    rng, lengths = np.random.default_rng(0), [6, 4]
    x = rng.normal(size=(2, 6, 4)).astype("float32")
    mask = np.arange(6) < np.array(lengths)[:, None]
    found, state = layer(*map(paddle.to_tensor, (x, np.array(lengths), mask.astype("float32"))))
    for row, length in enumerate(lengths):
        for side in (0, 1):
            read = x[row, :length][:: -1 if side else 1]
            weights = [layer.cells[side].weight, layer.cells[side].bias, layer.inputs[side].weight]
            right = plain(read, *(w.numpy() for w in weights))
            np.testing.assert_allclose(state.numpy()[side, row], right[-1], atol=1e-4)
            own = found.numpy()[row, :length, 3 * side : 3 * side + 3]
            np.testing.assert_allclose(own, right[:: -1 if side else 1], atol=1e-4)
        assert not found.numpy()[row, length:].any()


def test_a_simple_step_worked_out_by_hand():
    """x + U h + b = 1 + (1 2) . (3 4) + 0.5 = 12.5, and 30 - 11 + 0.5; the other is cut at 0 and at 20."""
    x, state = paddle.to_tensor([[[1.0, 30.0]]]), paddle.to_tensor([[[3.0, 4.0]]])
    weights, biases = paddle.to_tensor([[[1.0, 2.0], [-1.0, -2.0]]]), paddle.to_tensor([[[0.5, 0.5]]])
    assert simple_step(x, state, weights, biases).numpy().ravel().tolist() == [12.5, 19.5]
    assert simple_step(x * 10, state, weights, biases).numpy().ravel().tolist() == [20.0, 20.0]
    assert simple_step(-x, state, weights, biases).numpy().ravel().tolist() == [10.5, 0.0]


def test_training_and_evaluation_are_the_same_function_of_their_statistics():
    """With the statistics of a batch as running ones, evaluation answers what training does."""
    for make in ENCODERS.values():
        paddle.seed(0)
        model, given = recognizer(make()), tensors(batch())
        for layer in model.sublayers():
            if isinstance(layer, SequenceBatchNorm):
                layer.momentum = 0.0
        with paddle.no_grad():
            training = model.predict(given["features"], given["feature_length"]).numpy()
            model.eval()
            np.testing.assert_allclose(
                model.predict(given["features"], given["feature_length"]).numpy(), training, atol=1e-4
            )


def test_the_convolutions_halve_the_frequencies_twice_as_in_the_original():
    """161 -> 81 -> 41 frequencies of 32 channels; 40 frames at a stride of 3 -> 14."""
    convolutions = SpeechConvolutions(161, time_stride=3)
    assert convolutions.out_channels == 41 * 32
    x, length, mask = convolutions(paddle.randn([1, 40, 161]), paddle.to_tensor([40]))
    assert x.shape == [1, 14, 1312] and length.item() == 14 and mask.shape == [1, 14]


@pytest.mark.parametrize("name", ["gru", "rnn"])
def test_a_length_that_cannot_be_counts_as_the_nearest_that_can_exported_too(name, tmp_path):
    model, features = settled(ENCODERS[name]), batch()["features"]
    save_program(model, tmp_path / "model")
    engine = load_program(tmp_path / "model")
    for wrong, right in (([10**9, 25, -3], [24, 24, 1]), ([0, 24, 9], [1, 24, 9])):
        found, wanted = (
            run_engine(engine, {"features": features, "feature_length": np.array(length)}) for length in (wrong, right)
        )
        for one, two in zip(found, wanted):
            np.testing.assert_array_equal(one, two)
        with paddle.no_grad():
            eager = model(paddle.to_tensor(features), paddle.to_tensor(wrong))
        np.testing.assert_allclose(found[2], eager[2].numpy(), atol=1e-4)


def test_the_inputs_of_both_directions_have_one_weight_where_they_are_shared():
    assert len(RecurrentLayer(4, 3, share=True).inputs) == 1 and len(RecurrentLayer(4, 3).inputs) == 2


def test_a_cell_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="cell is 'lstm'; it is one of rnn, gru"):
        RecurrentLayer(4, 3, "lstm")


def test_the_full_size_configuration_is_built_as_it_says():
    model = load_config(ROOT / "PaddleSpeech/configs/tiny/deepspeech2.yml").build("model", num_classes=8)
    assert model.head.output.weight.shape == [64, 8] and model.inputs["features"][0][2] == 41
