"""Tests of separate optimizers for embedding tables: rows without a gradient stay, others as in dense updates."""

import numpy as np
import paddle
import pytest
from paddle import nn

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
    Momentum,
)
from common.optim.rules import ftrl_step
from common.optim.schedules import StepDecay
from common.optim.sparse import DenseAndSparse


class Small(nn.Layer):
    """A table of 50 rows and a linear layer."""

    def __init__(self, sparse=True):
        super().__init__()
        paddle.seed(5)
        self.table = nn.Embedding(50, 3, sparse=sparse)
        self.out = nn.Linear(3, 1)

    def forward(self, ids):
        return self.out(self.table(ids)).sum()


RULES = {
    "SGD": lambda: SGD(lr=0.1),
    "Adam": lambda: Adam(lr=0.1),
    "Adagrad": lambda: Adagrad(lr=0.1, initial=0.1),
    "FTRL": lambda: FTRL(lr=0.1, l1=0.01, l2=0.1),
}


def trained(model, optimizer, schedule, steps=4):
    for step in range(steps):
        model(paddle.to_tensor([[1, 7, 7], [step + 10, 7, 1]])).backward()
        optimizer.step(schedule.at(step))
        optimizer.clear()
    return model.table.weight.numpy()


def pair(rule):
    settings = DenseAndSparse(dense=SGD(lr=0.05), sparse=rule)
    settings.schedule.bind(10, 100)
    return settings


@pytest.mark.parametrize("rule", RULES)
def test_rows_without_a_gradient_stay_and_the_others_move(rule):
    model, settings = Small(), pair(RULES[rule]())
    before = model.table.weight.numpy().copy()
    after = trained(model, settings.build(model), settings.schedule)
    moved = np.flatnonzero((before != after).any(1)).tolist()
    assert moved == [1, 7, 10, 11, 12, 13]


@pytest.mark.parametrize("rule", ["SGD", "Adagrad", "FTRL"])
def test_rows_with_gradients_move_as_in_a_dense_table(rule):
    found = []
    for sparse in (True, False):
        model, settings = Small(sparse), RULES[rule]()
        settings.groups = [{"match": "out.*", "freeze": True}]
        found.append(trained(model, settings.build(model), settings.schedule.bind(10, 100)))
    np.testing.assert_allclose(found[0][[1, 7]], found[1][[1, 7]], rtol=1e-5, atol=1e-7)  # in every step


def test_adam_for_tables_is_lazy():
    model, settings = Small(), pair(Adam(lr=0.1))
    optimizer = settings.build(model)
    before = trained(model, optimizer, settings.schedule).copy()
    model(paddle.to_tensor([[2]])).backward()
    optimizer.step({"dense": 0.05, "sparse": 0.05})
    after = model.table.weight.numpy()
    assert np.flatnonzero((before != after).any(1)).tolist() == [2]  # 1 and 7 have moments, and stay


def test_ftrl_by_hand():
    values = [np.array([x], "float32") for x in (0.5, 0.0, 0.0, 2.0)]
    weight, squares, linear = ftrl_step(*map(paddle.to_tensor, values), lr=0.1, l1=0.0, l2=0.0, beta=1.0)
    # n = 4, sigma = 2 / 0.1 = 20, z = 2 - 20 * 0.5 = -8, w = 8 / ((1 + 2) / 0.1) = 8 / 30
    assert squares.item() == 4 and linear.item() == -8 and weight.item() == pytest.approx(8 / 30)
    # with l1 = 1 and l2 = 5: (8 - 1) / (30 + 5)
    weight, _, _ = ftrl_step(*map(paddle.to_tensor, values), lr=0.1, l1=1.0, l2=5.0, beta=1.0)
    assert weight.item() == pytest.approx(0.2)
    weight, _, _ = ftrl_step(*map(paddle.to_tensor, values), lr=0.1, l1=9.0, l2=5.0, beta=1.0)
    assert weight.item() == 0.0


@pytest.mark.parametrize("rule", RULES)
def test_a_saved_state_resumes_bit_for_bit(rule):
    model, settings = Small(), pair(RULES[rule]())
    optimizer = settings.build(model)
    trained(model, optimizer, settings.schedule)
    arrays, state = optimizer.state()
    weights = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    whole = trained(model, optimizer, settings.schedule).copy()
    again, others = Small(), pair(RULES[rule]())
    again.set_state_dict(weights)
    resumed = others.build(again)
    resumed.load({name: value.copy() for name, value in arrays.items()}, state)
    np.testing.assert_array_equal(trained(again, resumed, others.schedule), whole)


def test_each_part_has_its_own_schedule():
    settings = DenseAndSparse(
        dense=SGD(lr=StepDecay(base=1.0, at_epochs=[1], factor=0.1)),
        sparse=SGD(lr=StepDecay(base=8.0, at_epochs=[2])),
    )
    schedule = settings.schedule.bind(10, 30).scale(0.5)
    rates = [tuple(schedule.at(step).values()) for step in (0, 10, 20)]
    np.testing.assert_allclose(rates, [(0.5, 4.0), (0.05, 4.0), (0.05, 0.4)])
    model = Small()
    optimizer = settings.build(model)
    table, layer = model.table.weight.numpy().copy(), model.out.weight.numpy().copy()
    model(paddle.to_tensor([3])).backward()
    gradients = model.out.weight.grad.numpy().copy()
    optimizer.step(schedule.at(20))
    np.testing.assert_allclose(layer - model.out.weight.numpy(), 0.05 * gradients, rtol=1e-4)
    np.testing.assert_allclose((table - model.table.weight.numpy())[3], 0.4 * layer[:, 0], rtol=1e-4)


def test_settings_that_would_update_every_row_are_rejected():
    with pytest.raises(ValueError, match="updates every row"):
        DenseAndSparse(dense=SGD(lr=0.1), sparse=Momentum(lr=0.1))
    with pytest.raises(ValueError, match="weight decay for sparse"):
        DenseAndSparse(dense=SGD(lr=0.1), sparse=Adagrad(lr=0.1, weight_decay=1e-4))
    with pytest.raises(ConfigError, match="no embedding table with sparse gradients"):
        DenseAndSparse(dense=SGD(lr=0.1), sparse=SGD(lr=0.1)).build(Small(sparse=False))
    with pytest.raises(ConfigError, match="only embedding tables"):
        DenseAndSparse(dense=SGD(lr=0.1), sparse=SGD(lr=0.1)).build(Small().table)


@pytest.mark.parametrize("rule", [AdamW, LARS, DecayedAdagrad, Adadelta, Adamax])
def test_sparse_gradients_that_an_optimizer_cannot_read_are_refused(rule):
    with pytest.raises(ConfigError, match=f"{rule.__name__} cannot update table"):
        rule(lr=0.1).build(Small())
    rule(lr=0.1).build(Small(sparse=False))
    rule(lr=0.1, groups=[{"match": "table.*", "freeze": True}]).build(Small())


def test_adam_takes_sparse_gradients_without_weight_decay_only():
    with pytest.raises(ConfigError, match="Adam with weight decay cannot update table"):
        Adam(lr=0.1, weight_decay=1e-4).build(Small())
    Adam(lr=0.1, weight_decay=1e-4, no_decay=["table.*"]).build(Small())


def test_tables_are_not_trained_by_several_processes(monkeypatch):
    monkeypatch.setattr("common.system.distributed.world_size", lambda: 2)
    with pytest.raises(ConfigError, match="trains in one process, here are 2"):
        DenseAndSparse(dense=SGD(lr=0.1), sparse=SGD(lr=0.1)).build(Small())
