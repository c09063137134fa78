"""Convolution, normalization and activation by oneDNN compute what the framework's own operators compute."""

import weakref

import numpy as np
import paddle
import pytest
from paddle import nn

from common.layers import fused_conv, onednn
from common.layers.fast_conv import use_fast_convolutions
from common.layers.leaky_relu import LeakyReLU
from tests.common.layers.fast_blocks import assert_same, block_of, both, count_calls, forward_and_back

pytestmark = pytest.mark.usefixtures("with_onednn")

CASES = {  # images, channels in and out, side, and the rest of the convolution
    "plain": (2, 16, 32, 20, {}),
    "odd sizes, stride 2": (3, 3, 20, 33, {"stride": 2}),
    "depthwise": (2, 40, 40, 9, {"groups": 40}),
    "depthwise 5x5, stride 2": (2, 24, 24, 17, {"kernel_size": 5, "padding": 2, "stride": 2, "groups": 24}),
    "grouped": (2, 32, 64, 12, {"groups": 4}),
    "two pixels a side": (3, 8, 8, 2, {}),
    "1x1": (2, 24, 40, 13, {"kernel_size": 1, "padding": 0}),
    "1x1, stride 2": (2, 24, 40, 14, {"kernel_size": 1, "padding": 0, "stride": 2}),
    "1x7": (2, 24, 40, 13, {"kernel_size": [1, 7], "padding": [0, 3]}),
    "dilated": (2, 16, 32, 20, {"dilation": 2, "padding": 2}),
    "dilated depthwise 5x5": (2, 16, 32, 17, {"kernel_size": 5, "dilation": 4, "padding": 8, "groups": 16}),
    "TensorFlow's padding": (2, 16, 32, 20, {"stride": 2, "padding": "SAME"}),
    "TensorFlow's padding, odd, depthwise": (2, 16, 32, 17, {"stride": 2, "padding": "SAME", "groups": 16}),
}
ACTIVATIONS = {
    "none": None,
    "ReLU": nn.ReLU(),
    "ReLU6": nn.ReLU6(),
    "Hardswish": nn.Hardswish(),
    "Swish": nn.Swish(),
    "Silu": nn.Silu(),
    "LeakyReLU": LeakyReLU(),
    "the framework's LeakyReLU": nn.LeakyReLU(0.3),
    "LeakyReLU of a negative slope": LeakyReLU(-0.5),
}


def block_and_input(case="plain", activation="LeakyReLU"):
    """A block after the pass, and an input for it."""
    images, in_channels, out_channels, side, more = CASES[case]
    paddle.seed(3)
    conv = nn.Conv2D(in_channels, out_channels, **{"kernel_size": 3, "padding": 1, "bias_attr": False, **more})
    x = paddle.randn([images, in_channels, side, side]) * 2 + 0.3
    return use_fast_convolutions(block_of(conv, ACTIVATIONS[activation])), x


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("case", CASES)
def test_output_gradients_and_statistics_are_those_of_the_framework(case, activation, monkeypatch):
    block, x = block_and_input(case, activation)
    calls = count_calls(monkeypatch, "conv_norm")
    fast, own = both(block, x, monkeypatch)
    assert len(calls) == 1
    assert_same(fast, own)


def test_in_evaluation_nothing_of_the_backward_pass_is_made(monkeypatch):
    block, x = block_and_input("grouped")
    block.eval()
    fused_conv.convolution.cache_clear()
    calls = count_calls(monkeypatch, "conv2d")
    with paddle.no_grad():
        fast = block(x).numpy()
    made = fused_conv.convolution((2, 32, 12, 12), (64, 8, 3, 3), 1, (1, 1, 1, 1), 4, 1)
    assert len(calls) == 1 and not {"to_x", "to_weight"} & set(vars(made))
    monkeypatch.setattr(fused_conv, "suits", lambda x: False)
    np.testing.assert_allclose(fast, block(x).numpy(), atol=1e-5)


def test_what_needs_no_gradient_gets_none():
    block, x = block_and_input()
    block[0].weight.stop_gradient = block[1].bias.stop_gradient = x.stop_gradient = True
    block(x).sum().backward()
    assert x.grad is None and block[0].weight.grad is None and block[1].bias.grad is None
    assert np.abs(block[1].weight.grad.numpy()).max() > 0


def test_an_image_that_is_a_view_is_read_right(monkeypatch):
    block, x = block_and_input()
    wide = paddle.concat([x, x], axis=3)
    y = block(wide[:, :, :, : x.shape[3]])
    monkeypatch.setattr(fused_conv, "suits", lambda x: False)
    np.testing.assert_allclose(y.numpy(), block(x).numpy(), atol=1e-4)


def test_two_runs_give_the_same_bits():
    block, x = block_and_input()
    first, second = forward_and_back(block, x), forward_and_back(block, x)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_second_derivative_is_refused_by_the_name_of_the_attribute_that_allows_it():
    block, x = block_and_input()
    x.stop_gradient = False
    with pytest.raises(Exception, match="higher_gradients = True"):
        paddle.grad(block(x).sum(), [x, *block.parameters()], create_graph=True)


def test_nothing_is_held_once_the_gradients_are_there():
    block, x = block_and_input()
    held = []

    class Kept(list):
        """One that can be watched."""

    stage = fused_conv.convolution((2, 16, 20, 20), (32, 16, 3, 3), 1, (1, 1, 1, 1), 1, 1)
    forward = stage.forward

    def watched(x, weight):
        y, kept = forward(x, weight)
        kept = Kept(kept)
        held.append(weakref.ref(kept))
        return y, kept

    stage.forward = watched
    try:
        y = block(x)
        assert held[0]() is not None
        y.sum().backward()
        assert held[0]() is None
    finally:
        del stage.forward


def test_an_operation_that_is_forgotten_gives_its_memory_back(monkeypatch):
    destroyed = []
    monkeypatch.setattr(onednn, "destroy", lambda *given: destroyed.append(given))
    stage = fused_conv.Elementwise(onednn.plain(1, 8, 2, 2), fused_conv.RELU)
    assert not destroyed
    del stage
    assert len(destroyed) == 2
