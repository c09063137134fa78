"""Click sessions: the items of a session on one line, separated by spaces, in the order of the clicks."""

import numpy as np

from common.errors import BadRows, ConfigError, DataError, DataIssue
from common.table.rows import RowFiles

OTHER_SEPARATORS = (b",", b";", b"|")


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

    limits = (("max_length", -1, ("items",)),)  # in inference too

    def __init__(self, files, mode="prefixes", max_length=50, shuffle=0, seed=0, encoding="utf-8"):
        super().__init__(files, shuffle, seed=seed, encoding=encoding)
        if mode not in ("prefixes", "last", "sequences"):
            raise ConfigError(f"mode is '{mode}'; it must be prefixes, last or sequences")
        if max_length < 1:
            raise ConfigError(f"max_length is {max_length}; it must be 1 or more")
        self.mode, self.max_length = mode, max_length

    def rows(self, shard, num_shards):
        """(line, number of input items) of each row; 0 of a line whose items are not separated by blanks.

        Raises:
            DataError: no session has two items.
        """
        total, empty = 0, True
        for line in self.lines(shard, num_shards):
            count, total = len(line.split()), total + 1
            first = 1 if self.mode == "prefixes" else count - 1
            for known in [0] if other_separator(line) else range(max(first, 1), count):
                empty = False
                yield line, known
        if empty and total and num_shards == 1:
            files = ", ".join(self.files[:3])
            raise DataError(f"error[D117] {files}: none of the {total} lines holds two items with a blank between them")

    def check(self, deep=False, cache=None):
        """See RowFiles; with `deep` a warning counts the sessions of one item, which are left out."""
        issues = super().check(deep, cache)
        if deep and not issues:
            counts = [len(line.split()) for line in self.lines(0, 1)]
            if single := counts.count(1):
                about = f"{single} of {len(counts)} sessions have one item and are left out"
                issues.append(DataIssue("D117", "warning", self.files[0], about))
        return issues

    def place(self, row):
        """See RowFiles."""
        return super().place(row[0])

    def assemble(self, rows):
        """`items` words [N, L], and `target` words [N] or, in the mode `sequences`, `targets` [N, L]."""
        lines = self.decode([line for line, _ in rows])
        refuse_separators({number: line for number, (line, known) in enumerate(rows) if not known})
        sessions = [(line.split(), known) for line, (_, known) in zip(lines, rows)]
        columns = {"items": pad_words([items[max(0, known - self.max_length) : known] for items, known in sessions])}
        if self.mode == "sequences":
            columns["targets"] = pad_words(
                [items[max(0, known - self.max_length) + 1 : known + 1] for items, known in sessions]
            )
        else:
            columns["target"] = np.array([items[known] for items, known in sessions], "S")
        return columns


def other_separator(line):
    """The separator (bytes) of the items of a line where they are not separated by blanks; None where they are."""
    words = line.split()
    for mark in OTHER_SEPARATORS:
        if len(words) == 1 and mark in words[0].strip(mark):
            return mark
        if len(words) > 1 and all(word.endswith(mark) for word in words[:-1]):
            return mark
    return None


def refuse_separators(lines):
    """Raises BadRows for lines (dict of bytes by row) whose items are not separated by blanks."""
    bad = {}
    for number, line in lines.items():
        if mark := other_separator(line):
            about = f"items are separated by blanks, not by '{mark.decode()}'; replace it by a blank"
            bad[number] = ("D118", about, line.strip()[:40].decode("utf-8", "replace"))
    if bad:
        raise BadRows(bad)


def pad_words(lists):
    """Lists of words as one array `S` [N, L], padded with empty words; L is at least 1."""
    longest = max(1, *map(len, lists))
    return np.array([words + [b""] * (longest - len(words)) for words in lists], "S").reshape(len(lists), longest)
