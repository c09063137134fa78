"""Words of categories and their vectorized 64-bit hashes, reproducible across processes and machines.

A whole number is one word however it is written: 17.0, as pandas writes integers beside missing values, is 17, and
1e+16, as Python writes large floats, is 10000000000000000.  Other words are taken as they are: 017 is not 17.
"""

import re

import numpy as np

WHOLE = re.compile(rb"(-?(?:0|[1-9][0-9]*))\.0*")
LARGE = re.compile(rb"-?[0-9](?:\.[0-9]+)?[eE]\+[0-9]{1,3}")

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


def plain_numbers(words):
    """The words (dtype `S`) with whole numbers in their integer form, see the head of this file."""
    words = np.ascontiguousarray(words)
    letters = words.reshape(-1).view(np.uint8).reshape(words.size, words.dtype.itemsize)
    places = np.flatnonzero(((letters == ord(".")) | (letters == ord("+"))).any(1))
    if not len(places):
        return words
    plain = np.array([plain_number(word) for word in words.reshape(-1)[places].tolist()], "S")
    found = words.astype(f"S{max(words.dtype.itemsize, plain.dtype.itemsize)}").reshape(-1)
    found[places] = plain
    return found.reshape(words.shape)


def plain_number(word):
    """A word in the integer form if it is a whole number (bytes)."""
    if whole := WHOLE.fullmatch(word):
        return b"0" if whole[1] == b"-0" else whole[1]
    return encode_word(float(word)) if LARGE.fullmatch(word) and float(word) < 1e300 else word


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
