import json
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from common.errors import ConfigError
from common.optim.gradients import global_norm
from common.optim.optimizers import (
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
from common.optim.schedules import StepDecay
from tests.common.small_net import Net, train, weights

FOLDER = Path(__file__).parents[1]
GOLDEN = json.loads((FOLDER / "golden" / "optimizers.json").read_text())
ZERO = paddle.ParamAttr(initializer=nn.initializer.Constant(0))

LIKE_GOLDEN = {
    "sgd": SGD(lr=0.1),
    "momentum": Momentum(lr=0.1, momentum=0.9),
    "momentum_l2": Momentum(lr=0.1, momentum=0.9, weight_decay=0.01),
    "adam": Adam(lr=0.1),
    "adamax": Adamax(lr=0.1),
    "adagrad": Adagrad(lr=0.1),
    "decayed_adagrad": DecayedAdagrad(lr=0.1),
    "rmsprop": RMSProp(lr=0.1, rho=0.9, epsilon=1e-3, momentum=0.9),
    "clip_gnorm": SGD(lr=0.1, clip_norm=0.3),
    "lr_piecewise": SGD(lr=StepDecay(base=0.1, at_steps=[3, 6])),
}


def descend(settings):
    """The weight [5] of a linear layer after each of 12 steps on the golden problem."""
    layer = nn.Linear(5, 1, bias_attr=ZERO)
    layer.weight.set_value(np.array(GOLDEN["w0"], "float32"))
    x, y = (paddle.to_tensor(GOLDEN[key], dtype="float32") for key in ("x", "y"))
    optimizer, path = settings.build(layer), []
    for step in range(12):
        ((layer(x) - y) ** 2).mean().backward()
        optimizer.step(settings.schedule.at(step))
        optimizer.clear()
        path.append(layer.weight.numpy()[:, 0])
    return np.array(path)


def by_hand(rule):
    """The same with `rule(parameter, gradient, memory, step)` in float64."""
    x, y, w = (np.array(GOLDEN[key], "float64") for key in ("x", "y", "w0"))
    bias, memories, path = np.zeros(1), ({}, {}), []
    for step in range(1, 13):
        error = 2 * (x @ w + bias - y) / len(x)
        gradients = x.T @ error, error.sum(0)
        w, bias = (rule(p, g, m, step) for p, g, m in zip((w, bias), gradients, memories))
        path.append(w[:, 0])
    return np.array(path)


@pytest.mark.parametrize("name", LIKE_GOLDEN)
def test_weights_equal_the_official_ones_after_every_step(name):
    np.testing.assert_allclose(descend(LIKE_GOLDEN[name]), GOLDEN[name]["w"], atol=1e-5)


def test_lamb_differs_from_the_official_one_by_the_bias_correction_of_the_paper():
    def rule(corrected):
        def step(p, g, memory, t):
            m = memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
            v = memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g * g
            if corrected:
                m, v = m / (1 - 0.9**t), v / (1 - 0.999**t)
            r = m / (np.sqrt(v) + 1e-6) + 0.01 * p
            norms = np.linalg.norm(p), np.linalg.norm(r)
            return p - 0.1 * (norms[0] / norms[1] if min(norms) > 0 else 1) * r

        return step

    np.testing.assert_allclose(by_hand(rule(False)), GOLDEN["lamb"]["w"], atol=1e-5)
    np.testing.assert_allclose(by_hand(rule(True)), descend(Lamb(lr=0.1)), atol=1e-5)


def test_adadelta_differs_from_the_official_one_which_used_its_mean_after_changing_it():
    def rule(changed_first):
        def step(p, g, memory, t):
            squares, steps = memory.get("squares", 0), memory.get("steps", 0)
            squares = memory["squares"] = 0.9 * squares + 0.1 * g * g
            move = np.sqrt((steps + 1e-6) / (squares + 1e-6)) * g
            steps = memory["steps"] = 0.9 * steps + 0.1 * move * move
            return p - (np.sqrt((steps + 1e-6) / (squares + 1e-6)) * g if changed_first else move)

        return step

    np.testing.assert_allclose(by_hand(rule(True)), GOLDEN["adadelta"]["w"], atol=1e-5)
    np.testing.assert_allclose(by_hand(rule(False)), descend(Adadelta(lr=1.0, rho=0.9)), atol=1e-5)


def test_lars_is_momentum_with_the_trust_ratio_of_the_paper():
    def rule(p, g, memory, t):
        ratio = 0.02 * np.linalg.norm(p) / (np.linalg.norm(g) + 0.1 * np.linalg.norm(p)) if p.any() else 1
        memory["v"] = 0.9 * memory.get("v", 0) + 0.1 * ratio * (g + 0.1 * p)
        return p - memory["v"]

    found = descend(LARS(lr=0.1, weight_decay=0.1, trust_coefficient=0.02))
    np.testing.assert_allclose(found, by_hand(rule), atol=1e-5)


def test_lars_takes_plain_steps_of_momentum_where_there_is_no_decay():
    found = one_step(LARS(lr=0.1, weight_decay=0.5, trust_coefficient=0.25, no_decay=["bias", "norm"]))
    for name in ("head.bias", "backbone.0.bias", "backbone.1.weight", "backbone.1.bias"):
        assert found[name] == pytest.approx(2 - 0.1)
    # 8 weights of 2, gradients of 1: the norms are twice and once sqrt(8), the ratio 0.25 * 2 / (1 + 0.5 * 2)
    assert found["head.weight"] == pytest.approx(2 - 0.1 * 0.25 * (1 + 0.5 * 2))


def test_lars_moves_half_precision_weights_by_their_float32_masters(monkeypatch):
    monkeypatch.setattr("common.optim.optimizers.on_gpu", lambda paddle: True)
    start, found = np.linspace(1, 2, 6, dtype="float32").reshape(3, 2), []
    for dtype in ("float32", "bfloat16"):
        net = nn.Linear(3, 2, bias_attr=False)
        net.weight.set_value(start)
        net.to(dtype=dtype)
        optimizer = LARS(lr=0.1, trust_coefficient=0.1).build(net)
        for _ in range(3):
            (net.weight.astype("float32") * 0.5).sum().backward()
            optimizer.step(0.1)
            optimizer.clear()
        arrays, _ = optimizer.state()
        found.append(arrays.get("weight/master", net.weight.numpy()))
    assert np.abs(found[0] - start).max() > 0.01
    np.testing.assert_allclose(found[1], found[0], atol=0.01)  # they start from weights rounded to 8 bits
    assert (net.weight == paddle.to_tensor(found[1]).astype("bfloat16")).all()


def one_step(settings, gradient=1.0, weight=2.0):
    """{name: value after a step at rate 0.1} of a net whose weights are all `weight` and gradients all `gradient`."""
    net = Net()
    optimizer = settings.build(net)
    for parameter in net.parameters():
        if not parameter.stop_gradient:
            parameter.set_value(np.full(parameter.shape, weight, "float32"))
            (parameter * gradient).sum().backward()
    optimizer.step(0.1)
    return {n: p.numpy() for n, p in net.named_parameters() if not n.endswith(("_mean", "_variance"))}


def test_groups_change_rate_and_decay_and_later_ones_win():
    groups = [{"match": "backbone.*", "lr_scale": 0.5}, {"match": "*.bias", "weight_decay": 0}]
    found = one_step(SGD(lr=0.1, weight_decay=0.25, groups=groups))
    assert found["head.weight"] == pytest.approx(2 - 0.1 * (1 + 0.25 * 2))
    assert found["head.bias"] == pytest.approx(2 - 0.1)
    assert found["backbone.0.weight"] == pytest.approx(2 - 0.05 * 1.5)
    assert found["backbone.0.bias"] == pytest.approx(2 - 0.05)


def test_the_learning_rate_decays_from_layer_to_layer_where_the_model_publishes_its_layers():
    net = Net()
    net.layers_above = lambda name: 2 if name.startswith("backbone.") else 0
    optimizer = SGD(lr=1.0, groups=[{"match": "*", "layer_decay": 0.5}]).build(net)
    assert sorted(scale for _, scale in optimizer.parts) == [0.25, 1.0]
    with pytest.raises(ConfigError, match="Net does not publish its layers"):
        SGD(lr=1.0, groups=[{"match": "*", "layer_decay": 0.5}]).build(Net())


def test_frozen_groups_stay():
    net = Net()
    optimizer = Momentum(lr=0.1, weight_decay=0.1, groups=[{"match": "backbone.*", "freeze": True}]).build(net)
    before = weights(net)
    train(net, optimizer, 0, 1)
    moved = [n for n, v in weights(net).items() if not n.endswith(("_mean", "_variance")) and (v != before[n]).any()]
    assert moved == ["head.weight", "head.bias"]


def test_biases_and_normalization_can_go_without_decay():
    found = one_step(SGD(lr=0.1, weight_decay=0.5, no_decay=["bias", "norm"]))
    assert found["head.weight"] == pytest.approx(1.8)
    for name in ("head.bias", "backbone.0.bias", "backbone.1.weight", "backbone.1.bias"):
        assert found[name] == pytest.approx(1.9)


def test_l1_decay_pulls_by_the_sign():
    assert one_step(SGD(lr=0.1, l1_decay=0.5))["head.weight"] == pytest.approx(2 - 0.1 * 1.5)


def test_adamw_shrinks_the_weights_themselves_and_each_group_by_its_own_decay():
    settings = AdamW(lr=0.1, weight_decay=0.5, groups=[{"match": "head.*", "weight_decay": 0.2}], no_decay=["bias"])
    found = one_step(settings)  # the first step of Adam is lr * sign(gradient)
    assert found["backbone.0.weight"] == pytest.approx(2 * (1 - 0.1 * 0.5) - 0.1, abs=1e-5)
    assert found["head.weight"] == pytest.approx(2 * (1 - 0.1 * 0.2) - 0.1, abs=1e-5)
    assert found["backbone.0.bias"] == pytest.approx(2 - 0.1, abs=1e-5)


def test_clipping_holds_over_all_groups_together():
    groups = [{"match": "backbone.*", "lr_scale": 0.5}]
    count = 4 * 3 * 9 + 4 + 4 + 4 + 8 + 2  # every gradient is 3
    found = one_step(SGD(lr=0.1, clip_norm=1.0, groups=groups), gradient=3.0)
    assert found["head.weight"] == pytest.approx(2 - 0.1 / count**0.5)
    assert found["backbone.0.weight"] == pytest.approx(2 - 0.05 / count**0.5)


def test_small_gradients_are_not_clipped():
    assert one_step(SGD(lr=0.1, clip_norm=100.0))["head.weight"] == pytest.approx(1.9)


def test_clipping_each_value_and_each_norm():
    assert one_step(SGD(lr=0.1, clip_value=0.5), gradient=-3.0)["head.bias"] == pytest.approx(2.05)
    found = one_step(SGD(lr=0.1, clip_each_norm=1.0), gradient=3.0)
    assert found["head.bias"] == pytest.approx(2 - 0.1 / 2**0.5)
    assert found["head.weight"] == pytest.approx(2 - 0.1 / 8**0.5)


@pytest.mark.parametrize("clip, scale", [({"clip_norm": 1.0}, 20**-0.5), ({"clip_each_norm": 1.0}, 20**-0.5)])
def test_sparse_rows_are_clipped_like_dense_ones(clip, scale):
    table = nn.Embedding(10, 4, sparse=True)
    before = table.weight.numpy()
    optimizer = SGD(lr=1.0, **clip).build(table)
    table(paddle.to_tensor([1, 2, 2])).sum().backward()  # rows of ones; row 2 twice: norm sqrt(4 * 1 + 4 * 4)
    assert global_norm(optimizer.gradients()) == pytest.approx(20**0.5)
    optimizer.step(1.0)
    moved = before - table.weight.numpy()
    np.testing.assert_allclose(moved[:4, 0], [0, scale, 2 * scale, 0], atol=1e-6)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (
            lambda: SGD(lr=0.1, groups=[{"match": "bakbone.*"}]),
            ConfigError,
            r"groups\[0\].match: 'bakbone.\*' matches no",
        ),
        (lambda: SGD(lr=0.1, groups=[{"match": "head.wieght"}]), ConfigError, "there are head.weight"),
        (lambda: SGD(lr=0.1, groups=[{"match": "*", "lrscale": 1}]), ConfigError, "did you mean 'lr_scale'"),
        (
            lambda: SGD(lr=0.1, groups=["head.*"]),
            ConfigError,
            r"optimizer.groups\[0\] is 'head.\*'; it must be a mapping",
        ),
        (
            lambda: SGD(lr=0.1, groups=[{"match": "*", "freeze": 1}]),
            ConfigError,
            "freeze is 1; it must be true or false",
        ),
        (lambda: SGD(lr=0.1, groups=[{"match": "*", "freeze": True}]), ConfigError, "every parameter of Net is frozen"),
        (lambda: SGD(lr=0.1, groups=[{"match": "*", "lr_scale": -1}]), ValueError, r"groups\[0\].lr_scale=-1"),
        (lambda: SGD(lr=0.1, no_decay=["*.gamma"]), ConfigError, r"no_decay\[0\]: '\*.gamma' matches no parameter"),
        (lambda: SGD(lr=0.1, weight_decay=-1), ValueError, "SGD got weight_decay=-1; it must be a number at least 0"),
        (lambda: SGD(lr=0.1, weight_decay=1, l1_decay=1), ValueError, "give one of them"),
        (lambda: SGD(lr=0.1, clip_norm=0), ValueError, "SGD got clip_norm=0; it must be a number above 0"),
        (lambda: SGD(lr=0.1, clip_norm=1, clip_value=1), ValueError, "got clip_norm, clip_value; give one of them"),
        (lambda: Momentum(lr=0.1, momentum=1.5), ValueError, "Momentum got momentum=1.5; .* at least 0 and at most 1"),
        (lambda: Adam(lr=0.0), ValueError, "base=0.0"),
        (lambda: Lamb(lr=0.1, beta2=2), ValueError, "Lamb got beta2=2; it must be a number at least 0 and at most 1"),
        (lambda: LARS(lr=0.1, weight_decay=0), ValueError, "LARS got weight_decay=0; it must be a number above 0"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(make, error, message):
    with pytest.raises(error, match=message):
        make().build(Net())


def test_weights_without_a_gradient_are_unchanged():
    net = Net()
    optimizer = Momentum(lr=0.1, weight_decay=0.1).build(net)
    before = weights(net)
    net.head(paddle.ones([1, 4])).sum().backward()
    optimizer.step(0.1)
    after = weights(net)
    assert (after["backbone.0.weight"] == before["backbone.0.weight"]).all()
    assert (after["head.weight"] != before["head.weight"]).all()
