"""Recurrent layers: the original operators, formulas step by step, both directions, padding, and carried states."""

import json
import pathlib

import numpy as np
import paddle
import pytest
from paddle import nn

from common.layers.recurrent import GRU, ClippedRNN, PeepholeLSTM, ResetAfterGRU, clipped_step, run_gru, run_lstm
from common.layers.scan import scan

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


class Projection(nn.Layer):
    """A linear projection, as the layers with built projections take it."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.weight = self.create_parameter([out_channels, in_channels])

    def forward(self, x, mask):
        return paddle.matmul(x, self.weight, transpose_y=True)

    def folded(self, x, mask):
        return self.weight, paddle.zeros([self.weight.shape[0]])


def projected(kind, in_channels, hidden_size, directions, shared=False):
    """A layer with linear projections."""
    count = 1 if shared else directions
    return kind([Projection(in_channels, kind.gates * hidden_size) for _ in range(count)], hidden_size, directions)


LAYERS = {
    "GRU": lambda directions: GRU(4, 3, directions),
    "PeepholeLSTM": lambda directions: PeepholeLSTM(4, 3, directions),
    "ClippedRNN": lambda directions: projected(ClippedRNN, 4, 3, directions),
    "ResetAfterGRU": lambda directions: projected(ResetAfterGRU, 4, 3, directions),
}


def golden(name):
    """Inputs and outputs of an operator of PaddlePaddle 1.8.5, arrays by name."""
    entries = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return {k: np.array(e["values"], e["dtype"]).reshape(e["shape"]) for k, e in entries.items()}


def padded(rows, lengths):
    """[N, T, D] and a mask [N, T] of sequences whose steps are concatenated in `rows`."""
    longest = max(lengths)
    x, mask = np.zeros((len(lengths), longest, rows.shape[1]), "float32"), np.zeros((len(lengths), longest), "float32")
    start = 0
    for n, length in enumerate(lengths):
        x[n, :length], mask[n, :length] = rows[start : start + length], 1
        start += length
    return paddle.to_tensor(x), paddle.to_tensor(mask)


def unpadded(x, lengths):
    return np.concatenate([x.numpy()[n, :length] for n, length in enumerate(lengths)])


def time_first(x, mask):
    return x.transpose([1, 0, 2]).unsqueeze(1), mask.transpose([1, 0]).unsqueeze([1, 3])


def test_the_gru_is_the_original_dynamic_gru():
    case = golden("dynamic_gru")
    lengths = case["inlen/x"].tolist()
    x, mask = padded(case["in/x"] + case["param/gru_0.b_0"], lengths)
    x.stop_gradient = False
    weight = case["param/gru_0.w_0"].reshape(-1)
    gates, candidate = (paddle.to_tensor(w) for w in (weight[:18].reshape(1, 3, 6), weight[18:].reshape(1, 3, 3)))
    states = run_gru(*time_first(x, mask), gates, candidate)[0][:, 0].transpose([1, 0, 2])
    np.testing.assert_allclose(unpadded(states, lengths), case["out/h"], atol=1e-6)
    (states * mask.unsqueeze(2)).sum().backward()
    np.testing.assert_allclose(unpadded(x.grad, lengths), case["out/grad_x"], atol=1e-5)


def test_the_lstm_is_the_original_dynamic_lstm_with_peepholes():
    case = golden("dynamic_lstm_peephole")
    lengths = case["inlen/x"].tolist()
    bias = case["param/lstm_0.b_0"]
    x, mask = padded(case["in/x"] + bias[:, :12], lengths)
    x.stop_gradient = False
    weights, peepholes = paddle.to_tensor(case["param/lstm_0.w_0"][None]), paddle.to_tensor(bias[:, 12:][None])
    states = run_lstm(*time_first(x, mask), weights, peepholes)[0][:, 0].transpose([1, 0, 2])
    np.testing.assert_allclose(unpadded(states, lengths), case["out/h"], atol=1e-6)
    (states * mask.unsqueeze(2)).sum().backward()
    np.testing.assert_allclose(unpadded(x.grad, lengths), case["out/grad_x"], atol=1e-5)


def reset_after_gru(x, weight, bias):
    """The states [T, D] of a ResetAfterGRU for projected inputs [T, 3 D], by the formulas of the file."""
    size = weight.shape[1]
    state, states = np.zeros(size), []
    for row in x:
        recurrent = weight @ state + bias
        r, z = (1 / (1 + np.exp(-(row[k : k + size] + recurrent[k : k + size]))) for k in (0, size))
        new = np.tanh(row[2 * size :] + r * recurrent[2 * size :])
        state = z * state + (1 - z) * new
        states.append(state)
    return np.array(states)


def clipped_rnn(x, weight, bias):
    """The states [T, D] of a ClippedRNN for projected inputs [T, D]."""
    state, states = np.zeros(weight.shape[1]), []
    for row in x:
        state = np.clip(row + weight @ state + bias, 0, 20)
        states.append(state)
    return np.array(states)


@pytest.mark.parametrize(("kind", "formula"), [(ResetAfterGRU, reset_after_gru), (ClippedRNN, clipped_rnn)])
def test_both_directions_follow_their_formulas(kind, formula):
    paddle.seed(0)
    layer = projected(kind, 4, 3, 2)
    for cell in layer.cells:
        cell.bias.set_value(paddle.randn(cell.bias.shape))
    rng, lengths = np.random.default_rng(0), [6, 4]
    x = rng.normal(size=(2, 6, 4)).astype("float32")
    mask = np.arange(6) < np.array(lengths)[:, None]
    found, state = layer(*map(paddle.to_tensor, (x, np.array(lengths), mask.astype("float32"))))
    for row, length in enumerate(lengths):
        for side in (0, 1):
            read = x[row, :length][:: -1 if side else 1] @ layer.inputs[side].weight.numpy().T
            expected = formula(read, layer.cells[side].weight.numpy(), layer.cells[side].bias.numpy())
            np.testing.assert_allclose(state.numpy()[side, row], expected[-1], atol=1e-4)
            own = found.numpy()[row, :length, 3 * side : 3 * side + 3]
            np.testing.assert_allclose(own, expected[:: -1 if side else 1], atol=1e-4)


def test_a_clipped_step_worked_out_by_hand():
    """x + U h + b = 1 + (1 2) . (3 4) + 0.5 = 12.5, and 30 - 11 + 0.5; the others are clipped at 0 and at 20."""
    x, state = paddle.to_tensor([[[1.0, 30.0]]]), paddle.to_tensor([[[3.0, 4.0]]])
    weights, biases = paddle.to_tensor([[[1.0, 2.0], [-1.0, -2.0]]]), paddle.to_tensor([[[0.5, 0.5]]])
    assert clipped_step(x, state, weights, biases).numpy().ravel().tolist() == [12.5, 19.5]
    assert clipped_step(x * 10, state, weights, biases).numpy().ravel().tolist() == [20.0, 20.0]
    assert clipped_step(-x, state, weights, biases).numpy().ravel().tolist() == [10.5, 0.0]


@pytest.mark.parametrize("name", LAYERS)
def test_the_backward_direction_reads_the_sequence_reversed_and_not_its_padding(name):
    paddle.seed(0)
    layer, one_way = LAYERS[name](2), LAYERS[name](1)
    x, length = paddle.randn([1, 5, 4]), 3
    mask = paddle.to_tensor([[1.0] * length + [0.0] * 2])
    outputs, _ = layer(x, paddle.to_tensor([length]), mask)
    for own, other in ((one_way.inputs[0], layer.inputs[1]), (one_way.cells[0], layer.cells[1])):
        own.set_state_dict(other.state_dict())
    reverse = x[:, :length].flip(1)
    alone, _ = one_way(reverse, paddle.to_tensor([length]), paddle.ones([1, length]))
    np.testing.assert_allclose(outputs.numpy()[0, :length, 3:], alone.numpy()[0, ::-1], atol=1e-6)
    assert not outputs.numpy()[0, length:].any()


@pytest.mark.parametrize("name", LAYERS)
def test_a_sequence_in_two_pieces_gives_the_outputs_of_the_whole(name):
    paddle.seed(0)
    layer, x, state, found = LAYERS[name](1), paddle.randn([2, 7, 4]), None, []
    for piece in (x[:, :3], x[:, 3:]):
        steps = piece.shape[1]
        outputs, state = layer(piece, paddle.to_tensor([steps] * 2), paddle.ones([2, steps]), state)
        found.append(outputs)
    whole, last = layer(x, paddle.to_tensor([7, 7]), paddle.ones([2, 7]))
    np.testing.assert_allclose(paddle.concat(found, 1).numpy(), whole.numpy(), atol=1e-6)
    np.testing.assert_allclose(state.numpy(), last.numpy(), atol=1e-6)


def test_a_shared_projection_serves_both_directions():
    layer = projected(ClippedRNN, 4, 3, 2, shared=True)
    assert len(layer.inputs) == 1 and layer.out_channels == 6
    assert layer(paddle.randn([1, 2, 4]), paddle.to_tensor([2]), paddle.ones([1, 2]))[0].shape == [1, 2, 6]


def test_other_directions_than_one_or_two_are_refused():
    with pytest.raises(ValueError, match="directions is 3; it is 1 or 2"):
        GRU(4, 3, 3)


def test_a_scan_gives_every_output_and_the_last_state():
    rows = paddle.to_tensor([1.0, 2.0, 3.0])
    outputs, last = scan(lambda total, row: (total + row, total * row), [rows], paddle.to_tensor(10.0))
    assert outputs.tolist() == [10.0, 22.0, 39.0] and last.item() == 16.0


def test_a_gru_with_relu_candidates_worked_out_by_hand():
    """Of weights 0 and biases (0, 0, 2): u is 1/2, c is relu(2), and the states are halfway from before to 2."""
    layer = GRU(1, 1, 1, bias=paddle.ParamAttr(learning_rate=2.0), activation="relu", project_bias=False)
    for weight in (layer.inputs[0].weight, layer.cells[0].weight):
        weight.set_value(paddle.zeros_like(weight))
    layer.cells[0].bias.set_value(np.array([0.0, 0.0, 2.0], "float32"))
    outputs, _ = layer(paddle.zeros([1, 3, 1]), paddle.to_tensor([2]), paddle.to_tensor([[1.0, 1.0, 0.0]]))
    np.testing.assert_allclose(outputs.numpy()[0, :, 0], [1.0, 1.5, 0.0], rtol=1e-6)
    assert layer.inputs[0].bias is None and layer.cells[0].bias.optimize_attr["learning_rate"] == 2.0
    with pytest.raises(ValueError, match="activation is 'elu'; it is tanh or relu"):
        GRU(1, 1, activation="elu")
