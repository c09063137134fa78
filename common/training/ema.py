"""Exponential moving average (EMA) of a model's weights (Polyak and Juditsky, https://doi.org/10.1137/0330046)."""

import contextlib

import numpy as np
import paddle

from common.build.training_only import split_arrays
from common.errors import ConfigError
from common.optim.settings import number_in_range


class ExponentialMovingAverage:
    """Keeps average <- decay * average + (1 - decay) * weight for all parameters and buffers of a model.

    Running statistics of batch normalization are averaged too; buffers that are not floats (counters) are copied.

    Args:
        model (nn.Layer): its current values initialize the average.
        decay (float): fraction of the average that is kept at each update.
        ramp (bool): at update t the decay is min(decay, (1 + t) / (10 + t)), which quickly forgets the initial weights.
    """

    def __init__(self, model, decay=0.9998, ramp=True):
        self.decay, self.ramp, self.updates = number_in_range("ema", "decay", decay, least=0, most=1), ramp, 0
        self.values, _ = split_arrays(model, model.state_dict())
        self.averages = {name: value.detach().clone() for name, value in self.values.items()}
        floats = [name for name, value in self.values.items() if value.is_floating_point()]
        self.moving = [(self.averages[name], self.values[name]) for name in floats]
        self.copied = [(self.averages[n], self.values[n]) for n in self.values if n not in set(floats)]

    @paddle.no_grad()
    def update(self):
        """Updates the average with the model's weights; call it once after each optimizer step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.ramp else self.decay
        for average, value in self.moving:
            average.scale_(decay).add_(value.scale(1.0 - decay))
        for average, value in self.copied:
            average.copy_(value, False)
        self.updates += 1

    @contextlib.contextmanager
    def swap_in(self):
        """Context manager in which the model has the averaged weights; its own are restored bit for bit afterwards."""
        own = {name: value.detach().clone() for name, value in self.values.items()}
        copy_into(self.values, self.averages)
        try:
            yield
        finally:
            copy_into(self.values, own)

    def state(self):
        """The state for checkpoints: ({structured name: array}, JSON values)."""
        return {name: average.numpy() for name, average in self.averages.items()}, {"updates": self.updates}

    def load(self, arrays, state):
        """The inverse of :meth:`state`.

        Raises:
            ConfigError: the arrays do not fit the model.
        """
        wrong = set(arrays) ^ set(self.averages)
        wrong |= {n for n in set(arrays) & set(self.averages) if list(arrays[n].shape) != self.averages[n].shape}
        if wrong:
            raise ConfigError(f"the averaged weights do not fit the model: {', '.join(sorted(wrong)[:4])}")
        for name, average in self.averages.items():
            average.set_value(np.ascontiguousarray(arrays[name]))
        self.updates = state["updates"]


@paddle.no_grad()
def copy_into(targets, sources):
    """Copies every source (dict of Tensor) into the target of the same name."""
    for name, target in targets.items():
        target.copy_(sources[name], False)
