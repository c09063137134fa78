"""Memory that a process shares with the workers it forks; anonymous, so that nothing of it can be left behind."""

import mmap

import numpy as np

from common.log import logger

NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)  # address space only: a page is taken when it is first written
SLOT_SIZES = (1 << 30, 1 << 28, 1 << 26)  # bytes; the first one the machine grants
ALIGNMENT = 64  # bytes


class Slot:
    """Room for one batch. Numbers travel through it; strings, lists, and what does not fit, travel in the message.

    Args:
        size (int): bytes; None takes the largest of SLOT_SIZES that the machine grants, 0 sends all in messages.
    """

    def __init__(self, size=None):
        self.memory = b""
        sizes = SLOT_SIZES if size is None else [size] * bool(size)
        for length in sizes:
            try:
                self.memory = mmap.mmap(-1, length, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | NO_RESERVE)
                break
            except (OSError, ValueError):
                logger.debug("no %d bytes of shared memory for a batch", length)

    def put(self, batch):
        """Writes the arrays of a batch and returns the message from which `take` makes the batch again."""
        places, inline, end = [], {}, 0
        for name, value in batch.items():
            is_numbers = isinstance(value, np.ndarray) and value.dtype.kind in "biufc" and value.size
            if is_numbers and end + value.nbytes <= len(self.memory):
                places.append((name, value.dtype.str, value.shape, end))
                self._view(*places[-1][1:])[...] = value
                end += -(-value.nbytes // ALIGNMENT) * ALIGNMENT
            else:
                inline[name] = value
        return list(batch), places, inline

    def take(self, message):
        """The batch that a message stands for, copied out, so that the slot may be written again."""
        names, places, batch = message
        batch = batch | {name: self._view(*place).copy() for name, *place in places}
        return {name: batch[name] for name in names}

    def _view(self, dtype, shape, start):
        return np.frombuffer(self.memory, dtype, int(np.prod(shape, dtype=np.int64)), start).reshape(shape)


class Board:
    """One line of text that another process can read at any moment, also after the writer died."""

    SIZE = 4096

    def __init__(self):
        self.memory = mmap.mmap(-1, self.SIZE)

    def write(self, text):
        """Replaces the text; what is longer than the board is cut."""
        line = text.encode("utf-8", "replace")[: self.SIZE - 1]
        self.memory[: len(line) + 1] = line + b"\0"

    def read(self):
        """The text as it stands."""
        return self.memory[:].split(b"\0", 1)[0].decode("utf-8", "replace")


class Counter:
    """A whole number that one process changes and others read."""

    def __init__(self):
        self.cell = np.frombuffer(mmap.mmap(-1, mmap.PAGESIZE), np.int64, 1)

    def read(self):
        """The number as it stands."""
        return int(self.cell[0])

    def advance(self):
        """Adds one and returns the new number."""
        self.cell[0] += 1
        return self.read()
