import contextlib
import json

import numpy as np
import paddle
import pytest

from common.errors import EnvironmentProblem
from common.log import logger
from common.optim.optimizers import SGD
from common.training import amp
from common.training.amp import Amp, LossScaler
from tests.common.small_net import Net, weights

IMAGES = paddle.to_tensor(np.random.default_rng(0).normal(size=[2, 3, 6, 6]).astype("float32"))


@pytest.fixture
def half(monkeypatch):
    """A device that pretends to have half precision."""
    monkeypatch.setattr(amp, "has_half_precision", lambda: True)
    monkeypatch.setattr(paddle.amp, "is_float16_supported", lambda: True)
    monkeypatch.setattr(paddle.amp, "is_bfloat16_supported", lambda: True)


def backward(net, optimizer, mixed, factor=1.0):
    """One backward pass of a loss that is `factor` times the sum of the outputs."""
    optimizer.clear()
    with mixed.auto_cast():
        loss = net(IMAGES).sum() * factor
    mixed.scale(loss).backward()


def test_a_cpu_says_once_that_it_runs_in_float32(monkeypatch):
    said = []
    monkeypatch.setattr(logger, "info", said.append)
    mixed = Amp("O2", "float16")
    with mixed.auto_cast():
        pass
    assert said == ["amp: PaddlePaddle does not support half precision on a CPU; training runs in float32"]
    assert not mixed.enabled


@pytest.mark.parametrize("level", [False, "O1"])
def test_where_it_is_off_nothing_changes(level):
    mixed = Amp(level)
    assert isinstance(mixed.auto_cast(), contextlib.nullcontext)
    loss, net = paddle.ones([]), Net()
    assert mixed.scale(loss) is loss
    assert mixed.decorate(net) is net
    assert mixed.state() == {}
    mixed.load({})
    optimizer, before = SGD(lr=0.1).build(net), weights(net)
    backward(net, optimizer, mixed)
    assert mixed.step(optimizer, 0.1)
    assert (weights(net)["head.weight"] != before["head.weight"]).all()


def test_the_context_has_the_level_and_type_that_were_asked_for(half, monkeypatch):
    asked = []
    monkeypatch.setattr(paddle.amp, "auto_cast", lambda **given: asked.append(given) or contextlib.nullcontext())
    monkeypatch.setattr(paddle.amp, "decorate", lambda model, **given: asked.append(given) or model)
    for level, dtype in ((True, "float16"), ("O2", "auto")):
        mixed = Amp(level, dtype)
        with mixed.auto_cast():
            pass
        mixed.decorate(Net())
    o2 = {"level": "O2", "dtype": "bfloat16"}
    assert asked == [{"level": "O1", "dtype": "float16"}, o2, o2]


def test_only_float16_scales_the_loss(half):
    assert isinstance(Amp("O1", "float16").scaler, LossScaler)
    assert Amp("O1", "bfloat16").state() == {}


def test_a_scaled_step_equals_the_plain_one(half):
    paddle.seed(3)
    plain, scaled = Net(), Net()
    scaled.set_state_dict(plain.state_dict())
    for net, mixed in ((plain, Amp(False)), (scaled, Amp("O1", "float16"))):
        optimizer = SGD(lr=0.1, clip_norm=1.0).build(net)
        backward(net, optimizer, mixed)
        assert mixed.step(optimizer, 0.1)
    for name, value in weights(plain).items():
        np.testing.assert_allclose(weights(scaled)[name], value, atol=1e-6)


def test_an_overflow_skips_the_step_and_halves_the_scale(half):
    net, mixed = Net(), Amp("O1", "float16")
    optimizer, before = SGD(lr=0.1).build(net), weights(net)
    backward(net, optimizer, mixed, factor=float("inf"))
    assert not mixed.step(optimizer, 0.1)
    after = weights(net)
    assert all((after[name] == before[name]).all() for name in ("head.weight", "backbone.0.weight"))
    assert mixed.scaler.value == 2.0**15


def test_the_scale_grows_after_enough_finite_steps_in_a_row():
    scaler = LossScaler(value=8.0, growth_steps=2)
    values = []
    for finite in (True, False, True, True, True, True, False):
        scaler.adjust(finite)
        values.append(scaler.value)
    assert values == [8, 4, 4, 8, 8, 16, 8]
    for _ in range(20):
        scaler.adjust(False)
    assert scaler.value == 1.0


def test_a_restored_scale_continues(half):
    first, second = Amp("O1", "float16"), Amp("O1", "float16")
    first.scaler.adjust(False)
    first.scaler.adjust(True)
    second.load(json.loads(json.dumps(first.state())))
    assert second.state() == first.state() == {"scale": 2.0**15, "good_steps": 1}


def test_a_data_type_not_supported_by_the_gpu_is_an_error(half, monkeypatch):
    monkeypatch.setattr(paddle.amp, "is_bfloat16_supported", lambda: False)
    with pytest.raises(
        EnvironmentProblem, match="amp_dtype=bfloat16: this device does not support bfloat16; use float16"
    ):
        Amp("O1", "bfloat16")
    assert Amp("O1", "auto").dtype == "float16"


@pytest.mark.parametrize("given, message", [(("O3",), "level='O3'"), (("O1", "fp8"), "dtype='fp8'")])
def test_an_unknown_level_or_type_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Amp(*given)
