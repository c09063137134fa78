"""Rows by 64-bit keys in memory: an index by open addressing, first values from the keys alone, admission, eviction.

A pull never writes: the row of a key that has never been pushed follows from the key, so that it is the same before and
after a restart, and on whichever shard the key lies.

Shapes in this file:
    U keys (each once), K features of a row, C capacity.
"""

import numpy as np

from common.table.first_rows import first_rows
from common.table.hash import splitmix64

EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)


class KeyIndex:
    """Keys uint64, all but the largest, -> places 0, 1, 2, ... in the order in which they were added.

    Args:
        bits (int): the index begins with 2**bits cells.
    """

    def __init__(self, bits=12):
        self.bits, self.count = bits, 0
        self.cells, self.numbers = np.full(1 << bits, EMPTY), np.full(1 << bits, -1)

    def find(self, keys):
        """The places int64 [U] of keys uint64 [U]; -1 for those that are not here."""
        mask = np.uint64((1 << self.bits) - 1)
        at = splitmix64(keys) & mask
        seen = self.cells[at]
        hit = seen == keys
        found = np.where(hit, self.numbers[at], -1)
        left = np.flatnonzero(~hit & (seen != EMPTY))
        while len(left):
            at[left] = (at[left] + np.uint64(1)) & mask
            seen = self.cells[at[left]]
            hit = seen == keys[left]
            found[left[hit]] = self.numbers[at[left[hit]]]
            left = left[~hit & (seen != EMPTY)]
        return found

    def add(self, keys):
        """The places of keys uint64 [U], each once; those that are not here are added.

        Raises:
            ValueError: one is the largest number, which marks empty cells.
        """
        found = self.find(keys)
        new = np.flatnonzero(found < 0)
        if len(new):
            if (keys[new] == EMPTY).any():
                raise ValueError(f"{EMPTY} is no key")
            while self.count + len(new) > (1 << self.bits) // 2:
                self.grow()
            numbers = np.arange(self.count, self.count + len(new))
            self.place(keys[new], numbers)
            found[new] = numbers
            self.count += len(new)
        return found

    def place(self, keys, numbers):
        """Writes keys that are not here into free cells."""
        mask = np.uint64((1 << self.bits) - 1)
        at, left = splitmix64(keys) & mask, np.arange(len(keys))
        while len(left):
            mine = left[self.cells[at[left]] == EMPTY]
            self.cells[at[mine]] = keys[mine]  # of several for one cell the last one stays
            won = mine[self.cells[at[mine]] == keys[mine]]
            self.numbers[at[won]] = numbers[won]
            left = np.setdiff1d(left, won, assume_unique=True)
            at[left] = (at[left] + np.uint64(1)) & mask

    def grow(self):
        """Doubles the cells."""
        kept = self.cells != EMPTY
        keys, numbers = self.cells[kept], self.numbers[kept]
        self.bits += 1
        self.cells, self.numbers = np.full(1 << self.bits, EMPTY), np.full(1 << self.bits, -1)
        self.place(keys, numbers)


