"""Item ids: the vocabulary of items or words, fitted to the training rows.

Shapes in this file:
    N rows, L items per row, K items in the vocabulary.
"""

import collections
from pathlib import Path

import numpy as np

from common.data.transform import Transform
from common.errors import ConfigError, DataError
from common.log import logger
from common.table.features import lookup_ids
from common.table.hash import as_words, hash_words, plain_numbers
from common.table.unknown import UnknownRate
from common.weights.safetensors import decode_arrays, encode_arrays, write_atomically


class ItemIds(Transform):
    """Converts the items of columns to ids int64: 0 for unknown items, -1 for padding (the empty word).

    Ids are ordered by frequency: the most frequent item has id 1.

    Args:
        file (str): the vocabulary file; created by `tools/fit.py`, or by training if missing.
        columns (list[str]): names of the columns, of words [N] or [N, L]; all share one vocabulary.
        num_items (int): number of rows of the embedding table: one for unknown items, the rest for the most frequent.
        min_count (int): minimum number of occurrences; rarer items are unknown.

    Raises:
        ConfigError: a number is out of range.
    """

    learns, files = True, ("file",)
    alike = ("columns", "num_items")
    reads = makes = ()  # the columns of a table that it converts keep their names

    def __init__(self, file, columns, num_items, min_count=1):
        if num_items < 2 or min_count < 1:
            raise ConfigError(f"num_items is {num_items}, min_count is {min_count}; they must be at least 2 and 1")
        self.file, self.columns, self.num_items, self.min_count = Path(file), list(columns), num_items, min_count
        self.index, self.unknown = None, UnknownRate(self.file)

    def is_fitted(self):
        """True if the vocabulary file exists."""
        return self.index is not None or self.file.is_file()

    def fit(self, columns):
        """Fits to tables (an iterable of dicts of arrays) in one pass, and writes the file; raises DataError."""
        counts = collections.Counter()
        for table in columns:
            for name in self.columns:
                if name in table:
                    counts.update(plain_numbers(as_words(table[name])).ravel().tolist())
        counts.pop(b"", None)
        kept = sorted((item for item in counts.items() if item[1] >= self.min_count), key=lambda x: (-x[1], x[0]))
        if not kept:
            raise DataError(f"error[D117] {self.file}: no item occurs {self.min_count} times in the training rows")
        if len(kept) >= self.num_items:
            logger.warning("%d items for %d rows: the rarest are unknown", len(kept), self.num_items - 1)
        kept = kept[: self.num_items - 1]
        total = sum(counts.values())
        words = np.array([word for word, _ in kept], "S")
        found = {
            "spec": np.frombuffer(self.spec().encode(), np.uint8),
            "words": words.view(np.uint8).reshape(len(words), -1),
            "counts": np.array([count for _, count in kept], np.int64),
            "unknown": np.array([1 - sum(count for _, count in kept) / total]),
        }
        logger.info("%s: %d of %d items in the vocabulary", self.file, len(kept), len(counts))
        write_atomically(self.file, encode_arrays(found))
        self.index = None

    def spec(self):
        """The settings that the vocabulary depends on."""
        return f"num_items={self.num_items} min_count={self.min_count}"

    def load(self):
        """Reads the file, once; raises DataError if it is missing, damaged, or fitted with other settings."""
        if self.index is not None:
            return
        found = read_items(self.file)
        spec = bytes(found["spec"]).decode("utf-8", "replace")
        if spec != self.spec():
            raise DataError(
                f"error[D113] {self.file}: fitted with {spec}, the configuration has {self.spec()}\n"
                "  fix: recreate it with tools/fit.py --force, or set another file"
            )
        self.words, self.counts = decode_words(found), found["counts"]
        self.expected = found["unknown"][0] if "unknown" in found else 0.0
        keys = hash_words(self.words)
        order = np.argsort(keys)
        self.index = keys[order], order + 1

    def __call__(self, sample, rng):
        columns = {}
        for name in self.columns:
            if name in sample:
                value = sample[name]
                value = value.split() if isinstance(value, str) and name not in sample.get("single", ()) else value
                columns[name] = as_words(value if isinstance(value, list) else [value])[None]
        return sample | {name: ids[0] for name, ids in self.table(columns).items()}

    def table(self, columns):
        """Replaces the items of a table by ids."""
        self.load()
        return columns | {name: self.numbers(columns[name], name) for name in self.columns if name in columns}

    def numbers(self, words, column):
        """The ids int64 of words, in the same shape; the unknown ones are counted for the column."""
        words = plain_numbers(as_words(words))
        ids, known = lookup_ids(hash_words(words), *self.index)
        empty = words == b""
        self.unknown.add(column, np.count_nonzero(~known & ~empty), np.count_nonzero(~empty), self.expected)
        return np.where(known, ids, np.where(empty, -1, 0))

    def end_of_rows(self):
        """Warns of columns with too many unknown items."""
        self.unknown.report()

    def names(self, ids):
        """The items (list of str) of ids; '' for unknown ones and for rows of the table that no item has."""
        self.load()
        known = [k if k <= len(self.words) else 0 for k in np.asarray(ids).tolist()]
        return [self.words[k - 1].decode("utf-8", "replace") if k > 0 else "" for k in known]


def read_items(path):
    """Reads the arrays of a vocabulary file written by ItemIds; raises DataError."""
    if not Path(path).is_file():
        raise DataError(f"error[D104] {path}: the item vocabulary is missing\n  fix: tools/fit.py -c CONFIG")
    try:
        found = decode_arrays(Path(path).read_bytes())
        return {name: found[name] for name in ("spec", "words", "counts", *(["unknown"] if "unknown" in found else []))}
    except (ValueError, KeyError) as error:
        raise DataError(f"error[D112] {path}: not an item vocabulary ({error})\n  fix: tools/fit.py --force") from None


def decode_words(found):
    """Decodes the words, dtype `S` [K], of a vocabulary file."""
    letters = np.ascontiguousarray(found["words"])
    return letters.view(f"S{letters.shape[1]}").reshape(-1)
