"""Learning-rate schedules by a law of decay, and cyclic ones; `common.optim.schedule` says what they share."""

import math

from common.optim.schedule import Schedule


class ExponentialDecay(Schedule):
    """base * decay ** t, where t counts periods of `every_steps` updates or `every_epochs` epochs.

    Args:
        base (float): the rate at step 0.
        decay (float): what a whole period multiplies the rate by.
        every_epochs (float): length of a period in epochs.
        every_steps (int): length of a period in updates; give one of the two.
        staircase (bool): the rate changes at the end of a period only.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(
        self,
        base,
        decay,
        every_epochs=None,
        every_steps=None,
        staircase=False,
        warmup_steps=0,
        warmup_epochs=0,
        warmup_from=0.0,
    ):
        super().__init__(base, warmup_steps, warmup_epochs, warmup_from)
        self.decay = self.number("decay", decay, above=0)
        self.one_of(every_epochs=every_epochs, every_steps=every_steps)
        self.every_epochs, self.every_steps, self.staircase = every_epochs, every_steps, staircase

    def periods(self, step):
        """How many periods are over at `step`."""
        count = step / self.length(self.every_steps, self.every_epochs)
        return math.floor(count) if self.staircase else count

    def rate(self, step):
        return self.base * self.decay ** self.periods(step)


class NaturalExpDecay(ExponentialDecay):
    """base * exp(-decay * t), where t counts periods of `every_steps` updates or `every_epochs` epochs.

    Args:
        base (float): the rate at step 0.
        decay (float): the exponent of a whole period.
        every_epochs (float): length of a period in epochs.
        every_steps (int): length of a period in updates; give one of the two.
        staircase (bool): the rate changes at the end of a period only.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(
        self,
        base,
        decay,
        every_epochs=None,
        every_steps=None,
        staircase=False,
        warmup_steps=0,
        warmup_epochs=0,
        warmup_from=0.0,
    ):
        super().__init__(base, decay, every_epochs, every_steps, staircase, warmup_steps, warmup_epochs, warmup_from)

    def rate(self, step):
        return self.base * math.exp(-self.decay * self.periods(step))


class InverseTimeDecay(ExponentialDecay):
    """base / (1 + decay * t), where t counts periods of `every_steps` updates or `every_epochs` epochs.

    Args:
        base (float): the rate at step 0.
        decay (float): how much a whole period adds to the divisor.
        every_epochs (float): length of a period in epochs.
        every_steps (int): length of a period in updates; give one of the two.
        staircase (bool): the rate changes at the end of a period only.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(
        self,
        base,
        decay,
        every_epochs=None,
        every_steps=None,
        staircase=False,
        warmup_steps=0,
        warmup_epochs=0,
        warmup_from=0.0,
    ):
        super().__init__(base, decay, every_epochs, every_steps, staircase, warmup_steps, warmup_epochs, warmup_from)

    def rate(self, step):
        return self.base / (1 + self.decay * self.periods(step))


class CyclicLR(Schedule):
    """Between `base` and `top` in triangles (https://arxiv.org/abs/1506.01186, section 3).

    Args:
        base (float): the lowest rate.
        top (float): the highest rate of the first cycle.
        up_steps (int): updates from `base` to `top`.
        down_steps (int): updates back; as many as up unless given.
        mode (str): `triangular`, `triangular2` (each cycle half as high) or `exp_range` (height times gamma ** step).
        gamma (float): for `exp_range`.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(
        self,
        base,
        top,
        up_steps,
        down_steps=None,
        mode="triangular",
        gamma=1.0,
        warmup_steps=0,
        warmup_epochs=0,
        warmup_from=0.0,
    ):
        super().__init__(base, warmup_steps, warmup_epochs, warmup_from)
        self.top = self.number("top", top, least=base)
        self.up_steps = self.number("up_steps", up_steps, least=1)
        self.down_steps = self.number("down_steps", up_steps if down_steps is None else down_steps, least=1)
        self.gamma = self.number("gamma", gamma, above=0, most=1)
        if mode not in ("triangular", "triangular2", "exp_range"):
            raise self.error(f"got mode={mode!r}; it must be triangular, triangular2 or exp_range")
        self.mode = mode

    def rate(self, step):
        cycle, place = divmod(step, self.up_steps + self.down_steps)
        up = place / self.up_steps
        height = min(up, (self.up_steps + self.down_steps - place) / self.down_steps)
        if self.mode == "triangular2":
            height *= 0.5**cycle
        elif self.mode == "exp_range":
            height *= self.gamma**step
        return self.base + (self.top - self.base) * height


class OneCycle(Schedule):
    """Up to `base` and down to almost nothing over the whole run (https://arxiv.org/abs/1708.07120, section 4).

    Args:
        base (float): the highest rate.
        up_fraction (float): the part of the run that goes up.
        start_divisor (float): the first rate is base / start_divisor.
        end_divisor (float): the last rate is the first one / end_divisor.
        anneal (str): `cosine` or `linear`.
        steps (int): length of the cycle in updates; the whole run unless given.
    """

    def __init__(self, base, up_fraction=0.3, start_divisor=25.0, end_divisor=1e4, anneal="cosine", steps=None):
        super().__init__(base)
        self.up_fraction = self.number("up_fraction", up_fraction, above=0, most=1)
        self.start = base / self.number("start_divisor", start_divisor, least=1)
        self.end = self.start / self.number("end_divisor", end_divisor, least=1)
        self.one_of(needed=False, steps=steps)
        self.steps = steps
        if anneal not in ("cosine", "linear"):
            raise self.error(f"got anneal={anneal!r}; it must be cosine or linear")
        self.anneal = anneal

    def rate(self, step):
        last = max(self.length(self.steps, None) - 1, 1)
        top = self.up_fraction * last
        if step <= top:
            return self.between(self.start, self.base, step / top)
        return self.between(self.base, self.end, min((step - top) / max(last - top, 1e-9), 1.0))

    def between(self, first, last, done):
        """The rate at the part `done` (0 to 1) of the way from `first` to `last`."""
        if self.anneal == "cosine":
            done = 0.5 * (1 - math.cos(math.pi * done))
        return first + (last - first) * done
