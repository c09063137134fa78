import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.optim.adaptive import Adadelta, Adagrad, Adamax, DecayedAdagrad, RMSProp
from common.optim.optimizers import SGD, Adam, AdamW, Lamb, Momentum
from tests.common.small_net import Net, train, weights

EVERY_KIND = [
    SGD(0.01),
    Momentum(0.01, weight_decay=0.01, clip_norm=0.1, groups=[{"match": "head.*", "lr_scale": 2}]),
    Adam(0.01),
    AdamW(0.01, no_decay=["bias"]),
    Lamb(0.01),
    RMSProp(0.01, momentum=0.9, centered=True),
    Adagrad(0.01),
    DecayedAdagrad(0.01),
    Adadelta(1.0),
    Adamax(0.01),
]


@pytest.mark.parametrize("settings", EVERY_KIND, ids=lambda s: s.name)
def test_a_restored_optimizer_goes_on_bit_for_bit_beside_other_models(settings):
    net = Net()
    optimizer = settings.build(net)
    train(net, optimizer, 0, 3)
    arrays, state = optimizer.state()
    after_three = weights(net)
    train(net, optimizer, 3, 6)
    again = Net()  # the framework names its parameters differently
    again.set_state_dict({name: paddle.to_tensor(value) for name, value in after_three.items()})
    restored = settings.build(again)
    restored.load(arrays, json.loads(json.dumps(state)))
    train(again, restored, 3, 6)
    for name, value in weights(net).items():
        assert (weights(again)[name] == value).all(), name
    for name, value in optimizer.state()[0].items():
        assert (restored.state()[0][name] == value).all(), name


def test_a_state_is_loaded_into_an_optimizer_that_has_moved_already():
    net, other = Net(), Net()
    first, second = Adam(0.01).build(net), Adam(0.01).build(other)
    train(net, first, 0, 2)
    train(other, second, 5, 9)
    second.load(*first.state())
    assert all((second.state()[0][name] == value).all() for name, value in first.state()[0].items())


def test_a_fresh_process_goes_on_bit_for_bit(tmp_path):
    settings = Adam(0.01, weight_decay=0.1, groups=[{"match": "head.*", "lr_scale": 2}])
    net = Net()
    optimizer = settings.build(net)
    train(net, optimizer, 0, 3)
    np.savez(tmp_path / "weights.npz", **weights(net))
    np.savez(tmp_path / "moments.npz", **optimizer.state()[0])
    train(net, optimizer, 3, 5)
    subprocess.run([sys.executable, Path(__file__).parent / "resume_program.py", tmp_path], check=True)
    with np.load(tmp_path / "after.npz") as after:
        assert all((after[name] == value).all() for name, value in weights(net).items())


def test_the_state_is_named_after_the_parameters():
    net = Net()
    optimizer = Momentum(0.01).build(net)
    train(net, optimizer, 0, 1)
    arrays, state = optimizer.state()
    assert sorted(arrays)[:2] == ["backbone.0.bias/velocity", "backbone.0.weight/velocity"]
    assert arrays["head.weight/velocity"].shape == (4, 2)
    assert state == {"kind": "Momentum"}


def test_a_state_that_does_not_fit_is_refused():
    net = Net()
    optimizer = Momentum(0.01).build(net)
    train(net, optimizer, 0, 1)
    arrays, state = optimizer.state()
    with pytest.raises(ConfigError, match=r"holds the state of Momentum, but optimizer.type is Adam"):
        Adam(0.01).build(net).load(arrays, state)
    with pytest.raises(ConfigError, match=r"'neck.weight', which the model does not train"):
        optimizer.load({"neck.weight/velocity": arrays["head.weight/velocity"]}, state)
    with pytest.raises(ConfigError, match=r"velocity is \[2\] there, here it is \[4, 2\]"):
        optimizer.load({"head.weight/velocity": arrays["head.bias/velocity"]}, state)
