"""The usual learning-rate schedules; `common.optim.schedule` says what they share.

Decays count from the first step of the run.  Those that end at a given step (`CosineDecay`, `PolyDecay`,
`LinearWarmupDecay`) start at the end of the warm-up unless `after_warmup` is false.
"""

import itertools
import math

from common.optim.schedule import Schedule


class Constant(Schedule):
    """The same rate all along.

    Args:
        base (float): the rate.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(self, base, warmup_steps=0, warmup_epochs=0, warmup_from=0.0):
        super().__init__(base, warmup_steps, warmup_epochs, warmup_from)

    def rate(self, step):
        return self.base


class StepDecay(Schedule):
    """Multiplies the rate by `factor` at each milestone.

    Args:
        base (float): the rate before the first milestone.
        at_epochs (list[float]): milestones in epochs, rising.
        at_steps (list[int]): milestones in updates, rising; give one of the two.
        factor (float): what the rate is multiplied by.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(
        self, base, at_epochs=None, at_steps=None, factor=0.1, warmup_steps=0, warmup_epochs=0, warmup_from=0.0
    ):
        super().__init__(base, warmup_steps, warmup_epochs, warmup_from)
        if (at_epochs is None) == (at_steps is None):
            raise self.error(f"got at_epochs={at_epochs!r} and at_steps={at_steps!r}; give one of them")
        self.at_epochs, self.at_steps = at_epochs, at_steps
        self.step_factor = self.number("factor", factor, above=0)
        key, milestones = ("at_epochs", at_epochs) if at_steps is None else ("at_steps", at_steps)
        if not isinstance(milestones, (list, tuple)):
            raise self.error(f"got {key}={milestones!r}; it must be a list of numbers")
        for milestone in milestones:
            self.number(f"{key} item", milestone, above=0)
        if any(right <= left for left, right in itertools.pairwise(milestones)):
            raise self.error(f"got {key}={milestones!r}; they must rise")

    def rate(self, step):
        milestones = self.at_steps
        if milestones is None:
            milestones = [round(epoch * self.epoch_length()) for epoch in self.at_epochs]
        return self.base * self.step_factor ** sum(step >= milestone for milestone in milestones)


class CosineDecay(Schedule):
    """Half a cosine from `base` to `end` (SGDR without restarts, https://arxiv.org/abs/1608.03983, eq. 5).

    Args:
        base (float): the rate at the end of the warm-up.
        end (float): the rate at the end.
        epochs (float): where it ends, in epochs; the end of the run unless given.
        steps (int): where it ends, in updates; the end of the run unless given.
        by_epoch (bool): the rate changes at the start of an epoch only.
        after_warmup (bool): the cosine starts at the end of the warm-up, otherwise at step 0.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(
        self,
        base,
        end=0.0,
        epochs=None,
        steps=None,
        by_epoch=False,
        after_warmup=True,
        warmup_steps=0,
        warmup_epochs=0,
        warmup_from=0.0,
    ):
        super().__init__(base, warmup_steps, warmup_epochs, warmup_from)
        self.end = self.number("end", end, least=0, most=base)
        self.one_of(needed=False, epochs=epochs, steps=steps)
        self.epochs, self.steps = epochs, steps
        self.by_epoch, self.after_warmup = by_epoch, after_warmup

    def rate(self, step):
        if self.by_epoch:
            step = step // self.epoch_length() * self.epoch_length()
        start = self.warmup_length() if self.after_warmup else 0
        done = self.progress(step, self.length(self.steps, self.epochs), start)
        return self.end + (self.base - self.end) * 0.5 * (1 + math.cos(math.pi * done))


class PolyDecay(Schedule):
    """From `base` to `end` along (1 - progress) ** power (DeepLab, https://arxiv.org/abs/1606.00915, section 4.1).

    Args:
        base (float): the rate at the end of the warm-up.
        power (float): the exponent; 1 is a straight line.
        end (float): the rate at the end.
        epochs (float): where it ends, in epochs; the end of the run unless given.
        steps (int): where it ends, in updates; the end of the run unless given.
        after_warmup (bool): the curve starts at the end of the warm-up, otherwise at step 0.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(
        self,
        base,
        power=0.9,
        end=0.0,
        epochs=None,
        steps=None,
        after_warmup=True,
        warmup_steps=0,
        warmup_epochs=0,
        warmup_from=0.0,
    ):
        super().__init__(base, warmup_steps, warmup_epochs, warmup_from)
        self.power = self.number("power", power, above=0)
        self.end = self.number("end", end, least=0, most=base)
        self.one_of(needed=False, epochs=epochs, steps=steps)
        self.epochs, self.steps, self.after_warmup = epochs, steps, after_warmup

    def rate(self, step):
        start = self.warmup_length() if self.after_warmup else 0
        left = 1 - self.progress(step, self.length(self.steps, self.epochs), start)
        return self.end + (self.base - self.end) * left**self.power


class LinearWarmupDecay(PolyDecay):
    """Up in a straight line, and down in one to the end of the run (BERT, https://arxiv.org/abs/1810.04805, A.2).

    Args:
        base (float): the rate at the top.
        warmup_fraction (float): the part of the run that the way up takes; for steps or epochs set it to 0.
        end (float): the rate at the end.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the three.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(self, base, warmup_fraction=0.0, end=0.0, warmup_steps=0, warmup_epochs=0, warmup_from=0.0):
        super().__init__(base, 1.0, end, None, None, True, warmup_steps, warmup_epochs, warmup_from)
        self.warmup_fraction = self.number("warmup_fraction", warmup_fraction, least=0, most=1)
        if warmup_fraction and (warmup_steps or warmup_epochs):
            raise self.error(
                f"got warmup_fraction={warmup_fraction} and a warm-up in steps or epochs; give one of them"
            )

    def warmup_length(self):
        if self.warmup_fraction:
            return round(self.warmup_fraction * self.bound(self.total_steps))
        return super().warmup_length()


class NoamDecay(Schedule):
    """Up in a straight line, then down as 1 / sqrt(step) (https://arxiv.org/abs/1706.03762, section 5.3).

    Args:
        d_model (int): width of the model; the rate is in proportion to d_model ** -0.5.
        warmup_steps (int): updates of the way up.
        scale (float): what the paper's rate is multiplied by.
    """

    def __init__(self, d_model=512, warmup_steps=4000, scale=1.0):
        self.number("d_model", d_model, least=1)
        self.number("warmup_steps", warmup_steps, least=1)
        self.number("scale", scale, above=0)
        super().__init__(scale * (d_model * warmup_steps) ** -0.5)
        self.peak = warmup_steps

    def rate(self, step):
        count = step + 1
        return self.base * min(count / self.peak, (self.peak / count) ** 0.5)


def make_schedule(lr):
    """A schedule from what a configuration holds: a number is the same rate all along.

    Raises:
        ValueError: `lr` is neither a schedule nor a positive number.
    """
    if isinstance(lr, Schedule):
        return lr
    return Constant(lr)
