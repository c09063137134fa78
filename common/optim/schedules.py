"""Learning rate schedules: pure functions of the step, without PaddlePaddle.

    schedule = StepDecay(base=1e-3, at_epochs=[216, 243], factor=0.1, warmup_steps=4000)
    schedule.bind(steps_per_epoch=1833, total_steps=494910)
    schedule.at(0)                                  # the learning rate of the first update

A step is an update of the weights; steps count from 0, and so do decays, in the first step of the run.  `CosineDecay`,
`PolyDecay` and `LinearWarmupDecay` end at a given step; they start at the end of the warm-up unless `after_warmup` is
false.
"""

import abc
import math
from dataclasses import dataclass
from typing import Literal

from common.optim.settings import Settings, in_range


@dataclass(kw_only=True)
class Schedule(Settings, abc.ABC):
    """Base class of all schedules: the lengths of an epoch and of the run, and the scaling to another total batch size.

    Args:
        base (float): base learning rate.
    """

    base: float = in_range(above=0)

    def __post_init__(self):
        super().__post_init__()
        self.multiplier = 1.0
        self.steps_per_epoch = self.total_steps = None

    def bind(self, steps_per_epoch, total_steps):
        """Sets how many updates an epoch and the whole run have, None where unknown.  Returns the schedule."""
        lengths = {"steps_per_epoch": steps_per_epoch, "total_steps": total_steps}
        for key, value in lengths.items():
            setattr(self, key, None if value is None else self.check_number(key, value, above=0))
        return self

    def scale(self, factor):
        """Multiplies every learning rate, for another total batch size than configured.  Returns the schedule."""
        self.multiplier *= self.check_number("scale", factor, above=0)
        return self

    def at(self, step):
        """The learning rate (float) of update `step` (int, from 0)."""
        return self.multiplier * self.rate(step)

    @abc.abstractmethod
    def rate(self, step):
        """The learning rate after the warm-up, before :meth:`scale`."""

    def warmup_length(self):
        """Updates before :meth:`rate` holds."""
        return 0

    def turns(self):
        """{name: step} of the updates that the run must reach for the schedule to be complete, after :meth:`bind`."""
        return {"the warm-up": self.warmup_length()} if self.warmup_length() else {}

    def epoch_length(self):
        """Updates of one epoch, known after :meth:`bind`."""
        return self.bound(self.steps_per_epoch)

    def bound(self, value):
        """`value`, which is known only after :meth:`bind`."""
        if value is None:
            raise self.error("counts in epochs or to the end of the run; call bind(steps_per_epoch, total_steps) first")
        return value

    def length(self, steps, epochs):
        """Updates in a span given in `steps` or in `epochs`; the whole run when given in neither."""
        if steps is not None:
            return steps
        return self.bound(self.total_steps) if epochs is None else epochs * self.epoch_length()

    def progress(self, step, end, start=0):
        """The completed fraction of the way from step `start` to step `end`, 0 to 1."""
        return min(max(step - start, 0) / max(end - start, 1), 1.0)


@dataclass(kw_only=True)
class WarmupSchedule(Schedule):
    """Schedule with a linear warm-up (Goyal et al., https://arxiv.org/abs/1706.02677, section 2.2).

    Args:
        base (float): learning rate at the end of the warm-up.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): learning rate of the first step of the warm-up.
    """

    warmup_steps: int = in_range(0, least=0)
    warmup_epochs: float = in_range(0, least=0)
    warmup_from: float = in_range(0.0, least=0)

    def __post_init__(self):
        super().__post_init__()
        if self.warmup_steps and self.warmup_epochs:
            raise self.error(
                f"got warmup_steps={self.warmup_steps} and warmup_epochs={self.warmup_epochs}; give one of them"
            )

    def warmup_length(self):
        return round(self.warmup_epochs * self.epoch_length()) if self.warmup_epochs else self.warmup_steps

    def at(self, step):
        warmup = self.warmup_length()
        if step < warmup:
            return self.multiplier * (self.warmup_from + (self.base - self.warmup_from) * step / warmup)
        return super().at(step)


@dataclass(kw_only=True)
class Constant(WarmupSchedule):
    """Constant learning rate."""

    def rate(self, step):
        return self.base


