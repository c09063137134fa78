import json

import numpy as np
import paddle
import pytest
from paddle import nn

from common.errors import ConfigError
from common.optim.optimizers import Momentum
from common.training.ema import ExponentialMovingAverage
from tests.common.small_net import Net, train, weights


class Counted(nn.Layer):
    """One weight, and a counter that is no float."""

    def __init__(self):
        super().__init__()
        self.weight = self.create_parameter([1], default_initializer=nn.initializer.Constant(1.0))
        self.register_buffer("seen", paddle.zeros([1], "int64"))

    def become(self, value):
        self.weight.set_value(np.array([value], "float32"))
        self.seen.set_value(np.array([int(value)]))


def test_the_average_follows_the_weights_by_one_minus_decay():
    model = Counted()
    ema = ExponentialMovingAverage(model, decay=0.75, ramp=False)
    model.become(5.0)
    ema.update()
    assert ema.state()[0]["weight"] == pytest.approx(2.0)  # 0.75 * 1 + 0.25 * 5
    ema.update()
    assert ema.state()[0]["weight"] == pytest.approx(2.75)  # 0.75 * 2 + 0.25 * 5


def test_the_ramp_forgets_the_first_weights_soon():
    model = Counted()
    ema = ExponentialMovingAverage(model, decay=0.999)
    model.become(11.0)
    ema.update()
    assert ema.state()[0]["weight"] == pytest.approx(10.0)  # decay (1 + 0) / (10 + 0)
    ema.update()
    assert ema.state()[0]["weight"] == pytest.approx(2 / 11 * 10 + 9 / 11 * 11)  # decay (1 + 1) / (10 + 1)


def test_buffers_that_are_not_floats_are_copied():
    model = Counted()
    ema = ExponentialMovingAverage(model, decay=0.9)
    model.become(7.0)
    ema.update()
    assert ema.state()[0]["seen"] == 7


def test_running_statistics_of_normalization_are_averaged():
    net = Net()
    ema = ExponentialMovingAverage(net, decay=0.5, ramp=False)
    net.backbone[1]._mean.set_value(np.full([4], 2.0, "float32"))
    ema.update()
    assert ema.state()[0]["backbone.1._mean"] == pytest.approx(1.0)


def test_swapping_restores_bit_for_bit_even_after_an_error():
    net = Net()
    ema = ExponentialMovingAverage(net, decay=0.9)
    optimizer = Momentum(lr=0.1).build(net)
    train(net, optimizer, 0, 2)
    ema.update()
    own, averages = weights(net), ema.state()[0]
    with pytest.raises(KeyError), ema.swap_in():
        assert all((weights(net)[name] == averages[name]).all() for name in own)
        assert any((own[name] != averages[name]).any() for name in own)
        raise KeyError
    assert all((weights(net)[name] == own[name]).all() for name in own)
    assert all((ema.state()[0][name] == averages[name]).all() for name in averages)


def test_a_restored_average_continues_bit_for_bit():
    net = Net()
    first = ExponentialMovingAverage(net, decay=0.9)
    optimizer = Momentum(lr=0.1).build(net)
    train(net, optimizer, 0, 1)
    first.update()
    arrays, state = first.state()
    second = ExponentialMovingAverage(net, decay=0.9)
    second.load(arrays, json.loads(json.dumps(state)))
    train(net, optimizer, 1, 3)
    first.update()
    second.update()
    assert all((second.state()[0][name] == value).all() for name, value in first.state()[0].items())


def test_averaging_does_not_disturb_training():
    paddle.seed(1)
    alone, averaged = Net(), Net()
    averaged.set_state_dict(alone.state_dict())
    ema = ExponentialMovingAverage(averaged)
    ones, twos = Momentum(lr=0.1).build(alone), Momentum(lr=0.1).build(averaged)
    for step in range(3):
        train(alone, ones, step, step + 1)
        train(averaged, twos, step, step + 1)
        ema.update()
    assert all((weights(averaged)[name] == value).all() for name, value in weights(alone).items())


def test_what_does_not_fit_is_refused():
    ema = ExponentialMovingAverage(Net())
    arrays, state = ema.state()
    del arrays["head.bias"]
    with pytest.raises(ConfigError, match=r"the averaged weights do not fit the model: head.bias"):
        ema.load(arrays, state)
    with pytest.raises(ValueError, match=r"ema got decay=1.5; it must be a number at least 0 and at most 1"):
        ExponentialMovingAverage(Net(), decay=1.5)
