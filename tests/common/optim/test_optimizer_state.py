import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.optim.optimizers import (
    FTRL,
    LARS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    DecayedAdagrad,
    Lamb,
    Momentum,
    RMSProp,
)
from tests.common.small_net import Net, train, weights

EVERY_KIND = [
    SGD(lr=0.01),
    Momentum(lr=0.01, weight_decay=0.01, clip_norm=0.1, groups=[{"match": "head.*", "lr_scale": 2}]),
    Adam(lr=0.01),
    AdamW(lr=0.01, no_decay=["bias"]),
    Lamb(lr=0.01),
    RMSProp(lr=0.01, momentum=0.9, centered=True),
    Adagrad(lr=0.01),
    DecayedAdagrad(lr=0.01),
    Adadelta(lr=1.0),
    Adamax(lr=0.01),
    FTRL(lr=0.01),
    LARS(lr=0.01),
]
ADAM = ["beta1_pow_acc", "beta2_pow_acc", "moment1", "moment2"]
ACCUMULATORS = {
    "SGD": [],
    "Momentum": ["velocity"],
    "Adam": ADAM,
    "AdamW": ADAM,
    "Lamb": ADAM,
    "RMSProp": ["mean_grad", "mean_square", "momentum"],
    "Adagrad": ["moment"],
    "DecayedAdagrad": ["moment"],
    "Adadelta": ["_avg_squared_grad", "_avg_squared_update"],
    "Adamax": ["beta1_pow_acc", "inf_norm", "moment"],
    "FTRL": ["linear", "squares"],
    "LARS": ["velocity"],
}


@pytest.mark.parametrize("settings", EVERY_KIND, ids=lambda s: s.name)
def test_a_restored_optimizer_resumes_bit_for_bit_beside_other_models(settings):
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
    first, second = Adam(lr=0.01).build(net), Adam(lr=0.01).build(other)
    train(net, first, 0, 2)
    train(other, second, 5, 9)
    second.load(*first.state())
    assert all((second.state()[0][name] == value).all() for name, value in first.state()[0].items())


def test_a_fresh_process_resumes_bit_for_bit(tmp_path):
    settings = Adam(lr=0.01, weight_decay=0.1, groups=[{"match": "head.*", "lr_scale": 2}])
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
    optimizer = Momentum(lr=0.01).build(net)
    train(net, optimizer, 0, 1)
    arrays, state = optimizer.state()
    assert sorted(arrays)[:2] == ["backbone.0.bias/velocity", "backbone.0.weight/velocity"]
    assert arrays["head.weight/velocity"].shape == (4, 2)
    assert state == {"kind": "Momentum"}


@pytest.mark.parametrize("settings", EVERY_KIND, ids=lambda s: s.name)
def test_checkpoints_keep_the_names_of_accumulators(settings):
    net = Net()
    optimizer = settings.build(net)
    train(net, optimizer, 0, 1)
    arrays, state = optimizer.state()
    assert sorted(key.split("/")[1] for key in arrays if key.startswith("head.weight/")) == ACCUMULATORS[settings.name]
    assert state == {"kind": settings.name}


def test_a_state_that_does_not_fit_is_refused():
    net = Net()
    optimizer = Momentum(lr=0.01).build(net)
    train(net, optimizer, 0, 1)
    arrays, state = optimizer.state()
    with pytest.raises(ConfigError, match=r"holds the state of Momentum, but optimizer.type is Adam"):
        Adam(lr=0.01).build(net).load(arrays, state)
    with pytest.raises(ConfigError, match=r"'neck.weight', which the model does not train"):
        optimizer.load({"neck.weight/velocity": arrays["head.weight/velocity"]}, state)
    with pytest.raises(ConfigError, match=r"velocity is \[2\] there, here it is \[4, 2\]"):
        optimizer.load({"head.weight/velocity": arrays["head.bias/velocity"]}, state)