class RowStore:
    """The rows of one table on one shard.

    Args:
        width (int): K.
        std (float): standard deviation of first values.
        rule (object): of `common.optim.row_rules`.
        seed (int): of first values.
        admit (int): shows of a key before it gets a row; until then its gradients have no effect.
    """

    ARRAYS = ("rows", "state", "shows", "hours")

    def __init__(self, width, std, rule, seed=0, admit=1):
        self.width, self.std, self.rule, self.seed, self.admit = width, std, rule, seed, admit
        self.clear()

    def clear(self):
        """Removes all rows."""
        self.index, self.waiting, self.step = KeyIndex(), KeyIndex(), 0
        self.keys, self.waiting_keys = np.zeros(0, np.uint64), np.zeros(0, np.uint64)
        self.rows, self.state = np.zeros((0, self.width), np.float32), self.rule.start(0, self.width)
        self.shows, self.hours, self.waits = np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64)

    def __len__(self):
        return self.index.count

    def pull(self, keys):
        """The rows float32 [U, K] of keys uint64 [U]."""
        places = self.index.find(keys)
        new = places < 0
        if not new.any():
            return self.rows.take(places, 0)
        if new.all():
            return first_rows(keys, self.width, self.std, self.seed)
        found = self.rows.take(places, 0, mode="wrap")  # -1 is the last row
        found[new] = first_rows(keys[new], self.width, self.std, self.seed)
        return found

    def push(self, keys, gradients, counts, lr, hour=0):
        """Learns from one batch.

        Args:
            keys (ndarray): uint64 [U], each once.
            gradients (ndarray): float32 [U, K], summed over the batch.
            counts (ndarray): [U], how often the batch has each key.
            lr (float): learning rate.
            hour (int): of the stream, for eviction.
        """
        self.step += 1
        if self.admit > 1:
            keys, gradients, counts = self.admitted(keys, gradients, counts.astype(np.int64))
        if not len(keys):
            return
        before = len(self)
        places = self.index.add(keys)
        if len(self) > before:
            self.begin(before, keys[places >= before])
        rows, state = self.rows.take(places, 0), self.state.take(places, 0)
        self.rule.update(rows, state, gradients, lr, self.step)
        self.rows[places], self.state[places] = rows, state
        self.shows[places] += counts
        self.hours[places] = hour

    def begin(self, before, keys):
        """Makes the rows of keys that the index has just got, in their order."""
        size = len(self)
        if size > len(self.keys):
            self.reserve(max(1024, 2 * size))
        self.keys[before:size] = keys
        self.rows[before:size] = first_rows(keys, self.width, self.std, self.seed)
        self.state[before:size] = self.rule.start(len(keys), self.width)

    def reserve(self, capacity):
        """Makes room for so many rows."""
        for name in ("keys", *self.ARRAYS):
            old = getattr(self, name)
            new = np.zeros((capacity, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def admitted(self, keys, gradients, counts):
        """Those of a push that have a row, or get one now; the others are counted. Their shows so far are added."""
        here = self.index.find(keys) >= 0
        before, other = self.waiting.count, np.flatnonzero(~here)
        places = self.waiting.add(keys[other])
        if self.waiting.count > len(self.waits):
            self.waits = np.pad(self.waits, (0, max(1024, self.waiting.count)))
            self.waiting_keys = np.pad(self.waiting_keys, (0, max(1024, self.waiting.count)))
        self.waiting_keys[before : self.waiting.count] = keys[other][places >= before]
        self.waits[places] += counts[other]
        enough = self.waits[places] >= self.admit
        counts[other[enough]] = self.waits[places[enough]]
        here[other[enough]] = True
        return keys[here], gradients[here], counts[here]

    def evict(self, oldest):
        """Removes the rows whose last push was before hour `oldest`; returns their number."""
        size = len(self)
        kept = self.hours[:size] >= oldest
        if not kept.all():
            self.put({name: array[kept] for name, array in self.arrays().items() if not name.startswith("waiting")})
        return size - len(self)

    def arrays(self):
        """Everything that a commit holds: {name: array}, views."""
        size = len(self)
        found = {name: getattr(self, name)[:size] for name in ("keys", *self.ARRAYS)}
        count = self.waiting.count
        here = self.index.find(self.waiting_keys[:count]) < 0  # those that got a row need not wait
        return found | {"waiting_keys": self.waiting_keys[:count][here], "waiting_shows": self.waits[:count][here]}

    def put(self, arrays):
        """The inverse of :meth:`arrays`, in place of what is here; `step` stays."""
        step = self.step
        self.clear()
        self.step = step
        self.index.add(arrays["keys"])
        for name in ("keys", *self.ARRAYS):
            setattr(self, name, np.array(arrays[name]))
        if "waiting_keys" in arrays:
            self.waiting.add(arrays["waiting_keys"])
            self.waiting_keys, self.waits = np.array(arrays["waiting_keys"]), np.array(arrays["waiting_shows"])
