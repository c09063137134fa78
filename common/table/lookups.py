"""Look-ups of an exported model: from the ids that a caller gives to the rows that its program takes.

infer.yml lists them; `rows` is the input of the program, `input` that of the caller, `file` lies in the folder:

    lookups:
    - {rows: fields.categories.ids, input: ids, file: fields.categories.rows, num_rows: 5003, unknown: 0, modulo: false}

`deploy/cpp/src/lookups.cc` does the same.
"""

from pathlib import Path

import numpy as np

from common.errors import EnvironmentProblem
from common.table.keyed_rows import KeyedRows

KEYS = {"rows": str, "input": str, "file": str, "num_rows": int, "unknown": int, "modulo": bool}


class LookUps:
    """The look-ups of an exported folder, whose files are mapped once.

    Args:
        about (Path): infer.yml.
        entries (list[dict]): its `lookups`, see :func:`is_lookup`.
        inputs (list[dict]): its `inputs`, what the caller gives: `name`, `dtype`.

    Raises:
        EnvironmentProblem: a file is missing or damaged, an input is not there, or two rows have one name.
    """

    def __init__(self, about, entries, inputs):
        self.entries, integers = entries, {entry["name"] for entry in inputs if entry["dtype"] == "int64"}
        for entry in entries:
            if entry["input"] not in integers:
                raise EnvironmentProblem(f"{about}: lookups: '{entry['input']}' is no input of int64; publish it again")
        names = [entry["rows"] for entry in entries] + [entry["name"] for entry in inputs]
        if len(set(names)) < len(names):
            raise EnvironmentProblem(f"{about}: lookups: rows has a name that is taken; publish it again")
        self.files = {name: KeyedRows(about.with_name(name)) for name in sorted({entry["file"] for entry in entries})}

    def rows_of(self, inputs):
        """The rows that the program takes: {name: float32 [..., K]}.

        Args:
            inputs (dict[str, ndarray]): of the caller; those that are looked up are int64 [...].
        """
        return {
            entry["rows"]: self.files[entry["file"]].look_up(
                keys_of(inputs[entry["input"]], entry["num_rows"], entry["unknown"], entry["modulo"])
            )
            for entry in self.entries
        }


def keys_of(ids, num_rows, unknown=0, modulo=False):
    """The keys of ids, uint64 of the same shape, as `SparseEmbedding` numbers the rows of its table.

    Args:
        ids (ndarray): int64.
        num_rows (int): rows of the table.
        unknown (int): the key of ids outside [0, num_rows).
        modulo (bool): ids are unsigned numbers of 64 bits and have the key `id mod num_rows`; none is unknown then.
    """
    bits = np.ascontiguousarray(ids, np.int64).view(np.uint64)
    if modulo:
        return bits % np.uint64(num_rows)
    return np.where(bits < np.uint64(num_rows), bits, np.uint64(unknown))


def is_lookup(value):
    """True for an entry of `lookups`: all keys, a file in the folder itself, and `unknown` one of its rows."""
    return (
        isinstance(value, dict)
        and value.keys() == KEYS.keys()
        and all(type(value[key]) is kind for key, kind in KEYS.items())
        and Path(value["file"]).name == value["file"]
        and 0 <= value["unknown"] < value["num_rows"] < 2**63
    )
