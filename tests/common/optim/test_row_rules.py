"""Row rules in NumPy compute what PaddlePaddle computes for a table with sparse gradients."""

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.layers.tables import LocalTable
from common.optim.optimizers import FTRL, SGD, Adagrad, Adam, Momentum
from common.optim.row_rules import row_rule

RULES = [SGD(lr=0.1), Adam(lr=0.1, lazy=True), Adagrad(lr=0.1, initial=0.2), FTRL(lr=0.1, l1=0.01, l2=0.1, power=0.6)]


@pytest.mark.parametrize("settings", RULES, ids=lambda settings: type(settings).__name__)
def test_a_rule_moves_rows_as_the_framework_does(settings):
    rng = np.random.default_rng(0)
    table, rule = LocalTable(7, 3, 0.5), row_rule(settings)
    optimizer = settings.make(paddle, [table.weight], 0.0)
    optimizer.set_lr(0.1)
    rows, state = table.weight.numpy().copy(), rule.start(7, 3)
    for step in range(1, 6):
        ids = np.unique(rng.integers(0, 7, 4))
        gradients = rng.normal(size=(len(ids), 3)).astype("float32")
        table.push(paddle.to_tensor(ids), paddle.to_tensor(gradients))
        optimizer.step()
        optimizer.clear_grad(set_to_zero=False)
        mine, its = rows[ids], state[ids]
        rule.update(mine, its, gradients, 0.1, step)
        rows[ids], state[ids] = mine, its
        np.testing.assert_allclose(rows, table.weight.numpy(), rtol=2e-5, atol=2e-6)


def test_what_needs_all_rows_is_refused():
    for settings in (Momentum(lr=1.0), SGD(lr=1.0, clip_norm=1.0), Adam(lr=1.0, weight_decay=0.1)):
        with pytest.raises(ConfigError, match=r"optimizer\.sparse"):
            row_rule(settings)
