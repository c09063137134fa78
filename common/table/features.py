"""Tabular features: scaling of numeric columns and embedding ids of categorical columns, fitted to the training rows.

Shapes in this file:
    N rows, D numeric columns, C categorical columns, K values of all categorical columns in the vocabulary.
"""

from pathlib import Path

import numpy as np

from common.data.transform import Transform
from common.errors import BadRows, ConfigError, DataError
from common.log import logger
from common.table.buckets import QuantileSample, bucket_numbers
from common.table.hash import as_words, hash_words, plain_numbers, splitmix64
from common.table.number_scale import warn_of_scale
from common.table.unknown import UnknownRate
from common.weights.safetensors import decode_arrays, encode_arrays, write_atomically

ROWS = 4096  # rows per block
SCALES = ("none", "min_max", "log", "standard")
MOST_KEYS = 1 << 24  # distinct values; beyond it, values seen only once so far are dropped
PENDING = 1 << 20  # keys buffered before they are counted


class TableFeatures(Transform):
    """Converts named columns to `numbers` float32 [N, D] and `ids` int64 [N, C].

    A category becomes a row index of an embedding table.  With `num_ids` all columns share one table: row c is for
    unknown values of column c, followed by the values that occur at least `min_count` times, the most frequent first,
    and by `hash_rows` rows to which the other values are hashed.  With `sizes` column c has a separate table with
    `sizes[c]` rows, row 0 for unknown values.  With `min_count` 0 there is no vocabulary and all values are hashed.

    Missing numbers are 0 after scaling: `min_max` (x - min) / (max - min), `log` log(1 + x - min) with min at most 0,
    `standard` (x - mean) / deviation, with the statistics of the training rows.

    With `buckets` every number is a category as well, its quantile among the training rows: `ids` has D more columns,
    whose rows are the last D (buckets + 1) of the shared table, one for missing numbers.

    Args:
        file (str): file of the statistics and vocabularies; created by `tools/fit.py`, or by training if missing.
        numbers (list[str]): names of the numeric columns.
        categories (list[str]): names of the categorical columns.
        scale (str): none, min_max, log or standard.
        num_ids (int | None): number of rows of the embedding table shared by all categorical columns.
        sizes (list[int] | None): number of rows of the embedding table of each categorical column.
        min_count (int): minimum number of occurrences for a value to get its own row; 0 hashes all values.
        hash_rows (int): number of rows for hashing all other values; 0 treats them as unknown.
        buckets (int): number of quantile buckets of each numeric column; 0 for none.

    Raises:
        ConfigError: the tables are too small, or not exactly one of `num_ids` and `sizes` is given.
    """

    files = ("file",)
    alike = ("numbers", "categories", "scale", "num_ids", "sizes", "hash_rows", "buckets")
    makes = ("numbers", "ids")  # columns of a table that the transform adds

    def __init__(
        self,
        file,
        numbers=(),
        categories=(),
        scale="none",
        num_ids=None,
        sizes=None,
        min_count=1,
        hash_rows=0,
        buckets=0,
    ):
        if scale not in SCALES:
            raise ConfigError(f"scale is '{scale}'; it must be one of {', '.join(SCALES)}")
        self.file, self.numbers, self.categories, self.scale = Path(file), list(numbers), list(categories), scale
        self.min_count, self.hash_rows = min_count, hash_rows
        count = len(self.categories)
        if buckets and (buckets < 2 or sizes is not None or not self.numbers):
            raise ConfigError(f"buckets is {buckets}; it needs num_ids, numeric columns, and 2 or more of them")
        self.buckets, self.bucket_rows = buckets, len(self.numbers) * (buckets + 1) if buckets else 0
        if (count or buckets) and (num_ids is None) == (sizes is None):
            raise ConfigError("TableFeatures takes either num_ids (one table) or sizes (one table per column)")
        self.sizes = None if sizes is None else np.array(sizes, np.int64)
        self.num_ids = num_ids if sizes is None else int(self.sizes.sum())
        if sizes is not None and (len(sizes) != count or min(sizes) < 2):
            raise ConfigError(f"sizes has {len(sizes)} numbers for {count} categories; each must be at least 2")
        if sizes is not None and hash_rows:
            raise ConfigError("hash_rows needs num_ids (one table); it does not work with sizes")
        least = count + hash_rows + self.bucket_rows
        if (count or buckets) and sizes is None and num_ids < least + bool(count):
            more = f" + {self.bucket_rows} rows of buckets" if buckets else ""
            raise ConfigError(f"num_ids is {num_ids}; it must exceed {count} columns + hash_rows={hash_rows}{more}")
        self.seeds = splitmix64(np.arange(1, count + 1, dtype=np.uint64))
        self.learned = None
        self.unknown, self.unscaled = UnknownRate(self.file), set()

    # Fitting ---------------------------------------------------------------------------------------------------------

    @property
    def learns(self):
        """True if statistics or vocabularies are fitted to the training rows."""
        return ((self.scale != "none" or self.buckets) and bool(self.numbers)) or (
            self.min_count > 0 and bool(self.categories)
        )

    def is_fitted(self):
        """True if there is nothing to fit, or the file exists."""
        return not self.learns or self.learned is not None or self.file.is_file()

    def fit(self, columns):
        """Fits to tables (an iterable of dicts of arrays) in one pass, and writes the file.

        Raises:
            DataError: there are no rows.
            BadRows: a value of a numeric column is not a number.
        """
        low, high, total, square, present, rows = np.inf, -np.inf, 0.0, 0.0, 0, 0
        counts, sample = ValueCounts(), QuantileSample()
        for table in columns:
            rows += len(next(iter(table.values())))
            if self.numbers:
                values = self.read_numbers(table)
                if self.buckets:
                    sample.add(values)
                here = ~np.isnan(values)
                low = np.minimum(low, np.where(here, values, np.inf).min(0))
                high = np.maximum(high, np.where(here, values, -np.inf).max(0))
                filled = np.where(here, values, 0.0)
                total, square, present = total + filled.sum(0), square + (filled**2).sum(0), present + here.sum(0)
            if self.categories and self.min_count:
                counts.add(self.keys(table))
        if not rows:
            raise DataError(f"error[D117] {self.file}: there are no rows to fit the features to")
        found = {"spec": np.frombuffer(self.spec().encode(), np.uint8)}
        if self.numbers:
            known = np.maximum(present, 1)
            deviation = np.sqrt(np.maximum(square / known - (total / known) ** 2, 0))
            low, high = np.where(present, low, 0.0), np.where(present, high, 0.0)
            found |= {"low": low, "high": high, "mean": total / known, "deviation": deviation}
        if self.buckets:
            found["edges"] = sample.edges(self.buckets)
        if self.categories and self.min_count:
            keys, found["ids"], found["unknown"] = select_values(counts, len(self.categories), self)
            found["keys"] = keys.view(np.int64)  # safetensors files have no uint64
            logger.info("%s: %d values in the vocabulary, from %d rows", self.file, len(keys), rows)
        write_atomically(self.file, encode_arrays(found))
        self.learned = found

    def probe(self, columns):
        """Checks a table before fitting: raises BadRows for bad rows, DataError for missing columns."""
        self.refuse_missing(columns)
        if self.numbers:
            self.read_numbers(columns)

    @property
    def reads(self):
        """The columns that every row must have, even if their values are missing (list[str])."""
        return [*self.numbers, *self.categories]

    def refuse_missing(self, columns):
        """Raises DataError if a column is missing."""
        missing = [name for name in self.reads if name not in columns]
        if missing:
            raise DataError(f"error[D113] the rows have no column '{missing[0]}'; the columns are {', '.join(columns)}")

    def load(self):
        """Reads the file, once.

        Raises:
            DataError: the file is missing, damaged, or was fitted with other settings.
        """
        if self.learned is not None or not self.learns:
            return
        if not self.file.is_file():
            raise DataError(f"error[D104] {self.file}: the features are not fitted yet\n  fix: tools/fit.py -c CONFIG")
        try:
            found = decode_arrays(self.file.read_bytes())
        except ValueError as error:
            raise DataError(f"error[D112] {self.file}: {error}\n  fix: recreate it with tools/fit.py") from None
        spec = bytes(found.get("spec", np.zeros(0, np.uint8))).decode("utf-8", "replace")
        if spec != self.spec():
            raise DataError(
                f"error[D113] {self.file}: fitted with other settings: {first_difference(spec, self.spec())}\n"
                "  fix: recreate it with tools/fit.py --force, or set another features.file"
            )
        self.learned = found

    def spec(self):
        """The settings that the fitted values depend on, as text."""
        sizes = self.num_ids if self.sizes is None else ",".join(map(str, self.sizes))
        names = f"numbers={','.join(self.numbers)} categories={','.join(self.categories)}"
        more = f" buckets={self.buckets}" if self.buckets else ""
        return f"{names} scale={self.scale} ids={sizes} min_count={self.min_count} hash_rows={self.hash_rows}{more}"

    # Transforming ----------------------------------------------------------------------------------------------------

    def __call__(self, sample, rng):
        row = self.table({name: as_words([sample.get(name)]) for name in (*self.numbers, *self.categories)})
        return sample | {name: row[name][0] for name in ("numbers", "ids") if name in row}

    def table(self, columns):
        """Transforms a table to `numbers` and `ids`; other numeric columns are kept."""
        self.load()
        used = {*self.numbers, *self.categories}
        self.refuse_missing(columns)
        found = {name: column for name, column in columns.items() if name not in used and column.dtype.kind in "biuf"}
        values = self.read_numbers(columns) if self.numbers else None
        found["numbers"] = self.empty_numbers(columns) if values is None else self.rescale(values)
        if values is not None:
            warn_of_scale(self.numbers, values, found["numbers"], self.scale, self.unscaled)
        if self.categories:
            found["ids"] = self.ids(self.keys(columns))
        if self.buckets:
            first = self.num_ids - self.bucket_rows + np.arange(len(self.numbers)) * (self.buckets + 1)
            ids = first + bucket_numbers(values, self.learned["edges"])
            found["ids"] = np.concatenate([found["ids"], ids], 1) if self.categories else ids
        return found

    def end_of_rows(self):
        """Warns of columns with too many unknown values."""
        self.unknown.report()

    @staticmethod
    def empty_numbers(columns):
        """An empty array float32 [N, 0], for tables without numeric columns."""
        return np.zeros((len(next(iter(columns.values()))), 0), "float32")

    def read_numbers(self, columns):
        """Parses the numeric columns, float64 [N, D], NaN for missing values; raises BadRows."""
        values = np.empty((len(columns[self.numbers[0]]), len(self.numbers)))
        bad = {}
        for column, name in enumerate(self.numbers):
            values[:, column] = parse_column(columns[name], name, bad)
        if bad:
            raise BadRows(bad)
        return values

    def rescale(self, values):
        """Scales numbers [N, D], float32."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.scale == "min_max":
                span = self.learned["high"] - self.learned["low"]
                values = (values - self.learned["low"]) / np.where(span > 0, span, 1.0)
            elif self.scale == "log":
                values = np.log1p(np.maximum(values - np.minimum(self.learned["low"], 0), 0))
            elif self.scale == "standard":
                values = (values - self.learned["mean"]) / np.where(
                    self.learned["deviation"] > 0, self.learned["deviation"], 1
                )
        return np.nan_to_num(values, nan=0.0).astype("float32")

    def keys(self, columns):
        """The hashes uint64 [N, C] of the categories, seeded by column."""
        words = [plain_numbers(as_words(columns[name])) for name in self.categories]
        return np.stack([hash_words(word, seed) for word, seed in zip(words, self.seeds)], 1)

    def ids(self, keys):
        """Looks up the table rows int64 [N, C] of keys [N, C]; every result is a valid row."""
        count = len(self.categories)
        own = np.arange(count) if self.sizes is None else np.zeros(count, np.int64)
        end = (self.num_ids or 0) - self.bucket_rows
        if not self.min_count:
            return hash_to_rows(keys, 1, self.sizes) if self.sizes is not None else hash_to_rows(keys, count, end)
        ids, known = lookup_ids(keys, self.learned["keys"].view(np.uint64), self.learned["ids"])
        expected = self.learned.get("unknown", np.zeros(count))
        for name, here, share in zip(self.categories, known.T, expected.tolist()):
            self.unknown.add(name, len(here) - np.count_nonzero(here), len(here), share)
        other = np.broadcast_to(own, keys.shape)
        if self.hash_rows:
            other = (
                self.num_ids
                - self.bucket_rows
                - self.hash_rows
                + (splitmix64(keys) % np.uint64(self.hash_rows)).astype(np.int64)
            )
        return np.where(known, ids, other)


def parse_column(words, name, bad):
    """Parses one column as float64, NaN for missing values; adds rows without a finite number to `bad`."""
    words = as_words(words)
    empty = words == b""
    try:
        if b"_" in words.tobytes():  # Python's numbers may have it
            raise ValueError
        values = np.where(empty, b"nan", words).astype(np.float64)
    except ValueError:
        values = np.array([parse_number(word) for word in words.tolist()])
    for row in np.flatnonzero(~np.isfinite(values) & ~empty):
        bad.setdefault(int(row), ("D119", f"column '{name}' is not a finite number", preview_word(words[row])))
    return values


def parse_number(word):
    """Parses a word as a float; infinity if it is not a number."""
    try:
        return float(word) if word and b"_" not in word else float("inf" if word else "nan")
    except ValueError:
        return float("inf")


def preview_word(word, most=40):
    """The beginning of a word as text, for messages."""
    return word[:most].decode("utf-8", "replace")


def hash_to_rows(keys, first, rows):
    """Hashes each key to a row from `first` to `rows` - 1."""
    room = np.asarray(rows, np.uint64) - np.uint64(first)
    return (splitmix64(keys) % room).astype(np.int64) + first


def lookup_ids(keys, known, ids):
    """Looks up keys in a sorted array: (ids, True where the key is known); the ids of unknown keys are undefined."""
    if not len(known):
        return np.zeros(keys.shape, np.int64), np.zeros(keys.shape, bool)
    index = np.minimum(np.searchsorted(known, keys.ravel()), len(known) - 1).reshape(keys.shape)
    return ids[index], known[index] == keys


def first_difference(before, now):
    """The first setting that differs between two texts."""
    pairs = zip(before.split(" "), now.split(" "))
    found = (f"{old[:60]} in the file, {new[:60]} in the configuration" for old, new in pairs if old != new)
    return next(found, "unreadable settings")


class ValueCounts:
    """Counts keys by column in one pass and bounded memory.

    Args:
        most (int): maximum number of distinct keys.
    """

    def __init__(self, most=MOST_KEYS):
        self.keys, self.counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        self.columns = np.zeros(0, np.int32)
        self.most, self.pending, self.waiting, self.forgot = most, [], 0, False

    def add(self, keys):
        """Counts keys, uint64 [N, C]."""
        self.pending.append(keys)
        self.waiting += keys.size
        if self.waiting >= PENDING:
            self.flush()

    def flush(self):
        """Counts the buffered keys."""
        if not self.pending:
            return
        keys = np.concatenate(self.pending)
        self.pending, self.waiting = [], 0
        columns = np.broadcast_to(np.arange(keys.shape[1], dtype=np.int32), keys.shape)
        found, first, counts = np.unique(keys, return_index=True, return_counts=True)
        merged = np.concatenate([self.keys, found])
        order = np.argsort(merged, kind="stable")
        merged = merged[order]
        starts = np.flatnonzero(np.r_[True, merged[1:] != merged[:-1]]) if len(merged) else np.zeros(0, np.int64)
        self.keys = merged[starts]
        self.columns = np.concatenate([self.columns, columns.ravel()[first]])[order][starts]
        self.counts = np.add.reduceat(np.concatenate([self.counts, counts])[order], starts)
        if len(self.keys) > self.most:
            self.forget()

    def forget(self):
        """Drops the keys seen once so far (lossy counting, https://www.vldb.org/conf/2002/S10P03.pdf)."""
        frequent = self.counts > 1
        self.keys, self.counts, self.columns = self.keys[frequent], self.counts[frequent], self.columns[frequent]
        if not self.forgot:
            logger.warning("over %d distinct values: those seen only once so far are dropped", self.most)
        self.forgot = True


def select_values(counts, num_columns, features):
    """Selects the vocabulary: (sorted keys uint64 [K], their ids int64 [K], share of the other values float64 [C]).

    Args:
        counts (ValueCounts): the counts of the training rows.
        num_columns (int): C.
        features (TableFeatures): has `min_count`, `num_ids`, `sizes` and `hash_rows`.
    """
    counts.flush()
    total = np.bincount(counts.columns, counts.counts, num_columns)
    frequent = counts.counts >= features.min_count
    keys, columns = counts.keys[frequent], counts.columns[frequent]
    order = np.lexsort((keys, -counts.counts[frequent]))  # the most frequent first
    keys, columns, often = keys[order], columns[order], counts.counts[frequent][order]
    if features.sizes is None:
        room = features.num_ids - num_columns - features.hash_rows - features.bucket_rows
        if len(keys) > room:
            logger.warning("%d values for %d rows: the rarest are treated as unknown", len(keys), room)
        keys, columns, often = keys[:room], columns[:room], often[:room]
        ids = num_columns + np.arange(len(keys))
    else:
        ids = np.zeros(len(keys), np.int64)
        for column in range(num_columns):
            mine = columns == column
            ids[mine] = 1 + np.arange(mine.sum())
        fits = ids < features.sizes[columns]
        keys, ids, columns, often = keys[fits], ids[fits], columns[fits], often[fits]
    order = np.argsort(keys)
    return keys[order], ids[order], 1 - np.bincount(columns, often, num_columns) / np.maximum(total, 1)
