"""Programs that take the rows of embedding tables instead of holding the tables, which may be far larger than memory.

The program has an input for the rows of each look-up, `<input>_rows`; infer.yml names them under `tables:`, with the
file in which the rows of that table are found by key.  It lacks the ids themselves where they have no other use.  Who
calls the exported model gives it ids as ever: `common.table.lookups` and `deploy/cpp` look the rows up.
"""

import inspect
import tempfile
from pathlib import Path

import numpy as np
import paddle
from paddle import nn

from common.contract import get_optional
from common.errors import ConfigError
from common.export.write import export
from common.layers.tables import FetchedTable
from common.table.keyed_rows import KeyedRows, write_keyed_rows
from common.table.keys import table_keys


def fetched_layers(model):
    """The layers of a model whose rows are elsewhere: name -> layer; each has `table`, `num_rows`, `unknown`, `modulo`.

    Raises:
        ConfigError: the model has no such table, or its `lookups` does not name the inputs of each of them.
    """
    found = {n: x for n, x in model.named_sublayers() if isinstance(getattr(x, "table", None), FetchedTable)}
    lookups = get_optional(model, "model", "lookups")
    if not found or set(lookups) != set(found):
        lacking = sorted(set(found) - set(lookups)) or ["no embedding table whose rows could be elsewhere"]
        raise ConfigError(
            f"{type(model).__name__} cannot be trained with its tables in other processes: its `lookups` "
            f"({', '.join(lookups) or 'empty'}) and its tables differ: {', '.join(lacking)}"
        )
    return found


def keys_of_inputs(layer, names, batch):
    """The keys int64 of each input that a layer of :func:`fetched_layers` looks up, in order (list of ndarray)."""
    return [table_keys(batch[name], layer.num_rows, layer.unknown, layer.modulo) for name in names]


class ByRows(nn.Layer):
    """A model whose tables' rows are inputs; everything else about it is as before.

    Args:
        model (nn.Layer): built with :class:`common.layers.tables.FetchedTable`, and trained.
    """

    def __init__(self, model):
        super().__init__()
        self.model, self.layers_by_name = model, fetched_layers(model)
        self.outputs, self.task = model.outputs, model.task
        self.labels = get_optional(model, "model", "labels")
        self.caller_inputs = model.inputs
        self.inputs, tables, self.fed = dict(model.inputs), [], []
        for name, layer in self.layers_by_name.items():
            for key in model.lookups[name]:
                rows = self.row_input(key, layer.width)
                self.inputs[rows] = ([*model.inputs[key][0], layer.width], "float32")
                self.fed.append((name, rows))
                tables.append(about_table(name, layer, key, rows))
        for key in {table["input"] for table in tables}:
            if self.works_without(key):
                del self.inputs[key]
        self.about = get_optional(model, "model", "about") | {"tables": tables}
        self.forward = self.bound(list(self.inputs))

    def works_without(self, key):
        """True if an input has no other use than to be looked up: the program must not have it then."""
        given = {
            name: paddle.zeros([max(x or 1, 1) for x in shape], kind) for name, (shape, kind) in self.inputs.items()
        }
        given.pop(key)
        try:
            with paddle.no_grad():
                self.model(*self.feed(list(given), list(given.values())))
        except (AttributeError, TypeError, ValueError):  # it computes with None
            return False
        return True

    def row_input(self, key, width):
        """The name of the input of the rows of the input `key`."""
        name = f"{key}_rows"
        while name in self.inputs:
            name += "_"
        return name

    def bound(self, names):
        """`forward` with parameters of the inputs' names, by which a program knows them."""

        def forward(*arrays):
            return self.model(*self.feed(names, arrays))

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        forward.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
        return forward

    @paddle.jit.not_to_static
    def feed(self, names, arrays):
        """Gives each table the rows that its look-ups take, and returns the inputs of the model (list)."""
        given = dict(zip(names, arrays))
        for layer in self.layers_by_name.values():
            layer.table.fed.clear()
        for name, rows in self.fed:
            self.layers_by_name[name].table.fed.append(given[rows])
        return [given.get(name) for name in self.model.inputs]

    def inputs_with_rows(self, batch, look_up):
        """The inputs of the program, and the ids, for a batch that has the inputs of the model.

        Args:
            batch (dict[str, ndarray]): the inputs of the model.
            look_up (Callable): from (name of a table, keys int64 [...]) to rows float32 [..., K].
        """
        found = {name: np.asarray(batch[name]) for name in self.model.inputs}
        for table in self.about["tables"]:
            keys = keys_of_inputs(self.layers_by_name[table["name"]], [table["input"]], found)[0]
            found[table["rows"]] = look_up(table["name"], keys)
        return found


def export_by_rows(program, config, rows, inputs, folder, thresholds=None, first=None):
    """Exports a model with its tables as files of rows, see `common.export.write.export`.

    Args:
        program (ByRows): of the trained model.
        config (Config): the checked configuration.
        rows (dict[str, list[tuple[ndarray, ndarray]]]): by the tables' names, see
            :func:`common.table.keyed_rows.write_keyed_rows`.
        inputs (dict[str, ndarray]): of the model, some rows for the golden.
        folder (str | Path): where to.
        thresholds (dict | None): of maximum F1.
        first (dict[str, dict] | None): by the tables' names, `std` and `seed` of the rows that other keys have, see
            :func:`common.table.first_rows.first_rows`; zeros when None.

    Returns:
        dict[str, float]: the largest difference of each output from that of the model in memory.
    """
    folder = Path(folder).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    for table in program.about["tables"]:
        table |= (first or {}).get(table["name"], {})
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.rows-", dir=folder.parent) as scratch:
        beside = {f"{name}.rows": Path(scratch) / f"{name}.rows" for name in rows}
        for name, parts in rows.items():
            write_keyed_rows(beside[f"{name}.rows"], parts)
        tables = {name: KeyedRows(beside[f"{name}.rows"], first=(first or {}).get(name)) for name in rows}
        given = program.inputs_with_rows(inputs, lambda name, keys: tables[name].look_up(keys))
        return export(program, config, program.labels or [], given, folder, thresholds=thresholds, beside=beside)


def about_table(name, layer, key, rows):
    """The entry of a look-up in infer.yml (dict)."""
    outside = "modulo" if layer.modulo else "unknown"
    return {
        "name": name,
        "file": f"{name}.rows",
        "input": key,
        "rows": rows,
        "width": layer.width,
        "num_ids": layer.num_rows,
        "outside": outside,
        "unknown": layer.unknown,
    }
