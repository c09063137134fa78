"""Sessions of items, one a line, separated by blanks, in the order they were clicked."""

import numpy as np

from common.errors import ConfigError
from common.table.rows import RowFiles


class SessionRows(RowFiles):
    """A stream of sessions; those of one item say nothing about the next and are no rows.

    Args:
        files (list[str]): paths or globs, plain or .gz.
        mode (str): `prefixes` makes a row of every click but the first: what came before, and it as the target;
            `last` makes one row a session, its last item the target; `sequences` one row a session with the next item
            as the target at every place.
        longest (int): of a longer session the last so many items are used.
        shuffle (int): rows that are read ahead and put in random order; 0 keeps the order of the files.
        seed (int): of the order.
    """

    def __init__(self, files, mode="prefixes", longest=50, shuffle=0, seed=0):
        super().__init__(files, shuffle, seed=seed)
        if mode not in ("prefixes", "last", "sequences"):
            raise ConfigError(f"mode is '{mode}'; it must be prefixes, last or sequences")
        if longest < 1:
            raise ConfigError(f"longest is {longest}; it must be 1 or more")
        self.mode, self.longest = mode, longest

    def rows(self, shard, num_shards):
        """(line, number of items that are known) of each row."""
        for line in self.lines(shard, num_shards):
            count = len(line.split())
            first = 1 if self.mode == "prefixes" else count - 1
            for known in range(max(first, 1), count):
                yield line, known

    def place(self, row):
        """See RowFiles."""
        return super().place(row[0])

    def assemble(self, rows):
        """`items` words [N, L], and `target` words [N] or, of sequences, `targets` [N, L]."""
        sessions = [(line.split(), known) for line, known in rows]
        columns = {"items": padded([items[max(0, known - self.longest) : known] for items, known in sessions])}
        if self.mode == "sequences":
            columns["targets"] = padded(
                [items[max(0, known - self.longest) + 1 : known + 1] for items, known in sessions]
            )
        else:
            columns["target"] = np.array([items[known] for items, known in sessions], "S")
        return columns


def padded(lists, least=1):
    """Lists of words as one array `S` [N, L], the shorter ones filled up with empty words."""
    longest = max(least, *map(len, lists))
    return np.array([words + [b""] * (longest - len(words)) for words in lists], "S").reshape(len(lists), longest)
