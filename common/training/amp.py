"""Automatic mixed precision (AMP) with dynamic loss scaling.

Micikevicius et al., https://arxiv.org/abs/1710.03740: the loss is multiplied by a scale before the backward pass and
the gradients are divided by it; a step whose gradients overflow is skipped and the scale halved, and after many finite
steps it is doubled.  bfloat16 has the range of float32 and needs no loss scaling.
"""

import contextlib

import paddle

from common.errors import EnvironmentProblem
from common.log import logger
from common.optim.gradients import unscale


class Amp:
    """Mixed precision of one run; float32 where it is off or not supported by the device.

    Args:
        level (bool | str): False, `O1` (True is the same; a list of safe operators runs in half precision) or `O2` (all
            but a list of unsafe ones do, and the weights are kept in half precision beside float32 copies).
        dtype (str): `float16`, `bfloat16`, or `auto` for bfloat16 if the device supports it.

    Raises:
        EnvironmentProblem: the GPU does not support the data type.
    """

    def __init__(self, level=False, dtype="auto"):
        self.level = "O1" if level is True else level or "O0"
        if self.level not in ("O0", "O1", "O2"):
            raise ValueError(f"Amp got level={level!r}; it must be False, O1 or O2")
        if dtype not in ("auto", "float16", "bfloat16"):
            raise ValueError(f"Amp got dtype={dtype!r}; it must be auto, float16 or bfloat16")
        if self.enabled and not has_half_precision():
            logger.info("amp: PaddlePaddle does not support half precision on a CPU; training runs in float32")
            self.level = "O0"
        self.dtype = supported_dtype(dtype) if self.enabled else "float32"
        self.scaler = LossScaler() if self.dtype == "float16" else NoScaler()

    @property
    def enabled(self):
        """True if anything runs in half precision."""
        return self.level != "O0"

    def decorate(self, model):
        """Casts the model's weights to half precision under O2; call it before the first optimizer step."""
        return paddle.amp.decorate(model, level="O2", dtype=self.dtype) if self.level == "O2" else model

    def auto_cast(self):
        """Context manager of automatic casting."""
        if not self.enabled:
            return contextlib.nullcontext()
        return paddle.amp.auto_cast(level=self.level, dtype=self.dtype)

    def scale(self, loss):
        """The scaled loss (0-d Tensor) for the backward pass."""
        return self.scaler.scale(loss)

    def step(self, optimizer, lr):
        """Updates the weights at learning rate `lr` unless the gradients overflow; True if it did."""
        return self.scaler.step(optimizer, lr)

    def state(self):
        """The state for checkpoints, as JSON values."""
        return self.scaler.state()

    def load(self, state):
        """The inverse of :meth:`state`; the state of a run without loss scaling changes nothing."""
        self.scaler.load(state)


class NoScaler:
    """No loss scaling: every step is taken."""

    def scale(self, loss):
        return loss

    def step(self, optimizer, lr):
        optimizer.step(lr)
        return True

    def state(self):
        return {}

    def load(self, state):
        pass


class LossScaler:
    """Dynamic loss scaling for float16 (section 3.2 of the paper).

    Args:
        value (float): initial scale.
        growth (float): growth factor after `growth_steps` finite steps in a row.
        backoff (float): factor when gradients overflow.
        growth_steps (int): finite steps before the scale grows.
    """

    def __init__(self, value=2.0**16, growth=2.0, backoff=0.5, growth_steps=2000):
        self.value, self.growth, self.backoff, self.growth_steps = value, growth, backoff, growth_steps
        self.good_steps = 0

    def scale(self, loss):
        return loss.astype("float32") * self.value

    def step(self, optimizer, lr):
        finite = unscale(optimizer.gradients(), self.value)
        if finite:
            optimizer.step(lr)
        self.adjust(finite)
        return finite

    def adjust(self, finite):
        """Adapts the scale after a step with finite or overflown gradients."""
        if not finite:
            self.value, self.good_steps = max(self.value * self.backoff, 1.0), 0
            return
        self.good_steps += 1
        if self.good_steps == self.growth_steps:
            self.value, self.good_steps = self.value * self.growth, 0

    def state(self):
        return {"scale": self.value, "good_steps": self.good_steps}

    def load(self, state):
        if state:
            self.value, self.good_steps = state["scale"], state["good_steps"]


def has_half_precision():
    """True if PaddlePaddle casts on this device; on a CPU it ignores auto_cast with a warning."""
    return paddle.device.get_device() != "cpu"


def supported_dtype(dtype):
    """The half-precision data type to use, checked against the device.

    Raises:
        EnvironmentProblem: the device does not support it.
    """
    if dtype == "auto":
        return "bfloat16" if paddle.amp.is_bfloat16_supported() else "float16"
    supported = paddle.amp.is_float16_supported if dtype == "float16" else paddle.amp.is_bfloat16_supported
    if not supported():
        other = "float16" if dtype == "bfloat16" else "amp=false"
        raise EnvironmentProblem(f"train.amp_dtype={dtype}: this device does not support {dtype}; use {other}")
    return dtype
