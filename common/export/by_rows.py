"""Programs that take the rows of embedding tables instead of holding the tables, which may be far larger than memory.

The program has an input for the rows of each look-up, `<input>_rows`; infer.yml names them under `tables:`, with the
file in which the rows of that table are found by key.  It lacks the ids themselves where they have no other use.
"""

import inspect

import numpy as np
import paddle
from paddle import nn

from common.contract import get_optional
from common.errors import ConfigError
from common.layers.tables import FetchedTable
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
        given = {name: paddle.zeros([x or 1 for x in shape], kind) for name, (shape, kind) in self.inputs.items()}
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
        """The inputs of the program for a batch that has those of the model.

        Args:
            batch (dict[str, ndarray]): the inputs of the model.
            look_up (Callable): from (name of a table, keys int64 [...]) to rows float32 [..., K].
        """
        found = {name: np.asarray(batch[name]) for name in self.model.inputs}
        for table in self.about["tables"]:
            keys = keys_of_inputs(self.layers_by_name[table["name"]], [table["input"]], found)[0]
            found[table["rows"]] = look_up(table["name"], keys)
        return {name: found[name] for name in self.inputs}


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
