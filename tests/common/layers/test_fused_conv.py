"""Convolution, normalisation and activation by oneDNN give what the framework's own operators give."""

import weakref

import numpy as np
import paddle
import pytest
from paddle import nn

from common.layers import fused_conv, onednn
from PaddleCV.models.blocks.conv_norm import ConvNorm

CASES = {  # images, channels in and out, side, kernel size, stride, groups
    "plain": (2, 16, 32, 20, 3, 1, 1),
    "odd sizes, stride 2": (3, 3, 20, 33, 3, 2, 1),
    "depthwise": (2, 40, 40, 9, 3, 1, 40),
    "depthwise 5x5, stride 2": (2, 24, 24, 17, 5, 2, 24),
    "grouped": (2, 32, 64, 12, 3, 1, 4),
    "two pixels a side": (3, 8, 8, 2, 3, 1, 1),
    "1x1": (2, 24, 40, 13, 1, 1, 1),
    "1x1, stride 2": (2, 24, 40, 14, 1, 2, 1),
    "1x7": (2, 24, 40, 13, [1, 7], 1, 1),
}


@pytest.fixture(autouse=True)
def library_is_there(monkeypatch):
    monkeypatch.delenv("KIT_ONEDNN", raising=False)
    if onednn.library() is None:
        pytest.skip("PaddlePaddle came without oneDNN")


