"""Tests of the MAC count against hand-calculated values."""

import paddle
from paddle import nn

from common.build.macs import count_macs


class Model(nn.Layer):
    """A layer whose `predict` is its forward."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def predict(self, *inputs):
        """The layer's answer."""
        return self.layer(*inputs)


def counted(layer, *shape):
    return count_macs(Model(layer), paddle.zeros(shape))


def test_macs_of_a_convolution_are_kernel_size_times_outputs():
    assert counted(nn.Conv2D(3, 8, 3, stride=2, padding=1), 1, 3, 10, 10) == 8 * 5 * 5 * (3 * 3 * 3)
    assert counted(nn.Conv2D(6, 6, 5, padding=2, groups=6), 2, 6, 4, 4) == 2 * 6 * 4 * 4 * 25
    assert counted(nn.Conv1D(2, 4, 3, padding=1), 1, 2, 10) == 4 * 10 * 2 * 3


def test_macs_of_a_transposed_convolution_are_kernel_size_times_inputs():
    assert counted(nn.Conv2DTranspose(4, 6, 2, stride=2), 1, 4, 3, 3) == 4 * 3 * 3 * (6 * 2 * 2)


def test_macs_of_a_linear_layer_are_inputs_times_outputs():
    assert counted(nn.Linear(7, 5), 2, 3, 7) == 2 * 3 * 5 * 7


def test_nothing_else_counts_a_shared_layer_counts_twice_and_no_hook_stays():
    linear = nn.Linear(4, 4)
    model = Model(nn.Sequential(linear, nn.ReLU(), nn.LayerNorm(4), linear))
    model.train()
    for _ in range(2):
        assert count_macs(model, paddle.zeros([1, 4])) == 32
    assert model.training and not linear._forward_post_hooks
