"""Vectorized 64-bit hashing of strings, reproducible across processes and machines."""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def splitmix64(values):
    """The finalizer of SplitMix64 (https://doi.org/10.1145/2660193.2660195) for uint64 values."""
    with np.errstate(over="ignore"):
        values = values + GOLDEN
        values = (values ^ (values >> np.uint64(30))) * MIX_1
        values = (values ^ (values >> np.uint64(27))) * MIX_2
        return values ^ (values >> np.uint64(31))


def hash_words(words, seed=0):
    """Hashes each word of a bytes array (dtype `S`) to uint64, independent of the width of the array.

    Args:
        words (ndarray): dtype `S` of any width and shape.
        seed (int | ndarray): hash seed, such as one per column; broadcast over the words.
    """
    width = -(-max(words.dtype.itemsize, 1) // 8)
    padded = np.ascontiguousarray(words.astype(f"S{8 * width}", copy=False))
    parts = padded.view("<u8").reshape(*words.shape, width)
    found = splitmix64(np.broadcast_to(np.asarray(seed, np.uint64), words.shape))
    for part in range(width):
        more = parts[..., part]
        found = np.where(more != 0, splitmix64(found ^ more), found) if part else splitmix64(found ^ more)
    return found


def as_words(values):
    """Converts a column to a bytes array: numbers in their decimal form, None as the empty word.

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
    return np.array([encode_word(value) for value in values], "S")


def encode_word(value):
    """Encodes one value as bytes; whole floats in integer form."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, float | np.floating):
        if value != value:
            return b""
        return str(int(value) if float(value).is_integer() else value).encode()
    return str(value).encode()
