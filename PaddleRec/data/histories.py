"""User behavior histories with a candidate item: `items;groups;item;group;label` (the format of DIN's data)."""

import numpy as np

from common.errors import BadRows
from common.table.rows import RowFiles

from .criteo import labels_of, split_rows
from .sessions import pad_words, refuse_separators


class HistoryRows(RowFiles):
    """A stream of rows: the items of a history and their categories, a candidate item, its category, and the label.

    Args:
        files (list[str]): paths or globs, plain or .gz.
        max_length (int): the most recent items of a history that are used.
        shuffle (int): size of the shuffle buffer, in rows; 0 keeps the order of the files.
        seed (int): random seed of the order.
        encoding (str): of the files, such as utf-8 or gb18030.
    """

    limits = (("max_length", -1, ("history", "history_groups")),)  # in inference too

    def __init__(self, files, max_length=100, shuffle=0, seed=0, encoding="utf-8"):
        super().__init__(files, shuffle, seed=seed, encoding=encoding)
        self.max_length = max_length

    def assemble(self, rows):
        """`history` and `history_groups`, words [N, L]; `item` and `group`, words [N]; `label` float32 [N]."""
        fields = split_rows(self.decode(rows), b";", 5).tolist()
        items, groups = ([row[column].split() for row in fields] for column in (0, 1))
        refuse_separators({number: row[0] for number, row in enumerate(fields)})
        bad = {
            number: ("D113", f"{len(some)} items but {len(other)} groups in one history", "")
            for number, (some, other) in enumerate(zip(items, groups))
            if len(some) != len(other)
        }
        for number, row in enumerate(fields):
            if not row[2].strip() or not row[3].strip():
                bad.setdefault(number, ("D113", "there is no candidate item, or it has no group", ""))
        if bad:
            raise BadRows(bad)
        return {
            "history": pad_words([words[-self.max_length :] for words in items]),
            "history_groups": pad_words([words[-self.max_length :] for words in groups]),
            "item": np.array([row[2].strip() for row in fields], "S"),
            "group": np.array([row[3].strip() for row in fields], "S"),
            "label": labels_of(np.array([row[4].strip() for row in fields], "S")),
        }
