"""Conv2D is nn.Conv2D whatever its arguments; which of them oneDNN is asked for, and TensorFlow's padding by hand."""

import numpy as np
import paddle
import pytest
from paddle import nn

from common.layers import fused_conv, onednn
from common.layers.conv2d import Conv2D, same_padding

FAST = {
    "plain": {},
    "a kernel of 1": {"kernel_size": 1},
    "two sides": {"kernel_size": (1, 5), "padding": (0, 2)},
    "grouped": {"groups": 4},
    "dilated": {"dilation": 2, "padding": 2},
    "TensorFlow's padding": {"padding": "SAME", "stride": 2, "kernel_size": (5, 2)},
    "without a bias": {"bias_attr": False},
}
SLOW = {
    "no padding by its name": {"padding": "VALID"},
    "four sides": {"padding": [0, 1, 2, 3]},
    "unequal strides": {"stride": (2, 1)},
    "unequal dilations": {"dilation": (2, 1)},
    "mirrored": {"padding_mode": "reflect"},
    "channels last": {"data_format": "NHWC"},
}


def answers(kind, arguments):
    """What a layer of a kind answers to a picture, and the gradients of its weight and of the picture."""
    paddle.seed(1)
    layer = kind(16, 16, **{"kernel_size": 3, "padding": 1, **arguments})
    x = paddle.randn([2, 16, 13, 16] if "data_format" not in arguments else [2, 13, 16, 16])
    x.stop_gradient = False
    y = layer(x)
    (y * y).sum().backward()
    return [tensor.numpy() for tensor in (y, layer.weight.grad, x.grad)]


@pytest.mark.parametrize("case", [*FAST, *SLOW])
def test_it_answers_as_the_framework_does(case, monkeypatch):
    monkeypatch.delenv("KIT_ONEDNN", raising=False)
    calls, conv2d = [], fused_conv.conv2d
    monkeypatch.setattr(fused_conv, "conv2d", lambda *given: calls.append(case) or conv2d(*given))
    ours, own = (answers(kind, {**FAST, **SLOW}[case]) for kind in (Conv2D, nn.Conv2D))
    assert len(calls) == (case in FAST and onednn.library() is not None)
    for mine, theirs in zip(ours, own):
        np.testing.assert_allclose(mine, theirs, atol=1e-5 * np.abs(theirs).max())


def test_its_parameters_have_the_names_of_the_frameworks():
    with paddle.utils.unique_name.guard():
        ours = Conv2D(1, 1, 1).weight.name
    with paddle.utils.unique_name.guard():
        assert nn.Conv2D(1, 1, 1).weight.name == ours


def test_of_224_pixels_and_stride_2_the_odd_row_of_zeros_is_at_the_bottom():
    assert same_padding([224, 225], [3, 3], stride=2) == (0, 1, 1, 1)
    assert same_padding([224, 75], [5, 3], stride=2) == (1, 1, 2, 1)
    assert same_padding([9, 9], [3, 3], stride=1, dilation=2) == (2, 2, 2, 2)
