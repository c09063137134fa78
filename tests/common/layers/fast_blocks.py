"""Blocks of convolution, normalization and activation, and what they compute by oneDNN and by the framework."""

import numpy as np
import paddle
from paddle import nn

from common.layers import fused_conv


def block_of(conv, activation=None):
    """The convolution with a normalization of random scale and shift after it, and an activation where one is given."""
    norm = nn.BatchNorm2D(conv._out_channels)
    norm.weight.set_value(paddle.rand([conv._out_channels]) + 0.5)
    norm.bias.set_value(paddle.randn([conv._out_channels]))
    return nn.Sequential(conv, norm, *([activation] if activation else []))


def forward_and_back(layer, x, seed=0):
    """The output, all gradients and the buffers after one step, as arrays by name; the layer is left as it was."""
    saved = {name: value.clone() for name, value in layer.state_dict().items()}
    x = x.detach()
    x.stop_gradient = False
    y = layer(x)
    paddle.seed(seed)
    y.backward(paddle.randn(y.shape))
    found = {"y": y, "x": x.grad} | {n: p.grad for n, p in layer.named_parameters() if p.grad is not None}
    found |= dict(layer.named_buffers())
    found = {name: value.numpy().copy() for name, value in found.items()}
    layer.clear_gradients()
    layer.set_state_dict(saved)
    return found


def both(layer, x, monkeypatch):
    """`forward_and_back` by oneDNN and by the framework."""
    fast = forward_and_back(layer, x)
    with monkeypatch.context() as patch:
        patch.setattr(fused_conv, "suits", lambda x: False)
        return fast, forward_and_back(layer, x)


def assert_same(fast, own):
    """Equal within rounding, relative to the largest value of each array."""
    assert set(fast) == set(own)
    for name, value in own.items():
        np.testing.assert_allclose(fast[name], value, atol=1e-5 * max(np.abs(value).max(), 1e-3), err_msg=name)


def count_calls(monkeypatch, name):
    """A list that grows with each call of a function of `fused_conv`."""
    calls, function = [], getattr(fused_conv, name)
    monkeypatch.setattr(fused_conv, name, lambda *given: calls.append(name) or function(*given))
    return calls
