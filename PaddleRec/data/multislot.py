"""Click logs in the MultiSlot format: `show click feasign:slot feasign:slot ...`, one row a line."""

import numpy as np

from common.errors import BadRows, ConfigError, DataError
from common.files import read_lines
from common.table.json_rows import MOST_SIGN
from common.table.rows import RowFiles


class MultiSlotRows(RowFiles):
    """A stream of rows with any number of feature signs (hashed feature ids) per slot.

    Args:
        files (list[str]): paths or globs, plain or .gz.
        slots (list[int] | str): the slot numbers to use, or a file with one per line.
        num_ids (int): rows of the embedding table; a sign is mapped to the row `sign mod num_ids`.
        max_signs (int): the first signs of a slot in a row that are used.
        shuffle (int): size of the shuffle buffer, in rows; 0 keeps the order of the files.
        seed (int): random seed of the order.

    Raises:
        ConfigError: no slot is given, or one twice.
        DataError: a file is missing, or all files are empty.
    """

    limits = (("max_signs", 1, ("slots",)),)  # in inference too

    def __init__(self, files, slots, num_ids, max_signs=8, shuffle=0, seed=0):
        super().__init__(files, shuffle, seed=seed)
        self.slots = read_slots(slots) if isinstance(slots, str) else [int(slot) for slot in slots]
        if not self.slots or len(set(self.slots)) < len(self.slots):
            raise ConfigError(f"slots is {self.slots}; it needs at least one slot number, each once")
        if num_ids < 1 or max_signs < 1:
            raise ConfigError(f"num_ids is {num_ids} and max_signs {max_signs}; both must be 1 or more")
        self.num_ids, self.max_signs = num_ids, max_signs
        self.places = {b"%d" % slot: place for place, slot in enumerate(self.slots)}

    def assemble(self, rows):
        """`label` (the click) float32 [N], `slots` int64 [N, S, L], padded with -1; an empty slot has the sign 0."""
        labels = np.zeros(len(rows), "float32")
        filled, signs, bad = [], [], {}
        for number, row in enumerate(rows):
            words = row.split()
            if len(words) < 2 or words[1] not in (b"0", b"1"):
                bad[number] = ("D118", "a row is: show click feasign:slot ..., with click 0 or 1", preview(row))
                continue
            labels[number] = words[1] == b"1"
            used = [0] * len(self.slots)
            for word in words[2:]:
                sign, _, slot = word.partition(b":")
                place = self.places.get(slot)
                if not sign.isdigit() or not slot.isdigit():
                    bad[number] = ("D118", "a feature is a number, a colon and a slot number", preview(word))
                    break
                if len(sign) > 20 or int(sign) > MOST_SIGN:
                    bad[number] = ("D118", f"a sign is a number from 0 to {MOST_SIGN}", preview(word))
                    break
                if place is not None and used[place] < self.max_signs:
                    filled.append((number, place, used[place]))
                    signs.append(int(sign) % self.num_ids)
                    used[place] += 1
            for place, count in enumerate(used):
                if not count:
                    filled.append((number, place, 0))
                    signs.append(0)
        if bad:
            raise BadRows(bad)
        where = np.array(filled, np.int64).reshape(-1, 3)
        ids = np.full((len(rows), len(self.slots), int(where[:, 2].max(initial=0)) + 1), -1, np.int64)
        ids[where[:, 0], where[:, 1], where[:, 2]] = signs
        return {"label": labels, "slots": ids}


def preview(word):
    """The beginning of a word or a row, for a message."""
    return word[:40].decode("utf-8", "replace")


def read_slots(path):
    """The slot numbers of a file, one per line.

    Raises:
        DataError: the file is missing or not UTF-8, or a line is not a number.
    """
    lines = read_lines(path)
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.strip().isdecimal():
            raise DataError(f"error[D118] {path}: line {number}: a slot is a number, not '{line.strip()[:40]}'")
    return [int(line) for line in lines if line.strip()]