def layer_and_input(case, activation="leaky_relu"):
    """A ConvNorm of random scale and shift, a picture for it, and a gradient of its answer."""
    images, in_channels, out_channels, side, kernel_size, stride, groups = CASES[case]
    paddle.seed(3)
    layer = ConvNorm(in_channels, out_channels, kernel_size, stride, groups, activation)
    layer.norm.weight.set_value(paddle.rand([out_channels]) + 0.5)
    layer.norm.bias.set_value(paddle.randn([out_channels]))
    x = paddle.randn([images, in_channels, side, side]) * 2 + 0.3
    x.stop_gradient = False
    return layer, x, paddle.randn([images, out_channels, -(-side // stride), -(-side // stride)])


def everything(layer, x, gradient):
    """The answer, all gradients, and the running statistics after one pass, as arrays by name."""
    saved = {name: value.clone() for name, value in layer.state_dict().items()}
    y = layer(x)
    y.backward(gradient)
    found = {"y": y, "x": x.grad} | {n: p.grad for n, p in layer.named_parameters() if p.grad is not None}
    found |= {"mean": layer.norm._mean, "variance": layer.norm._variance}
    found = {name: value.numpy().copy() for name, value in found.items()}
    for tensor in (x, *layer.parameters()):
        tensor.clear_gradient()
    layer.set_state_dict(saved)
    return found


def both(layer, x, gradient, monkeypatch):
    """`everything` by oneDNN and by the framework."""
    fast = everything(layer, x, gradient)
    with monkeypatch.context() as patch:
        patch.setenv("KIT_ONEDNN", "0")
        return fast, everything(layer, x, gradient)


def assert_same(fast, own):
    assert set(fast) == set(own)
    for name, value in own.items():
        np.testing.assert_allclose(fast[name], value, atol=1e-5 * max(np.abs(value).max(), 1e-3), err_msg=name)


def count_calls(monkeypatch, name):
    """A list that grows with each call of a function of `fused_conv`."""
    calls, function = [], getattr(fused_conv, name)
    monkeypatch.setattr(fused_conv, name, lambda *given: calls.append(name) or function(*given))
    return calls


@pytest.mark.parametrize("activation", fused_conv.ACTIVATIONS)
@pytest.mark.parametrize("case", CASES)
def test_answers_gradients_and_statistics_are_those_of_the_framework(case, activation, monkeypatch):
    layer, x, gradient = layer_and_input(case, activation)
    calls = count_calls(monkeypatch, "conv_norm")
    fast, own = both(layer, x, gradient, monkeypatch)
    assert len(calls) == 1
    assert_same(fast, own)


@pytest.mark.parametrize("more", [{"dilation": 2}, {"stride": 2, "padding": "same"}, {"kernel_size": 5, "dilation": 4}])
@pytest.mark.parametrize("side", [20, 17])
@pytest.mark.parametrize("groups", [1, 16])
def test_dilated_and_unevenly_padded_convolutions_too_are_those_of_the_framework(more, side, groups, monkeypatch):
    paddle.seed(5)
    layer = ConvNorm(16, 32, **{"groups": groups, **more})
    x = paddle.randn([2, 16, side, side])
    x.stop_gradient = False
    calls = count_calls(monkeypatch, "conv_norm")
    side = -(-side // more.get("stride", 1))
    fast, own = both(layer, x, paddle.randn([2, 32, side, side]), monkeypatch)
    assert len(calls) == 1
    assert_same(fast, own)


def test_every_activation_of_a_configuration_is_known():
    from PaddleCV.models.layers import ACTIVATIONS

    assert set(ACTIVATIONS) == set(fused_conv.ACTIVATIONS)


@pytest.mark.parametrize("why", ["bias", "hook"])
def test_a_convolution_of_a_bias_or_a_hook_is_done_apart_from_its_normalisation(why, monkeypatch):
    layer, x, gradient = layer_and_input("plain")
    if why == "bias":
        layer.conv.bias = layer.conv.create_parameter([32], default_initializer=nn.initializer.Normal())
        layer.norm._use_global_stats = True  # else the bias would have no gradient
    else:
        layer.conv.register_forward_post_hook(lambda *given: given[2] * 2)
    monkeypatch.setattr(fused_conv, "conv_norm", None)
    calls = count_calls(monkeypatch, "conv2d")
    fast, own = both(layer, x, gradient, monkeypatch)
    assert len(calls) == 1
    assert_same(fast, own)


def test_in_evaluation_answers_are_those_of_the_framework_and_nothing_to_go_back_is_made(monkeypatch):
    layer, x, _ = layer_and_input("grouped")
    layer.eval()
    fused_conv.convolution.cache_clear()
    calls = count_calls(monkeypatch, "conv2d")
    with paddle.no_grad():
        fast = layer(x).numpy()
    made = fused_conv.convolution((2, 32, 12, 12), (64, 8, 3, 3), 1, (1, 1, 1, 1), 4, 1)
    assert len(calls) == 1 and not {"to_x", "to_weight"} & set(vars(made))
    monkeypatch.setenv("KIT_ONEDNN", "0")
    np.testing.assert_allclose(fast, layer(x).numpy(), atol=1e-5)


def test_a_layer_with_fixed_statistics_takes_the_convolution_alone(monkeypatch):
    layer, x, gradient = layer_and_input("plain")
    layer.norm._use_global_stats = True
    calls = count_calls(monkeypatch, "conv2d")
    fast, own = both(layer, x, gradient, monkeypatch)
    assert len(calls) == 1
    assert_same(fast, own)


def test_what_needs_no_gradient_gets_none():
    layer, x, gradient = layer_and_input("plain")
    layer.conv.weight.stop_gradient = layer.norm.bias.stop_gradient = x.stop_gradient = True
    layer(x).backward(gradient)
    assert x.grad is None and layer.conv.weight.grad is None and layer.norm.bias.grad is None
    assert np.abs(layer.norm.weight.grad.numpy()).max() > 0


def test_a_picture_that_is_a_view_is_read_right(monkeypatch):
    layer, x, _ = layer_and_input("plain")
    wide = paddle.concat([x.detach(), x.detach()], axis=3)
    y = layer(wide[:, :, :, : x.shape[3]])
    monkeypatch.setenv("KIT_ONEDNN", "0")
    np.testing.assert_allclose(y.numpy(), layer(x).numpy(), atol=1e-4)


def test_two_runs_give_the_same_bits():
    layer, x, gradient = layer_and_input("plain")
    first, second = everything(layer, x, gradient), everything(layer, x, gradient)
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("why", ["subclass", "no library", "environment"])
def test_the_framework_does_the_work_where_oneDNN_does_not_suit(why, monkeypatch):
    layer, x, _ = layer_and_input("plain")
    if why == "subclass":
        layer.conv.__class__ = type("Quantised", (nn.Conv2D,), {})
    elif why == "no library":
        monkeypatch.setattr(onednn, "library", lambda: None)
    else:
        monkeypatch.setenv("KIT_ONEDNN", "0")
    monkeypatch.setattr(fused_conv, "Chain", None)
    assert layer(x).shape == [2, 32, 20, 20]


def test_nothing_is_held_once_the_gradients_are_there():
    layer, x, gradient = layer_and_input("plain")
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
        y = layer(x)
        assert held[0]() is not None
        y.backward(gradient)
        assert held[0]() is None
    finally:
        del stage.forward


def test_an_operation_that_is_forgotten_gives_its_memory_back(monkeypatch):
    destroyed = []
    monkeypatch.setattr(onednn, "destroy", lambda *given: destroyed.append(given))
    stage = fused_conv.Elementwise(onednn.plain(1, 8, 2, 2), "relu")
    assert not destroyed
    del stage
    assert len(destroyed) == 2
