"""Rankers with untrained weights in two forms: with their tables in memory, and published with tables beside them."""

import numpy as np

from common.config import load_config
from common.export.by_rows import ByRows, export_by_rows
from common.layers.tables import FetchedTable, LocalTable, tables_made_by
from common.table.first_rows import first_rows


def published_ranker(make, inputs, folder, first=None, kept=None):
    """Publishes a ranker.

    Args:
        make (Callable): from nothing to the model.
        inputs (dict[str, ndarray]): for the golden.
        folder (Path): of the export.
        first (dict | None): `std` and `seed` of the rows of all other keys; zeros when None.
        kept (slice): only these rows are published, and the others of the model in memory are first ones.

    Returns:
        nn.Layer: the same model with its tables in memory.
    """
    whole = make()
    with tables_made_by(FetchedTable):
        model = make()
    weights, tables = whole.state_dict(), {}
    for name, layer in whole.named_sublayers():
        if isinstance(layer, LocalTable):
            rows = np.random.default_rng(len(tables)).normal(size=layer.weight.shape).astype(np.float32)
            keys = np.arange(len(rows))
            if first:
                others = first_rows(keys.view(np.uint64), rows.shape[1], **first)
                others[kept] = rows[kept]
                rows = others
            layer.weight.set_value(rows)
            tables[name.removesuffix(".table")] = [(keys[kept], rows[kept]) if first else (keys, rows)]
    model.set_state_dict({name: weights[name] for name in model.state_dict()})
    config = load_config("PaddleRec/configs/tiny/slot_dnn.yml")
    config.check()
    drawn = dict.fromkeys(tables, first) if first else None
    export_by_rows(ByRows(model), config, tables, inputs, folder, first=drawn)
    whole.eval()
    return whole
