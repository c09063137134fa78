"""Discriminative learning rates, gradual unfreezing and L2-SP, by numbers, and resumed to the last bit."""

import json

import numpy as np
import paddle
import pytest
from paddle import nn

from common.errors import ConfigError
from common.optim.fine_tuning import block_numbers
from common.optim.optimizers import SGD, Adam, AdamW
from tests.common.small_net import Net, train, weights

LAYERS = ("conv", "norm", "head")
OPEN = {"match": "*", "unfreeze": {"blocks": 3, "epochs": 1}}


def layer_of(name):
    return LAYERS[{"backbone.0": 0, "backbone.1": 1, "head": 2}[name.rpartition(".")[0]]]


def trained(net):
    """The trained parameters, without running statistics."""
    return {name: p.numpy() for name, p in net.named_parameters() if not name.endswith(("_mean", "_variance"))}


def moved(before, net):
    """The layers whose weights are others than before."""
    after = trained(net)
    return [layer for layer in LAYERS if any((before[n] != v).any() for n, v in after.items() if layer_of(n) == layer)]


def test_blocks_are_runs_of_neighboring_layers_from_the_output_down():
    net = Net()
    assert {layer_of(n): block for n, block in block_numbers(net, 3).items()} == {"conv": 2, "norm": 1, "head": 0}
    assert {layer_of(n): block for n, block in block_numbers(net, 9).items()} == {"conv": 2, "norm": 1, "head": 0}
    assert {layer_of(n): block for n, block in block_numbers(net, 2).items()} == {"conv": 1, "norm": 0, "head": 0}
    net.layers_above = lambda name: 7 if name.startswith("backbone.") else 0
    assert {layer_of(n): block for n, block in block_numbers(net, 3).items()} == {"conv": 1, "norm": 1, "head": 0}


def test_a_lower_block_has_a_lower_learning_rate():
    net, factor = Net(), 2.6
    optimizer = SGD(lr=0.1, groups=[{"match": "*", "discriminative": {"blocks": 3, "factor": factor}}]).build(net)
    before = trained(net)
    sum(value.sum() for value in net.parameters()).backward()  # every gradient is 1
    optimizer.step(0.1)
    for name, value in trained(net).items():
        block = 2 - LAYERS.index(layer_of(name))
        np.testing.assert_allclose(before[name] - value, 0.1 / factor**block, rtol=1e-4)


def test_blocks_are_unfrozen_one_by_one_from_the_top():
    settings = AdamW(lr=0.1, clip_norm=1.0, groups=[OPEN])
    settings.schedule.bind(2, 8)
    net = Net()
    optimizer, seen = settings.build(net), []
    for step in range(5):
        before = trained(net)
        train(net, optimizer, step, step + 1)
        seen.append(moved(before, net))
    assert seen == [["head"], ["head"], ["norm", "head"], ["norm", "head"], list(LAYERS)]


def test_frozen_blocks_do_not_count_in_the_norm_of_gradients():
    def first_step(groups):
        settings = SGD(lr=1.0, clip_norm=0.5, groups=groups)
        settings.schedule.bind(2, 8)
        net = Net()
        optimizer, before = settings.build(net), net.head.bias.numpy()
        sum(value.sum() for value in net.parameters()).backward()
        optimizer.step(1.0)
        return before - net.head.bias.numpy()

    np.testing.assert_allclose(first_step([OPEN]), 0.5 / np.sqrt(10), rtol=1e-5)  # 8 weights and 2 biases of the head
    np.testing.assert_allclose(first_step([]), 0.5 / np.sqrt(10 + 8 + 112), rtol=1e-5)


def test_l2_sp_pulls_to_the_weights_of_the_start():
    layer = nn.Linear(3, 2)
    layer.weight.set_value(np.full([3, 2], 2.0, "float32"))
    optimizer = SGD(lr=0.1, groups=[{"match": "weight", "l2_sp": 0.5}]).build(layer)
    layer.weight.set_value(np.full([3, 2], 3.0, "float32"))
    before = layer.bias.numpy()
    (layer.weight.sum() + layer.bias.sum()).backward()
    optimizer.step(0.1)
    np.testing.assert_allclose(layer.weight.numpy(), 3 - 0.1 * (1 + 0.5 * (3 - 2)), rtol=1e-6)
    np.testing.assert_allclose(layer.bias.numpy(), before - 0.1, rtol=1e-5)  # not pulled


def test_a_resumed_fine_tuning_goes_on_bit_for_bit():
    def build(net):
        settings = Adam(lr=0.01, groups=[OPEN, {"match": "backbone.*", "l2_sp": 0.1}])
        settings.schedule.bind(2, 8)
        return settings.build(net)

    net = Net()
    optimizer = build(net)
    train(net, optimizer, 0, 3)
    (arrays, state), kept = optimizer.state(), weights(net)
    assert state["updates"] == 3 and "backbone.0.weight/start" in arrays
    train(net, optimizer, 3, 6)
    again = Net()
    again.set_state_dict({name: paddle.to_tensor(value) for name, value in kept.items()})
    restored = build(again)
    restored.load(arrays, json.loads(json.dumps(state)))
    train(again, restored, 3, 6)
    for name, value in weights(net).items():
        np.testing.assert_array_equal(weights(again)[name], value)
    with pytest.raises(ConfigError, match=r"no start weights of backbone\.0\.weight"):
        build(Net()).load({k: v for k, v in arrays.items() if not k.endswith("/start")}, state)


@pytest.mark.parametrize("group, words", [
    ({"discriminative": 3}, r"groups\[0\]\.discriminative is 3; it must be a mapping such as \{blocks: 3, fac"),
    ({"unfreeze": {"block": 3}}, "no key 'block'; did you mean 'blocks'"),
    ({"unfreeze": {"blocks": 1.5}}, "blocks is 1.5; it must be a whole number"),
    ({"discriminative": {"factor": 0.5}}, "factor=0.5; it must be a number at least 1"),
    ({"l2_sp": -1}, "l2_sp=-1; it must be a number at least 0"),
    ({"unfreeze": {}}, "the length of an epoch is not known"),
])  # fmt: skip
def test_slips_are_named(group, words):
    with pytest.raises((ConfigError, ValueError), match=words):
        SGD(lr=0.1, groups=[{"match": "*", **group}]).build(Net())


def test_blocks_that_are_never_trained_are_said(caplog):
    settings = SGD(lr=0.1, groups=[OPEN])
    settings.schedule.bind(4, 8)
    settings.build(Net())
    assert "the run ends before 2 of 6 parameters are trained" in caplog.text
