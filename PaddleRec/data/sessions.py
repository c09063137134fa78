"""Click sessions: the items of a session on one line, separated by spaces, in the order of the clicks."""

import numpy as np

from common.errors import ConfigError
from common.table.rows import RowFiles


class SessionRows(RowFiles):
    """A stream of sessions; sessions of one item are left out, since they have no next item.

    Args:
        files (list[str]): paths or globs, plain or .gz.
        mode (str): `prefixes` makes a row for every click but the first, with the earlier clicks as the input and the
            click as the target; `last` makes one row per session, with its last item as the target; `sequences` one
            row per session with the next item as the target at every position.
        max_length (int): the most recent items of a session that are used.
        shuffle (int): size of the shuffle buffer, in rows; 0 keeps the order of the files.
        seed (int): random seed of the order.
        encoding (str): of the files, such as utf-8 or gb18030.
    """

    def __init__(self, files, mode="prefixes", max_length=50, shuffle=0, seed=0, encoding="utf-8"):
        super().__init__(files, shuffle, seed=seed, encoding=encoding)
        if mode not in ("prefixes", "last", "sequences"):
            raise ConfigError(f"mode is '{mode}'; it must be prefixes, last or sequences")
        if max_length < 1:
            raise ConfigError(f"max_length is {max_length}; it must be 1 or more")
        self.mode, self.max_length = mode, max_length

    def rows(self, shard, num_shards):
        """(line, number of input items) of each row."""
        for line in self.lines(shard, num_shards):
            count = len(line.split())
            first = 1 if self.mode == "prefixes" else count - 1
            for known in range(max(first, 1), count):
                yield line, known

    def place(self, row):
        """See RowFiles."""
        return super().place(row[0])

    def assemble(self, rows):
        """`items` words [N, L], and `target` words [N] or, in the mode `sequences`, `targets` [N, L]."""
        lines = self.decode([line for line, _ in rows])
        sessions = [(line.split(), known) for line, (_, known) in zip(lines, rows)]
        columns = {"items": pad_words([items[max(0, known - self.max_length) : known] for items, known in sessions])}
        if self.mode == "sequences":
            columns["targets"] = pad_words(
                [items[max(0, known - self.max_length) + 1 : known + 1] for items, known in sessions]
            )
        else:
            columns["target"] = np.array([items[known] for items, known in sessions], "S")
        return columns


def pad_words(lists):
    """Lists of words as one array `S` [N, L], padded with empty words; L is at least 1."""
    longest = max(1, *map(len, lists))
    return np.array([words + [b""] * (longest - len(words)) for words in lists], "S").reshape(len(lists), longest)
