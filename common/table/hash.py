"""Words as 64-bit numbers, thousands at a time, the same in every process and on every machine."""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mix(values):
    """The finaliser of SplitMix64 (https://doi.org/10.1145/2660193.2660195) of uint64 values."""
    with np.errstate(over="ignore"):
        values = values + GOLDEN
        values = (values ^ (values >> np.uint64(30))) * MIX_1
        values = (values ^ (values >> np.uint64(27))) * MIX_2
        return values ^ (values >> np.uint64(31))


def hash_words(words, seed=0):
    """One uint64 for each word of a bytes array (dtype `S`); a word has the same one whatever stands beside it.

    Args:
        words (ndarray): `S` of any width and shape.
        seed (int | ndarray): tells the words of different columns apart; broadcast over the words.
    """
    width = -(-max(words.dtype.itemsize, 1) // 8)
    padded = np.ascontiguousarray(words.astype(f"S{8 * width}", copy=False))
    parts = padded.view("<u8").reshape(*words.shape, width)
    found = mix(np.broadcast_to(np.asarray(seed, np.uint64), words.shape))
    for part in range(width):
        more = parts[..., part]
        found = np.where(more != 0, mix(found ^ more), found) if part else mix(found ^ more)
    return found


def as_words(values):
    """A column of anything as a bytes array: numbers as they are written, None as the empty word.

    Args:
        values (list | ndarray): strings, bytes, numbers or None.
    """
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "S":
            return values
        if values.dtype.kind in "iub":
            return values.astype("S")
        if values.dtype.kind == "U":
            return np.char.encode(values, "utf-8")
    return np.array([word_of(value) for value in values], "S")


def word_of(value):
    """One value as bytes; a float that is whole is written as an integer."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, float | np.floating):
        if value != value:
            return b""
        return str(int(value) if float(value).is_integer() else value).encode()
    return str(value).encode()
