"""Words or items as row numbers: the training rows say which there are, and one file keeps them.

Shapes in this file:
    N rows, L items of a row, K items that have a row of their own.
"""

import collections
from pathlib import Path

import numpy as np

from common.data.transform import Transform
from common.errors import ConfigError, DataError
from common.log import logger
from common.table.features import found_in
from common.table.hash import as_words, hash_words
from common.weights.safetensors import decode_arrays, encode_arrays, write_atomically


class ItemIds(Transform):
    """Replaces the words of columns by numbers int64: 0 for unknown ones, -1 for padding (the empty word).

    The most frequent item has number 1, so that a small number means a popular item.

    Args:
        file (str): where the items are kept; made by `tools/fit.py`, or by training where it is not there.
        columns (list[str]): names of the columns, of words [N] or [N, L]; all share the numbers.
        num_items (int): rows of the table: one for unknown items, the rest for the most frequent.
        min_count (int): items that come less often are unknown.

    Raises:
        ConfigError: a number is out of range.
    """

    learns, files = True, ("file",)

    def __init__(self, file, columns, num_items, min_count=1):
        if num_items < 2 or min_count < 1:
            raise ConfigError(f"num_items is {num_items} and min_count {min_count}; the least are 2 and 1")
        self.file, self.columns, self.num_items, self.min_count = Path(file), list(columns), num_items, min_count
        self.kept = None

    def fitted(self):
        """Whether the items are in the file."""
        return self.kept is not None or self.file.is_file()

    def fit(self, columns):
        """Learns from tables (an iterable of dicts of arrays) in one pass, and writes the file; raises DataError."""
        counts = collections.Counter()
        for table in columns:
            for name in self.columns:
                if name in table:
                    counts.update(table[name].ravel().tolist())
        counts.pop(b"", None)
        kept = sorted((item for item in counts.items() if item[1] >= self.min_count), key=lambda x: (-x[1], x[0]))
        if not kept:
            raise DataError(f"error[D117] {self.file}: no item comes {self.min_count} times in the training rows")
        if len(kept) >= self.num_items:
            logger.warning("%d items for %d rows: the rarest are unknown", len(kept), self.num_items - 1)
        kept = kept[: self.num_items - 1]
        words = np.array([word for word, _ in kept], "S")
        found = {
            "spec": np.frombuffer(self.spec().encode(), np.uint8),
            "words": words.view(np.uint8).reshape(len(words), -1),
            "counts": np.array([count for _, count in kept], np.int64),
        }
        logger.info("%s: %d items kept of %d", self.file, len(kept), len(counts))
        write_atomically(self.file, encode_arrays(found))
        self.kept = None

    def spec(self):
        """The settings that what is learned depends on."""
        return f"num_items={self.num_items} min_count={self.min_count}"

    def load(self):
        """Reads the file, once; raises DataError when it is not there, damaged, or made with other settings."""
        if self.kept is not None:
            return
        found = read_items(self.file)
        spec = bytes(found["spec"]).decode("utf-8", "replace")
        if spec != self.spec():
            raise DataError(
                f"error[D113] {self.file}: learned with {spec}, here it is {self.spec()}\n"
                "  fix: make it anew with tools/fit.py --force, or give another file"
            )
        self.words, self.counts = words_of(found), found["counts"]
        keys = hash_words(self.words)
        order = np.argsort(keys)
        self.kept = keys[order], order + 1

    def __call__(self, sample, rng):
        columns = {}
        for name in self.columns:
            if name in sample:
                value = sample[name]
                value = value.split() if isinstance(value, str) and name not in sample.get("single", ()) else value
                columns[name] = as_words(value if isinstance(value, list) else [value])[None]
        return sample | {name: ids[0] for name, ids in self.table(columns).items()}

    def table(self, columns):
        """The table with numbers in place of words."""
        self.load()
        return columns | {name: self.numbers(columns[name]) for name in self.columns if name in columns}

    def numbers(self, words):
        """int64 of words, of the same shape."""
        ids, known = found_in(hash_words(words), *self.kept)
        return np.where(known, ids, np.where(words == b"", -1, 0))

    def names(self, ids):
        """The items (list of str) of numbers; the unknown one is ''."""
        self.load()
        return [self.words[k - 1].decode("utf-8", "replace") if k > 0 else "" for k in np.asarray(ids).tolist()]


def read_items(path):
    """The arrays of a file that ItemIds wrote; raises DataError."""
    if not Path(path).is_file():
        raise DataError(f"error[D104] {path}: the items are not learned yet\n  fix: tools/fit.py -c CONFIG")
    try:
        found = decode_arrays(Path(path).read_bytes())
        return {name: found[name] for name in ("spec", "words", "counts")}
    except (ValueError, KeyError) as error:
        raise DataError(f"error[D112] {path}: not a file of items ({error})\n  fix: tools/fit.py --force") from None


def words_of(found):
    """The words `S` [K] of such a file."""
    letters = np.ascontiguousarray(found["words"])
    return letters.view(f"S{letters.shape[1]}").reshape(-1)
