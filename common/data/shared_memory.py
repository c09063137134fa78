"""Anonymous shared memory between a process and its forked workers, which leaves nothing behind when they die."""

import mmap

import numpy as np

from common.log import logger

NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)  # address space only: pages are allocated when first written
SLOT_SIZES = (1 << 30, 1 << 28, 1 << 26)  # bytes; the first one that can be mapped is used
ALIGNMENT = 64  # bytes


class Slot:
    """Shared memory for one batch: numeric arrays are stored in it; other and oversized values go into the message.

    Args:
        size (int): bytes; None uses the largest of SLOT_SIZES that can be mapped, 0 puts everything into the message.
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
        """Writes the arrays of a batch and returns the message from which :meth:`take` restores the batch."""
        layout, inline, end = [], {}, 0
        for name, value in batch.items():
            is_numbers = isinstance(value, np.ndarray) and value.dtype.kind in "biufc" and value.size
            if is_numbers and end + value.nbytes <= len(self.memory):
                layout.append((name, value.dtype.str, value.shape, end))
                self._view(*layout[-1][1:])[...] = value
                end += -(-value.nbytes // ALIGNMENT) * ALIGNMENT
            else:
                inline[name] = value
        return list(batch), layout, inline

    def take(self, message):
        """Restores the batch of a message as a copy, so that the slot can be reused."""
        names, layout, batch = message
        batch = batch | {name: self._view(*location).copy() for name, *location in layout}
        return {name: batch[name] for name in names}

    def _view(self, dtype, shape, start):
        return np.frombuffer(self.memory, dtype, int(np.prod(shape, dtype=np.int64)), start).reshape(shape)


class Board:
    """One line of shared text that another process can read at any time, even after the writer has died."""

    SIZE = 4096

    def __init__(self):
        self.memory = mmap.mmap(-1, self.SIZE)

    def write(self, text):
        """Replaces the text, truncated to the size of the board."""
        line = text.encode("utf-8", "replace")[: self.SIZE - 1]
        self.memory[: len(line) + 1] = line + b"\0"

    def read(self):
        """The current text."""
        return self.memory[:].split(b"\0", 1)[0].decode("utf-8", "replace")


class Counter:
    """A shared integer that one process increments and others read."""

    def __init__(self):
        self.cell = np.frombuffer(mmap.mmap(-1, mmap.PAGESIZE), np.int64, 1)

    def read(self):
        """The current number."""
        return int(self.cell[0])

    def advance(self):
        """Increments the number and returns it."""
        self.cell[0] += 1
        return self.read()