@dataclass(kw_only=True)
class StepDecay(WarmupSchedule):
    """Multiplies the learning rate by `factor` at each milestone.

    Args:
        at_epochs (list[float]): milestones in epochs, rising.
        at_steps (list[int]): milestones in updates, rising; give one of the two.
        factor (float | list[float]): what the learning rate is multiplied by; a list has one for each milestone.
    """

    at_epochs: list[float] | None = None
    at_steps: list[int] | None = None
    factor: float | list[float] = 0.1

    def __post_init__(self):
        super().__post_init__()
        self.check_alternatives("at_epochs", "at_steps")
        key, milestones = ("at_epochs", self.at_epochs) if self.at_steps is None else ("at_steps", self.at_steps)
        self.check_rising(key, milestones)
        factors = self.factor if isinstance(self.factor, list | tuple) else [self.factor] * len(milestones)
        if len(factors) != len(milestones):
            raise self.error(f"got {len(factors)} factors for {len(milestones)} milestones; give one for each")
        for factor in factors:
            self.check_number("factor", factor, above=0)

    def milestones(self):
        """The milestones in updates (list[int])."""
        if self.at_steps is not None:
            return self.at_steps
        return [round(epoch * self.epoch_length()) for epoch in self.at_epochs]

    def turns(self):
        return super().turns() | {f"milestone {k}": step for k, step in enumerate(self.milestones(), 1)}

    def rate(self, step):
        passed = sum(step >= milestone for milestone in self.milestones())
        each = isinstance(self.factor, list | tuple)
        return self.base * (math.prod(self.factor[:passed]) if each else self.factor**passed)


@dataclass(kw_only=True)
class DecayToEnd(WarmupSchedule):
    """Base class of schedules that fall from `base` to `end` at a given step.

    Args:
        end (float): learning rate at the end.
        epochs (float): where it ends, in epochs; the end of the run unless given.
        steps (int): where it ends, in updates; the end of the run unless given.
        after_warmup (bool): the decay starts at the end of the warm-up, otherwise at step 0.
    """

    end: float = in_range(0.0, least=0)
    epochs: float | None = in_range(None, above=0)
    steps: int | None = in_range(None, above=0)
    after_warmup: bool = True

    def __post_init__(self):
        super().__post_init__()
        self.check_number("end", self.end, least=0, most=self.base)
        self.check_alternatives("epochs", "steps", required=False)

    def span(self):
        """(first step, last step) of the decay."""
        return self.warmup_length() if self.after_warmup else 0, self.length(self.steps, self.epochs)

    def turns(self):
        return super().turns() | {"the end of the decay": self.span()[1] - 1}


@dataclass(kw_only=True)
class CosineDecay(DecayToEnd):
    """Half a cosine from `base` to `end` (SGDR without restarts, https://arxiv.org/abs/1608.03983, eq. 5).

    Args:
        by_epoch (bool): the learning rate changes at the start of an epoch only.
    """

    by_epoch: bool = False

    def rate(self, step):
        if self.by_epoch:
            step = step // self.epoch_length() * self.epoch_length()
        start, end = self.span()
        done = self.progress(step, end, start)
        return self.end + (self.base - self.end) * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(kw_only=True)
class PolyDecay(DecayToEnd):
    """From `base` to `end` along (1 - progress) ** power (DeepLab, https://arxiv.org/abs/1606.00915, section 4.1).

    Args:
        power (float): the exponent; 1 is a straight line.
        cycle (bool): restart: once a step passes the end, the end moves to the next multiple of the length, so that the
            learning rate rises again, as `PolynomialDecay(cycle=True)` of PaddlePaddle does.
    """

    power: float = in_range(0.9, above=0)
    cycle: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.cycle and self.epochs is None and self.steps is None:
            raise self.error("got cycle=True without steps or epochs; a decay as long as the run never restarts")

    def rate(self, step):
        start, end = self.span()
        if self.cycle:
            length = max(end - start, 1)
            end = start + length * max(math.ceil((step - start) / length), 1)
        left = 1 - self.progress(step, end, start)
        return self.end + (self.base - self.end) * left**self.power


@dataclass(kw_only=True)
class LinearWarmupDecay(WarmupSchedule):
    """Linear warm-up, then linear decay to the end of the run (BERT, https://arxiv.org/abs/1810.04805, A.2).

    Args:
        base (float): highest learning rate.
        warmup_fraction (float): warm-up as a fraction of the run; give this, warmup_steps or warmup_epochs.
        end (float): learning rate at the end.
    """

    warmup_fraction: float = in_range(0.0, least=0, most=1)
    end: float = in_range(0.0, least=0)

    def __post_init__(self):
        super().__post_init__()
        self.check_number("end", self.end, least=0, most=self.base)
        if self.warmup_fraction and (self.warmup_steps or self.warmup_epochs):
            raise self.error(
                f"got warmup_fraction={self.warmup_fraction} and a warm-up in steps or epochs; give one of them"
            )

    def warmup_length(self):
        if self.warmup_fraction:
            return round(self.warmup_fraction * self.bound(self.total_steps))
        return super().warmup_length()

    def rate(self, step):
        left = 1 - self.progress(step, self.bound(self.total_steps), self.warmup_length())
        return self.end + (self.base - self.end) * left


