"""Search space: named dimensions, each a list of choices or a numeric range.

A *token* encodes a value in the study: the index of a choice, or the number itself for a range.
A space has `dimensions`, and `overrides(values)` maps chosen values to keys of the configuration.
"""

import dataclasses
import math

from common.errors import ConfigError

SCALES = ("linear", "log", "int", "log_int")


@dataclasses.dataclass(frozen=True)
class Choice:
    """A categorical or ordinal dimension.

    Args:
        name (str): of the dimension.
        values (tuple): the choices; any values of a configuration.
    """

    name: str
    values: tuple

    @property
    def ordered(self):
        """True if all choices are numbers."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)

    def value(self, token):
        """The choice at an index."""
        return self.values[token]

    def token(self, value):
        """The index of a choice; a ValueError for another value."""
        if value not in self.values:
            raise ValueError(f"{self.name} cannot be {value!r}; its values are {', '.join(map(str, self.values))}")
        return self.values.index(value)


@dataclasses.dataclass(frozen=True)
class Range:
    """A numeric range, both ends included.

    Args:
        name (str): of the dimension.
        low (float): lower end.
        high (float): upper end.
        log (bool): sample uniformly in the logarithm.
        whole (bool): integers only.
    """

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def value(self, token):
        """The number, rounded to six digits."""
        return int(token) if self.whole else min(max(float(f"{token:.6g}"), self.low), self.high)

    def token(self, value):
        """The number itself; a ValueError for one outside the range."""
        if not _is_number(value) or not self.low <= value <= self.high or (self.whole and value != int(value)):
            kind = "an integer" if self.whole else "a number"
            raise ValueError(f"{self.name} cannot be {value!r}; it is {kind} from {self.low} to {self.high}")
        return int(value) if self.whole else float(value)


class KeySpace:
    """A space of configuration keys: each dimension is a dotted path.

        optimizer.lr.base: [1e-4, 1e-1, log]        # a range: two numbers, then linear, log, int or log_int
        train.batch_size: [32, 64, 128]             # values

    Args:
        keys (dict): dotted path -> range or list of values.
        places (dict): dotted path -> where it was written, for messages.

    Raises:
        ConfigError: an entry is invalid.
    """

    def __init__(self, keys, places=None):
        if not keys:
            raise ConfigError("search.space is empty; add keys such as optimizer.lr.base: [1e-4, 1e-1, log]")
        places = places or {}
        self.dimensions = [dimension_of(key, value, places.get(key, "search.space")) for key, value in keys.items()]

    @staticmethod
    def overrides(values):
        """{key: chosen value}."""
        return dict(values)


def dimension_of(key, value, place):
    """Parses an entry of a space to a dimension.

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
                f"{place}: search.space: {key} is [{low}, {high}, {scale}]; the first must be less than the second"
                + (", and above 0" if log else "")
                + (", both integers" if whole else "")
            )
        return Range(key, int(low), int(high), log, True) if whole else Range(key, float(low), float(high), log)
    if len(value) < 2 or any(item in value[:i] for i, item in enumerate(value)):
        raise ConfigError(f"{place}: search.space: {key} needs two or more distinct values; {right}")
    return Choice(key, tuple(value))


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def decode(dimensions, tokens):
    """Decodes tokens to values.

    Args:
        dimensions (list[Choice | Range]): of the space.
        tokens (dict): name -> token.

    Returns:
        dict: name -> value.
    """
    return {dimension.name: dimension.value(tokens[dimension.name]) for dimension in dimensions}


def is_finite(dimensions):
    """True if a space has finitely many candidates, that is, no range of real numbers."""
    return all(isinstance(dimension, Choice) or dimension.whole for dimension in dimensions)


def size(dimensions):
    """The number of candidates (float; inf with a range of real numbers)."""
    counts = [
        len(d.values) if isinstance(d, Choice) else d.high - d.low + 1 if d.whole else math.inf for d in dimensions
    ]
    return math.prod(counts)
