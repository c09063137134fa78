"""Deep Speech 2: the model contract, the official parameter counts, padding, and batch normalization."""

import numpy as np
import paddle
import pytest

from common.config import load_config
from common.config.kits import ROOT
from common.inference.predictor import run_engine
from common.layers.ctc import CTCHead, CTCLoss
from common.system import distributed
from common.testing import check_model, count_parameters, load_program, save_program
from PaddleSpeech.models.assemblies.speech_recognizer import SpeechRecognizer
from PaddleSpeech.models.blocks.normalized_recurrent import NormalizedProjection, normalized_recurrent
from PaddleSpeech.models.blocks.sequence_batch_norm import SequenceBatchNorm, sums_of_maps, sums_of_rows
from PaddleSpeech.models.blocks.speech_convolutions import SpeechConvolutions
from PaddleSpeech.models.encoders.deepspeech2_encoder import DeepSpeech2Encoder
from PaddleSpeech.models.encoders.deepspeech2_streaming_encoder import DeepSpeech2StreamingEncoder

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


def make_trained(make):
    """A model in evaluation mode whose running statistics are no longer the initial ones."""
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
def test_the_output_of_an_utterance_does_not_depend_on_its_padding(name):
    model, given = make_trained(ENCODERS[name]), batch()
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
def test_padding_changes_neither_the_loss_nor_the_gradients(name):
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
    """Parameters, and buffers: the means and variances of batch normalization."""
    with paddle.LazyGuard():
        assert count_parameters(recognizer(DeepSpeech2Encoder(*arguments), 29)) == counts


def test_means_and_variances_leave_out_padding():
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


def test_without_padding_the_normalization_is_that_of_the_framework():
    x = paddle.randn([4, 6, 5])
    other = paddle.nn.BatchNorm1D(5, data_format="NLC")
    scale, shift = SequenceBatchNorm(5).affine(sums_of_rows(x, paddle.ones([4, 6])))
    np.testing.assert_allclose((x * scale + shift).numpy(), other(x).numpy(), atol=1e-5)


def test_processes_with_equal_batches_normalize_and_learn_as_one(monkeypatch):
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


@pytest.mark.parametrize("training", [False, True])
def test_a_folded_projection_equals_the_projection(training):
    paddle.seed(0)
    projection, x = NormalizedProjection(4, 6), paddle.randn([2, 5, 4])
    mask = paddle.to_tensor([[1.0] * 5, [1.0] * 3 + [0.0] * 2])
    for _ in range(3):
        projection(x, mask)  # the running statistics are no longer the initial ones
    (projection.train if training else projection.eval)()
    expected = projection(x, mask).numpy()
    weight, bias = projection.folded(x, mask)
    np.testing.assert_allclose((paddle.matmul(x, weight, transpose_y=True) + bias).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_a_layer_runs_its_recurrence_on_normalized_inputs(cell):
    """The layer of `common` on the projection B(W x), whose running statistics are not the initial ones."""
    paddle.seed(0)
    layer, x = normalized_recurrent(4, 3, cell), paddle.randn([2, 6, 4])
    length, mask = paddle.to_tensor([6, 4]), paddle.to_tensor([[1.0] * 6, [1.0] * 4 + [0.0] * 2])
    for projection in layer.inputs:
        projection(x, mask)
    layer.eval()
    found, state = layer(x, length, mask)
    for side, (projection, weights) in enumerate(zip(layer.inputs, layer.cells)):
        inputs = projection(x, mask).numpy().astype("float64")
        recurrent, bias = weights.weight.numpy(), weights.bias.numpy()
        for row, steps in enumerate((6, 4)):
            hidden = np.zeros(3)
            for t in range(steps)[:: -1 if side else 1]:
                hidden = step_by_hand(cell, inputs[row, t], recurrent @ hidden + bias, hidden)
                np.testing.assert_allclose(found.numpy()[row, t, 3 * side : 3 * side + 3], hidden, atol=1e-4)
            np.testing.assert_allclose(state.numpy()[side, row], hidden, atol=1e-4)
            assert not found.numpy()[row, steps:].any()


def step_by_hand(cell, x, recurrent, hidden):
    """The state [D] after a step, of the projected input x [K D] and U h + b [K D]; eq. 11 for the GRU."""
    if cell == "rnn":
        return np.clip(x + recurrent, 0, 20)
    r, z = (1 / (1 + np.exp(-(x[k : k + 3] + recurrent[k : k + 3]))) for k in (0, 3))
    return z * hidden + (1 - z) * np.tanh(x[6:] + r * recurrent[6:])


def test_training_and_evaluation_are_the_same_function_of_their_statistics():
    """With the statistics of the batch as running statistics, evaluation equals training."""
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
def test_lengths_out_of_range_are_clipped_in_the_export_too(name, tmp_path):
    model, features = make_trained(ENCODERS[name]), batch()["features"]
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


def test_both_directions_can_share_the_input_projection():
    assert len(normalized_recurrent(4, 3, share=True).inputs) == 1 and len(normalized_recurrent(4, 3).inputs) == 2


def test_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match="cell is 'lstm'; it is one of rnn, gru"):
        normalized_recurrent(4, 3, "lstm")


def test_the_tiny_configuration_is_built_as_it_says():
    model = load_config(ROOT / "PaddleSpeech/configs/tiny/deepspeech2.yml").build("model", num_classes=8)
    assert model.head.output.weight.shape == [64, 8] and model.inputs["features"][0][2] == 41