@dataclass(kw_only=True)
class NoamDecay(Schedule):
    """Linear warm-up, then decay as 1 / sqrt(step) (https://arxiv.org/abs/1706.03762, section 5.3).

    Args:
        base (float): what the paper's learning rate is multiplied by.
        d_model (int): width of the model; the learning rate is proportional to d_model ** -0.5.
        warmup_steps (int): updates of the warm-up.
    """

    base: float = in_range(1.0, above=0)
    d_model: int = in_range(512, least=1)
    warmup_steps: int = in_range(4000, least=1)

    def turns(self):
        return {"the warm-up": self.warmup_steps}

    def rate(self, step):
        count, peak = step + 1, self.warmup_steps
        return self.base * (self.d_model * peak) ** -0.5 * min(count / peak, (peak / count) ** 0.5)


@dataclass(kw_only=True)
class ExponentialDecay(WarmupSchedule):
    """base * decay ** t, where t counts periods of `every_steps` updates or `every_epochs` epochs.

    Args:
        base (float): learning rate at step 0.
        decay (float): what a whole period multiplies the learning rate by.
        every_epochs (float): length of a period in epochs.
        every_steps (int): length of a period in updates; give one of the two.
        staircase (bool): the learning rate changes at the end of a period only.
    """

    decay: float = in_range(above=0)
    every_epochs: float | None = in_range(None, above=0)
    every_steps: int | None = in_range(None, above=0)
    staircase: bool = False

    def __post_init__(self):
        super().__post_init__()
        self.check_alternatives("every_epochs", "every_steps")

    def periods(self, step):
        """The number of periods completed at `step`."""
        count = step / self.length(self.every_steps, self.every_epochs)
        return math.floor(count) if self.staircase else count

    def rate(self, step):
        return self.base * self.decay ** self.periods(step)


@dataclass(kw_only=True)
class NaturalExpDecay(ExponentialDecay):
    """base * exp(-decay * t), where t counts periods of `every_steps` updates or `every_epochs` epochs.

    Args:
        decay (float): the exponent of a whole period.
    """

    def rate(self, step):
        return self.base * math.exp(-self.decay * self.periods(step))


@dataclass(kw_only=True)
class InverseTimeDecay(ExponentialDecay):
    """base / (1 + decay * t), where t counts periods of `every_steps` updates or `every_epochs` epochs.

    Args:
        decay (float): how much a whole period adds to the divisor.
    """

    def rate(self, step):
        return self.base / (1 + self.decay * self.periods(step))


@dataclass(kw_only=True)
class OneCycle(Schedule):
    """Up to `base` and down to almost nothing over the whole run (https://arxiv.org/abs/1708.07120, section 4).

    With `anneal: linear` and `end_divisor: 1` it is the slanted triangle of ULMFiT (https://arxiv.org/abs/1801.06146,
    eq. 3): `up_fraction` is the paper's cut_frac, `start_divisor` its ratio.

    Args:
        base (float): highest learning rate.
        up_fraction (float): fraction of the run in which the learning rate rises.
        start_divisor (float): the first learning rate is base / start_divisor.
        end_divisor (float): the last learning rate is the first one / end_divisor.
        anneal (str): `cosine` or `linear`.
        steps (int): length of the cycle in updates; the whole run unless given.
    """

    up_fraction: float = in_range(0.3, above=0, most=1)
    start_divisor: float = in_range(25.0, least=1)
    end_divisor: float = in_range(1e4, least=1)
    anneal: Literal["cosine", "linear"] = "cosine"
    steps: int | None = in_range(None, above=0)

    def __post_init__(self):
        super().__post_init__()
        if self.anneal not in ("cosine", "linear"):
            raise self.error(f"got anneal={self.anneal!r}; it must be cosine or linear")

    def turns(self):
        return {"the end of the cycle": self.length(self.steps, None) - 1}

    def rate(self, step):
        last = max(self.length(self.steps, None) - 1, 1)
        top = self.up_fraction * last
        start = self.base / self.start_divisor
        if step <= top:
            return self.interpolate(start, self.base, step / top)
        done = min((step - top) / max(last - top, 1e-9), 1.0)
        return self.interpolate(self.base, start / self.end_divisor, done)

    def interpolate(self, first, last, done):
        """The learning rate at the fraction `done` (0 to 1) of the way from `first` to `last`."""
        if self.anneal == "cosine":
            done = 0.5 * (1 - math.cos(math.pi * done))
        return first + (last - first) * done


def make_schedule(lr):
    """A schedule from what a configuration holds: a number is a constant learning rate.

    Raises:
        ValueError: `lr` is neither a schedule nor a positive number.
    """
    if isinstance(lr, Settings) and not isinstance(lr, Schedule):
        raise ValueError(f"lr got {lr.name}, which is no schedule")
    return lr if isinstance(lr, Schedule) else Constant(base=lr)
