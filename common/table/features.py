"""Columns of a table as the numbers a model takes: what is learned from the training rows is kept in one file.

Shapes in this file:
    N rows, D number columns, C category columns, K kept values of all category columns together.
"""

from pathlib import Path

import numpy as np

from common.data.transform import Transform
from common.errors import BadRows, ConfigError, DataError
from common.log import logger
from common.table.counts import Counts, choose
from common.table.hash import as_words, hash_words, mix
from common.weights.safetensors import decode_arrays, encode_arrays, write_atomically

ROWS = 4096  # read at a time
SCALES = ("none", "min_max", "log", "standard")


class TableFeatures(Transform):
    """Makes `numbers` float32 [N, D] and `ids` int64 [N, C] of named columns.

    A category becomes the number of its row in an embedding table.  With `num_ids` all columns share one table: row c
    is for the unknown values of column c, then come the values seen at least `min_count` times, the most frequent
    first, and at the end `hash_rows` rows that the other values share by their hash.  With `sizes` column c has a
    table of its own with `sizes[c]` rows, row 0 for unknown values.  With `min_count` 0 nothing is learned: values go
    to rows by their hash alone.

    A number that is missing is 0 after scaling: `min_max` (x - min) / (max - min), `log` log(1 + x - min) with min at
    most 0, `standard` (x - mean) / deviation, each of the training rows.

    Args:
        file (str): where what was learned is kept; made by `tools/fit.py`, or by training where it is not there.
        numbers (list[str]): names of the number columns.
        categories (list[str]): names of the category columns.
        scale (str): none, min_max, log or standard.
        num_ids (int | None): rows of the table that all category columns share.
        sizes (list[int] | None): rows of the table of each category column.
        min_count (int): a value is kept when the training rows hold it so often; 0 hashes all values.
        hash_rows (int): rows for values that are not kept; 0 sends them to the row of unknown ones.

    Raises:
        ConfigError: the tables have no room, or both or none of `num_ids` and `sizes` are given.
    """

    files = ("file",)

    def __init__(
        self, file, numbers=(), categories=(), scale="none", num_ids=None, sizes=None, min_count=1, hash_rows=0
    ):
        if scale not in SCALES:
            raise ConfigError(f"scale is '{scale}'; it must be one of {', '.join(SCALES)}")
        self.file, self.numbers, self.categories, self.scale = Path(file), list(numbers), list(categories), scale
        self.min_count, self.hash_rows = min_count, hash_rows
        count = len(self.categories)
        if count and (num_ids is None) == (sizes is None):
            raise ConfigError("TableFeatures takes num_ids (one table) or sizes (a table a column), one of the two")
        self.sizes = None if sizes is None else np.array(sizes, np.int64)
        self.num_ids = num_ids if sizes is None else int(self.sizes.sum())
        if sizes is not None and (len(sizes) != count or min(sizes) < 2):
            raise ConfigError(f"sizes has {len(sizes)} numbers for {count} categories; each must be 2 or more")
        if sizes is not None and hash_rows:
            raise ConfigError("hash_rows is for one table of num_ids rows, not for sizes")
        if count and sizes is None and num_ids <= count + hash_rows:
            raise ConfigError(f"num_ids is {num_ids}; {count} columns and hash_rows={hash_rows} leave no room in it")
        self.seeds = mix(np.arange(1, count + 1, dtype=np.uint64))
        self.kept = None
        self.unknown = self.seen = 0

    # What is learned -------------------------------------------------------------------------------------------------

    @property
    def learns(self):
        """Whether anything is learned from rows at all."""
        return (self.scale != "none" and bool(self.numbers)) or (self.min_count > 0 and bool(self.categories))

    def fitted(self):
        """Whether there is nothing to learn, or it is in the file."""
        return not self.learns or self.kept is not None or self.file.is_file()

    def fit(self, columns):
        """Learns from tables (an iterable of dicts of arrays) in one pass, and writes the file.

        Raises:
            DataError: there is no row, or a number is none.
        """
        low, high, total, square, present, rows = np.inf, -np.inf, 0.0, 0.0, 0, 0
        counts = Counts()
        for table in columns:
            rows += len(next(iter(table.values())))
            if self.numbers:
                values = self.read_numbers(table)
                here = ~np.isnan(values)
                low = np.minimum(low, np.where(here, values, np.inf).min(0))
                high = np.maximum(high, np.where(here, values, -np.inf).max(0))
                filled = np.where(here, values, 0.0)
                total, square, present = total + filled.sum(0), square + (filled**2).sum(0), present + here.sum(0)
            if self.categories and self.min_count:
                counts.add(self.keys(table))
        if not rows:
            raise DataError(f"error[D117] {self.file}: there is no row to learn the features from")
        found = {"spec": np.frombuffer(self.spec().encode(), np.uint8)}
        if self.numbers:
            known = np.maximum(present, 1)
            deviation = np.sqrt(np.maximum(square / known - (total / known) ** 2, 0))
            low, high = np.where(present, low, 0.0), np.where(present, high, 0.0)
            found |= {"low": low, "high": high, "mean": total / known, "deviation": deviation}
        if self.categories and self.min_count:
            keys, found["ids"] = choose(counts, len(self.categories), self)
            found["keys"] = keys.view(np.int64)  # the files hold no uint64
            logger.info("%s: %d values kept of %d rows", self.file, len(keys), rows)
        write_atomically(self.file, encode_arrays(found))
        self.kept = found

    def probe(self, columns):
        """Refuses rows that cannot be learned from (BadRows), and tables without a column (DataError)."""
        self.refuse_missing(columns)
        if self.numbers:
            self.read_numbers(columns)

    def refuse_missing(self, columns):
        """Raises DataError when a column is not there."""
        missing = [name for name in (*self.numbers, *self.categories) if name not in columns]
        if missing:
            raise DataError(f"error[D113] the rows have no column '{missing[0]}'; there are {', '.join(columns)}")

    def load(self):
        """Reads the file, once.

        Raises:
            DataError: it is not there, or was made with other settings.
        """
        if self.kept is not None or not self.learns:
            return
        if not self.file.is_file():
            raise DataError(f"error[D104] {self.file}: the features are not learned yet\n  fix: tools/fit.py -c CONFIG")
        try:
            found = decode_arrays(self.file.read_bytes())
        except ValueError as error:
            raise DataError(f"error[D112] {self.file}: {error}\n  fix: make it anew with tools/fit.py") from None
        spec = bytes(found.get("spec", np.zeros(0, np.uint8))).decode("utf-8", "replace")
        if spec != self.spec():
            raise DataError(
                f"error[D113] {self.file}: learned with other settings: {difference(spec, self.spec())}\n"
                "  fix: make it anew with tools/fit.py --force, or give another features.file"
            )
        self.kept = found

    def spec(self):
        """The settings that what is learned depends on, as text."""
        sizes = self.num_ids if self.sizes is None else ",".join(map(str, self.sizes))
        names = f"numbers={','.join(self.numbers)} categories={','.join(self.categories)}"
        return f"{names} scale={self.scale} ids={sizes} min_count={self.min_count} hash_rows={self.hash_rows}"

    # Columns to numbers ----------------------------------------------------------------------------------------------

    def __call__(self, sample, rng):
        row = self.table({name: as_words([sample.get(name)]) for name in (*self.numbers, *self.categories)})
        return sample | {name: row[name][0] for name in ("numbers", "ids") if name in row}

    def table(self, columns):
        """`numbers` and `ids` of a table; its other columns stay as far as they are numbers."""
        self.load()
        used = {*self.numbers, *self.categories}
        self.refuse_missing(columns)
        found = {name: column for name, column in columns.items() if name not in used and column.dtype.kind in "biuf"}
        found["numbers"] = self.scaled(self.read_numbers(columns)) if self.numbers else self.nothing(columns)
        if self.categories:
            found["ids"] = self.ids(self.keys(columns))
        return found

    @staticmethod
    def nothing(columns):
        """No number columns, float32 [N, 0]."""
        return np.zeros((len(next(iter(columns.values()))), 0), "float32")

    def read_numbers(self, columns):
        """The number columns, float64 [N, D], NaN where they are empty; raises BadRows."""
        values = np.empty((len(columns[self.numbers[0]]), len(self.numbers)))
        bad = {}
        for column, name in enumerate(self.numbers):
            values[:, column] = numbers_of(columns[name], name, bad)
        if bad:
            raise BadRows(bad)
        return values

    def scaled(self, values):
        """Numbers [N, D], scaled, float32."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.scale == "min_max":
                span = self.kept["high"] - self.kept["low"]
                values = (values - self.kept["low"]) / np.where(span > 0, span, 1.0)
            elif self.scale == "log":
                values = np.log1p(np.maximum(values - np.minimum(self.kept["low"], 0), 0))
            elif self.scale == "standard":
                values = (values - self.kept["mean"]) / np.where(self.kept["deviation"] > 0, self.kept["deviation"], 1)
        return np.nan_to_num(values, nan=0.0).astype("float32")

    def keys(self, columns):
        """uint64 [N, C]: the hash of each category with its column."""
        keys = [hash_words(as_words(columns[name]), seed) for name, seed in zip(self.categories, self.seeds)]
        return np.stack(keys, 1)

    def ids(self, keys):
        """int64 [N, C] of keys [N, C]; every one of them is a row of its table."""
        count = len(self.categories)
        own = np.arange(count) if self.sizes is None else np.zeros(count, np.int64)
        if not self.min_count:
            return hashed(keys, 1, self.sizes) if self.sizes is not None else hashed(keys, count, self.num_ids)
        ids, known = found_in(keys, self.kept["keys"].view(np.uint64), self.kept["ids"])
        self.unknown, self.seen = self.unknown + int((~known).sum()), self.seen + keys.size
        other = np.broadcast_to(own, keys.shape)
        if self.hash_rows:
            other = self.num_ids - self.hash_rows + (mix(keys) % np.uint64(self.hash_rows)).astype(np.int64)
        return np.where(known, ids, other)


def numbers_of(words, name, bad):
    """One column as float64, NaN where it is empty; notes in `bad` the rows that hold no finite number."""
    words = as_words(words)
    empty = words == b""
    try:
        values = np.where(empty, b"nan", words).astype(np.float64)
    except ValueError:
        values = np.array([number_of(word) for word in words.tolist()])
    for row in np.flatnonzero(~np.isfinite(values) & ~empty):
        bad.setdefault(int(row), ("D119", f"column '{name}' holds no finite number", shown(words[row])))
    return values


def number_of(word):
    """A word as a float; infinite where it is none."""
    try:
        return float(word) if word else float("nan")
    except ValueError:
        return float("inf")


def shown(word, most=40):
    """A word for a message."""
    return word[:most].decode("utf-8", "replace")


def hashed(keys, first, rows):
    """Rows `first` to `rows` - 1 by the hash of each key."""
    room = np.asarray(rows, np.uint64) - np.uint64(first)
    return (mix(keys) % room).astype(np.int64) + first


def found_in(keys, known, ids):
    """(ids, whether it is there) of keys in a sorted array of known keys; the id of others has no meaning."""
    if not len(known):
        return np.zeros(keys.shape, np.int64), np.zeros(keys.shape, bool)
    place = np.minimum(np.searchsorted(known, keys.ravel()), len(known) - 1).reshape(keys.shape)
    return ids[place], known[place] == keys


def difference(before, now):
    """The first setting of two texts that differs."""
    pairs = zip(before.split(" "), now.split(" "))
    return next((f"{old[:60]} there, {new[:60]} here" for old, new in pairs if old != new), "unreadable settings")
