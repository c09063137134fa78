"""Click logs of the MultiSlot form: `show click feasign:slot feasign:slot ...`, a row a line."""

import numpy as np

from common.errors import BadRows, ConfigError, DataError
from common.table.rows import RowFiles


class MultiSlotRows(RowFiles):
    """A stream of rows with any number of feature signs a slot.

    Args:
        files (list[str]): paths or globs, plain or .gz.
        slots (list[int] | str): numbers of the slots that are used, or a file with one a line.
        num_ids (int): rows of the embedding table; a sign is the row `sign mod num_ids`.
        most (int): signs of one slot in one row that are used; the first ones.
        shuffle (int): rows that are read ahead and put in random order; 0 keeps the order of the files.
        seed (int): of the order.

    Raises:
        ConfigError: no slot is named, or one twice.
        DataError: a file is missing, or all are empty.
    """

    def __init__(self, files, slots, num_ids, most=8, shuffle=0, seed=0):
        super().__init__(files, shuffle, seed=seed)
        self.settle(slots, num_ids, most)

    def settle(self, slots, num_ids, most):
        """Notes the slots and the sizes."""
        self.slots = read_slots(slots) if isinstance(slots, str) else [int(slot) for slot in slots]
        if not self.slots or len(set(self.slots)) < len(self.slots):
            raise ConfigError(f"slots is {self.slots}; it takes at least one slot number, each once")
        if num_ids < 1 or most < 1:
            raise ConfigError(f"num_ids is {num_ids} and most {most}; both must be 1 or more")
        self.num_ids, self.most = num_ids, most
        self.places = {b"%d" % slot: place for place, slot in enumerate(self.slots)}

    def assemble(self, rows):
        """`label` (the click) float32 [N], `slots` int64 [N, S, L], -1 for padding; a slot without a sign has 0."""
        labels = np.zeros(len(rows), "float32")
        filled, signs, bad = [], [], {}
        for number, row in enumerate(rows):
            words = row.split()
            if len(words) < 2 or words[1] not in (b"0", b"1"):
                bad[number] = ("D118", "a row is: show click feasign:slot ..., the click 0 or 1", shown(row))
                continue
            labels[number] = words[1] == b"1"
            used = [0] * len(self.slots)
            for word in words[2:]:
                sign, _, slot = word.partition(b":")
                place = self.places.get(slot)
                if not sign.isdigit() or not slot.isdigit() or len(sign) > 20:
                    bad[number] = ("D118", "a feature is a number, a colon and a slot number", shown(word))
                    break
                if place is not None and used[place] < self.most:
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


def shown(word):
    """A word or a row for a message."""
    return word[:40].decode("utf-8", "replace")


def read_slots(path):
    """The slot numbers of a file, one a line.

    Raises:
        DataError: it is missing, or a line is no number.
    """
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except OSError as error:
        raise DataError(f"error[D104] {path}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.strip().isdigit():
            raise DataError(f"error[D118] {path}: line {number}: a slot is a number, not '{line.strip()[:40]}'")
    return [int(line) for line in lines if line.strip()]
