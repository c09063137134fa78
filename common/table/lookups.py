"""Look-ups of an exported model: from the ids that a caller gives to the rows that its program takes.

infer.yml lists them, as `common.export.by_rows` writes them; `rows` is the input of the program, `input` that of the
caller, `file` lies in the folder:

    tables:
    - {name: fields.categories, file: fields.categories.rows, input: ids, rows: ids_rows, width: 11, num_ids: 5003,
       outside: unknown, unknown: 0, std: 0.01, seed: 0}

`std` and `seed` give the rows of ids that the file lacks, as `common.table.first_rows` makes them; zeros without.

`deploy/cpp/src/lookups.cc` does the same.
"""

import math
from pathlib import Path

from common.errors import EnvironmentProblem
from common.table.keyed_rows import KeyedRows
from common.table.keys import table_keys

TEXTS, SIZES = ("name", "file", "input", "rows", "outside"), ("width", "num_ids", "unknown")
DRAWN = ("std", "seed")  # of first values; both or none


class LookUps:
    """The look-ups of an exported folder, whose files are mapped once.

    Args:
        about (Path): infer.yml.
        entries (list[dict]): its `tables`, see :func:`is_lookup`.
        inputs (list[dict]): its `inputs`, what the caller gives: `name`, `dtype`.

    Raises:
        EnvironmentProblem: a file is missing or damaged, an input is not there, or two rows have one name.
    """

    def __init__(self, about, entries, inputs):
        self.entries, integers = entries, {entry["name"] for entry in inputs if entry["dtype"] == "int64"}
        names = [entry["rows"] for entry in entries] + [entry["name"] for entry in inputs]
        if len(set(names)) < len(names):
            raise EnvironmentProblem(f"{about}: tables: rows has a name that is taken; publish it again")
        first = {x["file"]: {"std": x["std"], "seed": x["seed"]} if "std" in x else None for x in entries}
        self.files = {name: KeyedRows(about.with_name(name), first=drawn) for name, drawn in sorted(first.items())}
        for entry in entries:
            if entry["input"] not in integers:
                raise EnvironmentProblem(f"{about}: tables: '{entry['input']}' is no input of int64; publish it again")
            if self.files[entry["file"]].width != entry["width"]:
                raise EnvironmentProblem(
                    f"{about}: tables: width is {entry['width']}, {entry['file']} has {self.files[entry['file']].width}"
                )

    def rows_of(self, inputs):
        """The rows that the program takes: {name: float32 [..., K]}.

        Args:
            inputs (dict[str, ndarray]): of the caller; those that are looked up are int64 [...].
        """
        found = {}
        for entry in self.entries:
            modulo = entry["outside"] == "modulo"
            keys = table_keys(inputs[entry["input"]], entry["num_ids"], entry["unknown"], modulo)
            found[entry["rows"]] = self.files[entry["file"]].look_up(keys)
        return found


def is_lookup(value):
    """True for an entry of `tables`: all keys, a file in the folder itself, and `unknown` one of its rows."""
    return (
        isinstance(value, dict)
        and value.keys() in ({*TEXTS, *SIZES}, {*TEXTS, *SIZES, *DRAWN})
        and all(isinstance(value[key], str) and value[key] for key in TEXTS)
        and all(type(value[key]) is int for key in SIZES)
        and Path(value["file"]).name == value["file"]
        and value["outside"] in ("modulo", "unknown")
        and value["width"] > 0
        and 0 <= value["unknown"] < value["num_ids"] < 2**63
        and ("std" not in value or (type(value["std"]) in (int, float) and 0 <= value["std"] < math.inf))
        and (type(value.get("seed", 0)) is int and 0 <= value.get("seed", 0) < 2**63)
    )
