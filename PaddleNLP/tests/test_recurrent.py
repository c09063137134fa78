"""GRU, LSTM and convolutions over padded texts, against the numbers of the original operators."""

import numpy as np
import paddle
import pytest

from common.layers.scan import scan
from PaddleNLP.models.encoders.convolutions import windows_of
from PaddleNLP.models.layers_recurrent import GRU, LSTM, run_gru, run_lstm
from PaddleNLP.tests.golden_numbers import golden


def padded(rows, lengths):
    """[N, T, D] and a mask [N, T] of texts whose rows stand one after another."""
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
    states = run_gru(*time_first(x, mask), gates, candidate)[:, 0].transpose([1, 0, 2])
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
    states = run_lstm(*time_first(x, mask), weights, peepholes)[:, 0].transpose([1, 0, 2])
    np.testing.assert_allclose(unpadded(states, lengths), case["out/h"], atol=1e-6)
    (states * mask.unsqueeze(2)).sum().backward()
    np.testing.assert_allclose(unpadded(x.grad, lengths), case["out/grad_x"], atol=1e-5)


def test_windows_of_three_are_the_original_sequence_conv():
    case = golden("sequence_conv")
    lengths = case["inlen/x"].tolist()
    x, _ = padded(case["in/x"], lengths)
    found = paddle.matmul(windows_of(x, 3), paddle.to_tensor(case["param/sequence_conv_0.w_0"]))
    found = found + paddle.to_tensor(case["param/sequence_conv_0.b_0"])
    np.testing.assert_allclose(unpadded(found, lengths), case["out/o"], atol=1e-5)


@pytest.mark.parametrize(("size", "first"), [(1, [[1], [2]]), (2, [[0, 1], [1, 2]]), (3, [[0, 1, 2], [1, 2, 0]])])
def test_a_window_begins_half_its_size_before_the_token(size, first):
    found = windows_of(paddle.to_tensor([[[1.0], [2.0]]]), size)
    assert found.numpy()[0].tolist() == first


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_the_right_to_left_half_reads_the_text_backwards_and_not_its_padding(kind):
    paddle.seed(0)
    layer = kind(4, 3, 2)
    x, length = paddle.randn([1, 5, 4]), 3
    mask = paddle.to_tensor([[1.0] * length + [0.0] * 2])
    whole = layer(x, mask).numpy()[0, :length, 3:]
    turned = kind(4, 3, 1)
    for own, other in ((turned.inputs[0], layer.inputs[1]), (turned.cells[0], layer.cells[1])):
        own.set_state_dict(other.state_dict())
    alone = turned(x[:, :length].flip(1), paddle.ones([1, length])).numpy()[0, ::-1]
    np.testing.assert_allclose(whole, alone, atol=1e-6)


def test_a_scan_gives_every_output_and_the_last_state():
    rows = paddle.to_tensor([1.0, 2.0, 3.0])
    outputs, last = scan(lambda total, row: (total + row, total * row), [rows], paddle.to_tensor(10.0))
    assert outputs.tolist() == [10.0, 22.0, 39.0] and last.item() == 16.0
