"""What users did, and an item shown to them: `items;groups;item;group;label`, a row a line (the form of DIN's data)."""

import numpy as np

from common.errors import BadRows
from common.table.rows import RowFiles

from .criteo import labels_of, split_rows
from .sessions import padded


class HistoryRows(RowFiles):
    """A stream of rows: items of a history and the group of each (separated by blanks), candidate, its group, label.

    Args:
        files (list[str]): paths or globs, plain or .gz.
        longest (int): of a longer history the last so many items are used.
        shuffle (int): rows that are read ahead and put in random order; 0 keeps the order of the files.
        seed (int): of the order.
    """

    def __init__(self, files, longest=100, shuffle=0, seed=0):
        super().__init__(files, shuffle, seed=seed)
        self.longest = longest

    def assemble(self, rows):
        """Words: `history` and `history_groups` [N, L], `item` and `group` [N]; `label` float32 [N]."""
        fields = split_rows(rows, b";", 5).tolist()
        items, groups = ([row[column].split() for row in fields] for column in (0, 1))
        bad = {
            number: ("D113", f"{len(some)} items and {len(other)} groups in one history", "")
            for number, (some, other) in enumerate(zip(items, groups))
            if len(some) != len(other)
        }
        if bad:
            raise BadRows(bad)
        return {
            "history": padded([words[-self.longest :] for words in items]),
            "history_groups": padded([words[-self.longest :] for words in groups]),
            "item": np.array([row[2].strip() for row in fields], "S"),
            "group": np.array([row[3].strip() for row in fields], "S"),
            "label": labels_of(np.array([row[4].strip() for row in fields], "S")),
        }
