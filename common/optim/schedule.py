"""What a learning-rate schedule is: a pure function of the step, without PaddlePaddle.

    schedule = StepDecay(base=1e-3, at_epochs=[216, 243], factor=0.1, warmup_steps=4000)
    schedule.bind(steps_per_epoch=1833, total_steps=494910)
    schedule.at(0)                                  # the rate of the first update

Steps count updates from 0.  Every schedule warms up linearly from `warmup_from` to its base rate over `warmup_steps`
updates (or `warmup_epochs` epochs) as in Goyal et al. (https://arxiv.org/abs/1706.02677, section 2.2); from then on its
own curve holds.
"""

import math


class Schedule:
    """What all schedules share: the warm-up, the length of an epoch and the scaling to another total batch.

    Args:
        base (float): the rate at the end of the warm-up.
        warmup_steps (int): updates of the warm-up.
        warmup_epochs (float): the same in epochs; give one of the two.
        warmup_from (float): the rate of the first step of the warm-up.
    """

    def __init__(self, base, warmup_steps=0, warmup_epochs=0, warmup_from=0.0):
        self.base = self.number("base", base, above=0)
        self.warmup_steps = self.number("warmup_steps", warmup_steps, least=0)
        self.warmup_epochs = self.number("warmup_epochs", warmup_epochs, least=0)
        self.warmup_from = self.number("warmup_from", warmup_from, least=0)
        if warmup_steps and warmup_epochs:
            raise self.error(f"got warmup_steps={warmup_steps} and warmup_epochs={warmup_epochs}; give one of them")
        self.factor = 1.0
        self.steps_per_epoch = self.total_steps = None

    def bind(self, steps_per_epoch, total_steps):
        """Tells the schedule how many updates an epoch and the whole run have, None where unknown.  Returns it."""
        lengths = {"steps_per_epoch": steps_per_epoch, "total_steps": total_steps}
        for key, value in lengths.items():
            setattr(self, key, None if value is None else self.number(key, value, above=0))
        return self

    def scale(self, factor):
        """Multiplies every rate, for another total batch than the configuration's.  Returns the schedule."""
        self.factor *= self.number("scale", factor, above=0)
        return self

    def at(self, step):
        """The rate (float) of update `step` (int, from 0)."""
        warmup = self.warmup_length()
        if step < warmup:
            return self.factor * (self.warmup_from + (self.base - self.warmup_from) * step / warmup)
        return self.factor * self.rate(step)

    def rate(self, step):
        """The rate after the warm-up, before :meth:`scale`; each schedule has its own."""
        raise NotImplementedError

    def warmup_length(self):
        """Updates of the warm-up."""
        return round(self.warmup_epochs * self.epoch_length()) if self.warmup_epochs else self.warmup_steps

    def epoch_length(self):
        """Updates of one epoch, known after :meth:`bind`."""
        return self.bound(self.steps_per_epoch)

    def bound(self, value):
        """`value`, which only :meth:`bind` tells."""
        if value is None:
            raise self.error("counts in epochs or to the end of the run; call bind(steps_per_epoch, total_steps) first")
        return value

    def length(self, steps, epochs):
        """Updates in a span given in `steps` or in `epochs`; the whole run when given in neither."""
        if steps is not None:
            return steps
        return self.bound(self.total_steps) if epochs is None else epochs * self.epoch_length()

    def progress(self, step, end, start=0):
        """How much of the way from step `start` to step `end` is done, 0 to 1."""
        return min(max(step - start, 0) / max(end - start, 1), 1.0)

    def error(self, text):
        """A ValueError that names the schedule."""
        return ValueError(f"{type(self).__name__} {text}")

    def number(self, key, value, above=-math.inf, least=-math.inf, most=math.inf):
        """`value`, if it is a number in this range."""
        return number_in_range(type(self).__name__, key, value, above, least, most)

    def one_of(self, needed=True, **values):
        """Raises ValueError unless one of two keys is given (or none, where `needed` is False), a positive number."""
        given = [key for key, value in values.items() if value is not None]
        if len(given) > 1 or (needed and not given):
            shown = " and ".join(f"{key}={value!r}" for key, value in values.items())
            raise self.error(f"got {shown}; give {'' if needed else 'at most '}one of them")
        for key in given:
            self.number(key, values[key], above=0)


def number_in_range(owner, key, value, above=-math.inf, least=-math.inf, most=math.inf):
    """Returns `value`.

    Raises:
        ValueError: it is not a finite number in the range; names `owner`, the key, the value and the range.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and math.isfinite(value) and above < value and least <= value <= most:
        return value
    limits = {"above": above, "at least": least, "at most": most}
    wanted = " and ".join(f"{word} {limit}" for word, limit in limits.items() if math.isfinite(limit))
    raise ValueError(f"{owner} got {key}={value!r}; it must be a number {wanted}".rstrip())
