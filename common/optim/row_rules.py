"""Update rules of single rows, in NumPy, for tables whose rows are outside of this process.

They compute what `optimizer.sparse` computes with PaddlePaddle: SGD, Adam (lazy), Adagrad, FTRL.  A rule has `states`,
the number of float32 state arrays of a row, which lie side by side: [U, states * K].

Shapes in this file:
    U rows, K features of a row.
"""

import numpy as np

from common.errors import ConfigError
from common.optim.sparse import ROW_RULES


def row_rule(settings):
    """The rule of an optimizer of `common.optim.optimizers`.

    Raises:
        ConfigError: it updates more than single rows, or has options that need the gradients of all rows at once.
    """
    kind = type(settings).__name__
    if kind not in ROW_RULES:
        raise ConfigError(f"optimizer.sparse: {kind} does not update single rows; use {', '.join(ROW_RULES)}")
    options = [f"clip_{kind}" for kind in settings.clip] + [k for k in ("groups", "no_decay") if getattr(settings, k)]
    options += [k for k in ("weight_decay", "l1_decay") if getattr(settings, k)]
    if options:
        raise ConfigError(f"optimizer.sparse: {options[0]} needs all rows at once; the rows are in several processes")
    return {"SGD": SGDRows, "Adam": AdamRows, "Adagrad": AdagradRows, "FTRL": FTRLRows}[kind](settings)


class SGDRows:
    """w <- w - lr g.

    Args:
        settings (Optimizer): its options.
    """

    states = 0

    def __init__(self, settings):
        self.settings = settings

    def start(self, count, width):
        """The state of new rows, float32 [count, states * width]."""
        return np.zeros((count, self.states * width), np.float32)

    def update(self, rows, state, gradients, lr, step):
        """Updates rows [U, K] and state [U, states * K] in place.

        Args:
            rows (ndarray): float32.
            state (ndarray): float32.
            gradients (ndarray): float32 [U, K].
            lr (float): learning rate.
            step (int): updates of the table so far, with this one.
        """
        rows -= np.float32(lr) * gradients


class AdagradRows(SGDRows):
    """s <- s + g g;  w <- w - lr g / (sqrt(s) + epsilon)."""

    states = 1

    def start(self, count, width):
        return np.full((count, width), self.settings.initial, np.float32)

    def update(self, rows, state, gradients, lr, step):
        state += gradients * gradients
        divisor = np.sqrt(state)
        divisor += np.float32(self.settings.epsilon)
        np.divide(gradients, divisor, out=divisor)
        divisor *= np.float32(lr)
        rows -= divisor


class AdamRows(SGDRows):
    """Adam whose moments are those of the rows that had a gradient; bias is corrected by the updates of the table.

    The framework corrects the first update of a sparse gradient as if it were the second, and so on; so does this.
    """

    states = 2

    def update(self, rows, state, gradients, lr, step):
        one, two = self.settings.beta1, self.settings.beta2
        mean, square = state[:, : rows.shape[1]], state[:, rows.shape[1] :]
        mean *= np.float32(one)
        mean += np.float32(1 - one) * gradients
        square *= np.float32(two)
        square += np.float32(1 - two) * gradients * gradients
        root = (1 - two ** (step + 1)) ** 0.5
        divisor = np.sqrt(square)
        divisor += np.float32(self.settings.epsilon * root)
        np.divide(mean, divisor, out=divisor)
        divisor *= np.float32(lr * root / (1 - one ** (step + 1)))
        rows -= divisor


class FTRLRows(SGDRows):
    """FTRL-Proximal, see :func:`common.optim.rules.ftrl_step`; the state is the sum of squares and z."""

    states = 2

    def update(self, rows, state, gradients, lr, step):
        given = self.settings
        squares, linear = state[:, : rows.shape[1]], state[:, rows.shape[1] :]
        total = squares + gradients * gradients
        grown = total ** np.float32(given.power)
        sigma = (grown - squares ** np.float32(given.power)) / np.float32(lr)
        linear += gradients - sigma * rows
        squares[:] = total
        pull = np.maximum(np.abs(linear) - np.float32(given.l1), 0)
        rows[:] = -np.sign(linear) * pull / ((np.float32(given.beta) + grown) / np.float32(lr) + np.float32(given.l2))
