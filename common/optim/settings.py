"""Base class of optimizers and schedules: dataclasses whose numbers are checked against the range of their field."""

import dataclasses
import itertools
import math


def in_range(default=dataclasses.MISSING, *, above=-math.inf, least=-math.inf, most=math.inf):
    """A dataclass field that takes a finite number in a range, and null where that is its default.

    Args:
        default (float | None): required without one.
        above (float): excluded lower limit.
        least (float): included lower limit.
        most (float): included upper limit.
    """
    return dataclasses.field(default=default, metadata={"above": above, "least": least, "most": most})


class Settings:
    """Base class of the settings of optimizers and schedules.

    Raises:
        ValueError: a field made by :func:`in_range` is outside its range.
    """

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.metadata and not (value is None and field.default is None):
                self.check_number(field.name, value, **field.metadata)

    @property
    def name(self):
        """Its `type` in the configuration."""
        return type(self).__name__

    def error(self, text):
        """A ValueError that begins with the name."""
        return ValueError(f"{self.name} {text}")

    def check_number(self, key, value, above=-math.inf, least=-math.inf, most=math.inf):
        """Returns `value` if it is a number in the range, else raises ValueError."""
        return number_in_range(self.name, key, value, above, least, most)

    def check_rising(self, key, values):
        """Raises ValueError unless `values` are rising numbers above 0, a list."""
        if not isinstance(values, (list, tuple)):
            raise self.error(f"got {key}={values!r}; it must be a list of numbers")
        for value in values:
            self.check_number(f"{key} item", value, above=0)
        if any(right <= left for left, right in itertools.pairwise(values)):
            raise self.error(f"got {key}={values!r}; they must rise")

    def check_alternatives(self, *keys, required=True):
        """Raises ValueError unless one of these fields is given; none may be given where `required` is False."""
        values = {key: getattr(self, key) for key in keys}
        given = [key for key, value in values.items() if value is not None]
        if len(given) > 1 or (required and not given):
            shown = " and ".join(f"{key}={value!r}" for key, value in values.items())
            raise self.error(f"got {shown}; give {'' if required else 'at most '}one of them")


def number_in_range(owner, key, value, above=-math.inf, least=-math.inf, most=math.inf):
    """Returns `value`.

    Raises:
        ValueError: it is not a finite number in the range; names `owner`, the key, the value and the range.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and above < value and least <= value <= most:
        return value
    limits = {"above": above, "at least": least, "at most": most}
    wanted = " and ".join(f"{word} {limit}" for word, limit in limits.items() if math.isfinite(limit))
    raise ValueError(f"{owner} got {key}={value!r}; it must be a number {wanted}".rstrip())
