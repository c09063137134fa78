"""What a search may choose: named dimensions, each a list of values or a range of numbers.

A *token* stands for a value in the study: the position of a value in a list, the number itself in a range.
A space has `dimensions`, and `overrides(values)` tells which keys of a configuration the chosen values change.
"""

import dataclasses
import math

from common.errors import ConfigError

SCALES = ("linear", "log", "int", "log_int")


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of several values.

    Args:
        name (str): of the dimension.
        values (tuple): what may be chosen; any value that a configuration holds.
    """

    name: str
    values: tuple

    @property
    def ordered(self):
        """Whether the values are numbers, which have neighbours."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)

    def value(self, token):
        """The value at a position."""
        return self.values[token]


@dataclasses.dataclass(frozen=True)
class Range:
    """A number between two others, both included.

    Args:
        name (str): of the dimension.
        low (float): the least.
        high (float): the greatest.
        log (bool): whether the logarithm is what is drawn evenly.
        whole (bool): whether the number is an int.
    """

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def value(self, token):
        """The number itself, to six digits."""
        return int(token) if self.whole else min(max(float(f"{token:.6g}"), self.low), self.high)


class KeySpace:
    """A space of keys: each dimension is the dotted path of one.

        optimizer.lr.base: [1e-4, 1e-1, log]        # a range: two numbers, then linear, log, int or log_int
        train.batch_size: [32, 64, 128]             # values

    Args:
        keys (dict): dotted path -> a range or a list of values.
        places (dict): dotted path -> where it was written, for messages.

    Raises:
        ConfigError: an entry is neither.
    """

    def __init__(self, keys, places=None):
        if not keys:
            raise ConfigError("search.space is empty; write keys such as optimizer.lr.base: [1e-4, 1e-1, log]")
        places = places or {}
        self.dimensions = [dimension_of(key, value, places.get(key, "search.space")) for key, value in keys.items()]

    @staticmethod
    def overrides(values):
        """The keys and their values (dict): those chosen."""
        return dict(values)


def dimension_of(key, value, place):
    """The dimension that an entry of a space describes.

    Args:
        key (str): dotted path.
        value (list): `[low, high, scale]`, or the values.
        place (str): of the entry, for messages.
    """
    right = "it takes a list of values, or a range such as [1e-4, 1e-1, log] (linear, log, int or log_int)"
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{place}: search.space: {key} is {value!r}; {right}")
    if len(value) == 3 and value[2] in SCALES and all(_is_number(v) for v in value[:2]):
        low, high, scale = value
        whole, log = scale.endswith("int"), scale.startswith("log")
        if not low < high or (log and low <= 0) or (whole and (low != int(low) or high != int(high))):
            raise ConfigError(
                f"{place}: search.space: {key} is [{low}, {high}, {scale}]; the first number is below the second"
                + (", and above 0" if log else "")
                + (", both whole" if whole else "")
            )
        return Range(key, int(low), int(high), log, True) if whole else Range(key, float(low), float(high), log)
    if len(value) < 2 or any(item in value[:i] for i, item in enumerate(value)):
        raise ConfigError(f"{place}: search.space: {key} needs two different values or more, none twice; {right}")
    return Choice(key, tuple(value))


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def decode(dimensions, tokens):
    """The values that tokens stand for.

    Args:
        dimensions (list[Choice | Range]): of the space.
        tokens (dict): name -> token.

    Returns:
        dict: name -> value.
    """
    return {dimension.name: dimension.value(tokens[dimension.name]) for dimension in dimensions}


def is_finite(dimensions):
    """Whether a space can be searched to its end, which none with a range of real numbers can."""
    return all(isinstance(dimension, Choice) or dimension.whole for dimension in dimensions)


def size(dimensions):
    """How many candidates there are: the product of the choices (float; inf with a range of real numbers)."""
    counts = [
        len(d.values) if isinstance(d, Choice) else d.high - d.low + 1 if d.whole else math.inf for d in dimensions
    ]
    return math.prod(counts)
