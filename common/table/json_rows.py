"""Columns for the transforms of a table, made of rows whose values are those of JSON or texts of a CSV file."""

import re

import numpy as np

from common.errors import BadRows
from common.files import has_lone_surrogate
from common.table.hash import as_words, plain_number

PADDING = -1
MOST_SIGN = 2**64 - 2  # the largest sign; the bits of 2^64 - 1 are those of the padding
SIGN = re.compile(r"[0-9]+")


def rows_to_table(rows, inputs, same_length=(), limits=None):
    """Converts raw rows to columns for the transforms of a table.

    A column that is an input of the model has as many axes as the input: a sequence is a list, or words separated by
    spaces, padded with empty words; a list of lists of feature signs is padded with -1, and a slot without a sign has
    the sign 0, as in the MultiSlot format.  Other columns have one word per row.

    Args:
        rows (list[dict]): rows by column name; a missing value is an empty word.
        inputs (dict): the model inputs, name -> (shape, dtype).
        same_length (list[list[str]]): columns whose sequences belong together, item by item.
        limits (dict[str, int] | None): the values of a sequence, or of each slot, that are used, by column: the first
            n, or for -n the last n, as the reader of the training data cuts them.

    Returns:
        dict[str, ndarray]: columns of N rows.

    Raises:
        BadRows: a value is not what the column takes; every row is looked at by itself.
    """
    names, found, bad = dict.fromkeys(name for row in rows for name in row), {}, {}
    for name in names:
        shape, dtype = inputs.get(name, ([None], "int64"))
        kind = Numbers if len(shape) == 2 and np.dtype(dtype).kind == "f" else KINDS.get(len(shape), Words)
        column = kind(name, shape)
        values = []
        for position, row in enumerate(rows):
            try:
                values.append(column.read(row.get(name)))
            except (ValueError, TypeError) as error:
                bad.setdefault(position, ("D113", str(error), beginning_of(row.get(name))))
        if len(values) == len(rows):
            limit = (limits or {}).get(name)
            found[name] = column.join([column.cut(value, limit) for value in values] if limit else values)
    for group in same_length:
        for position, row in enumerate(rows):
            lengths = {name: len(Sequences(name).split(row.get(name))) for name in group} if position not in bad else {}
            if len(set(lengths.values())) > 1:
                counts = " but ".join(f"{count} in '{name}'" for name, count in lengths.items())
                bad[position] = ("D113", f"the sequences differ in length: {counts}", "")
    if bad:
        raise BadRows(bad)
    return found


def beginning_of(value, most=40):
    """The beginning of a value for messages, in ASCII if it cannot be encoded."""
    text = str(value)[:most]
    return ascii(text) if has_lone_surrogate(text) else text


class Words:
    """A column of one word per row.

    Args:
        name (str): of the column.
        shape (list): of the input.
    """

    def __init__(self, name, shape=(None,)):
        self.name, self.shape = name, shape

    def read(self, value):
        """The value of a row; raises ValueError for one that is no word."""
        if isinstance(value, list | dict):
            raise ValueError(f"'{self.name}' takes a text or a number, not {json_type(value)}")
        return checked(value, self.name)

    def cut(self, value, limit):
        """The value of a row within a limit, which one word is."""
        return value

    def join(self, values):
        """The column, dtype `S` [N]."""
        return as_words(values)


class Sequences(Words):
    """A column of any number of words per row."""

    def split(self, value):
        """The items (list) of a value."""
        if value is None or isinstance(value, str):
            return (value or "").split()
        return value if isinstance(value, list) else [value]

    def read(self, value):
        """The items of a row; raises ValueError for one that is no word."""
        items = self.split(value)
        for item in items:
            if item is None or item != item or item == "" or isinstance(item, list | dict | bool):
                raise ValueError(f"'{self.name}' takes a list of texts or numbers; {json_type(item)} is in it")
            checked(item, self.name)
        return items

    def cut(self, value, limit):
        """The first `limit` items, or the last ones of a negative limit."""
        return value[:limit] if limit > 0 else value[limit:]

    def join(self, values):
        """The column, dtype `S` [N, L], padded with empty words."""
        longest = max(1, *map(len, values))
        words = [word for items in values for word in [*items, *[None] * (longest - len(items))]]
        return as_words(words).reshape(len(values), longest)


class Numbers(Words):
    """A column of a fixed number of floats per row, which goes into the model as it is."""

    def read(self, value):
        """The numbers of a row; raises ValueError."""
        size, numbers = self.shape[1], value if isinstance(value, list) else [value]
        good = all(isinstance(x, int | float) and not isinstance(x, bool) and abs(x) < np.inf for x in numbers)
        if not good or (size and size > 0 and len(numbers) != size):
            raise ValueError(f"'{self.name}' takes a list of {size} numbers")
        return numbers

    def join(self, values):
        """The column, float32 [N, D]."""
        if len({len(numbers) for numbers in values}) > 1:
            most = max(map(len, values))
            few = {k: ("D113", f"'{self.name}' has too few numbers", "") for k, v in enumerate(values) if len(v) < most}
            raise BadRows(few)
        return np.array(values, np.float32)


class Signs(Words):
    """A column of feature signs by slot: integers of 64 bits, as the bits of an int64; -1 is padding."""

    def read(self, value):
        """The signs of a row by slot; raises ValueError."""
        slots = self.shape[1]
        value = [] if value is None else value
        if not isinstance(value, list) or len(value) > slots or not all(isinstance(part, list) for part in value):
            raise ValueError(f"'{self.name}' must be at most {slots} lists of integers")
        return [[self.sign(item) for item in part] for part in value] + [[]] * (slots - len(value))

    def sign(self, item):
        """A sign of 64 bits (int) of an integer, a whole number, or its text."""
        word = plain_number(as_words([item])[0]).decode() if isinstance(item, int | float | str) else ""
        if isinstance(item, bool) or not SIGN.fullmatch(word) or len(word) > 20 or int(word) > MOST_SIGN:
            raise ValueError(f"'{self.name}' takes signs from 0 to {MOST_SIGN}")
        return int(word)

    def cut(self, value, limit):
        """The first `limit` signs of each slot, or the last ones of a negative limit."""
        return [signs[:limit] if limit > 0 else signs[limit:] for signs in value]

    def join(self, values):
        """The column, int64 [N, S, L]."""
        longest = max([1, *(len(signs) for row in values for signs in row)])
        found = np.full((len(values), self.shape[1], longest), PADDING, np.int64)
        for row, value in enumerate(values):
            for slot, signs in enumerate(value):
                found[row, slot, : max(1, len(signs))] = np.array(signs or [0], np.uint64).view(np.int64)
        return found


KINDS = {1: Words, 2: Sequences, 3: Signs}  # by the axes of an input


def checked(value, name):
    """A scalar; raises ValueError for a text that cannot be encoded."""
    if isinstance(value, str) and has_lone_surrogate(value):
        raise ValueError(f"'{name}' contains an unpaired surrogate")
    return value


def json_type(value):
    """A word for the type of a JSON value."""
    names = {type(None): "null", bool: "true or false", list: "a list", dict: "an object", str: "an empty text"}
    return names.get(type(value), "a value that is not a number")
