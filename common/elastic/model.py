"""The model of a worker or of the publisher: its tables are elsewhere, its dense parameters are one vector."""

import numpy as np

from common.build.data import class_names
from common.build.model import build_model
from common.elastic.dense import join_arrays, split_vector
from common.export.by_rows import fetched_layers, keys_of_inputs
from common.layers.tables import FetchedTable, tables_made_by
from common.system import runtime
from common.system.device import select_device


class RemoteModel:
    """A model whose tables are on shards.

    Args:
        config (Config): checked.
        dataset (object): of the training.
    """

    def __init__(self, config, dataset):
        runtime.prepare()
        select_device(config.get("device"))
        with tables_made_by(FetchedTable):
            self.model = build_model(config, class_names(dataset))
        self.layers = fetched_layers(self.model)
        state = self.model.state_dict()
        self.values = {name: state[name] for name in sorted(state) if "float" in str(state[name].dtype)}
        self.layout = [(name, list(value.shape)) for name, value in self.values.items()]

    def tables(self):
        """Facts that a shard needs: name -> {"width", "std"}."""
        return {n: {"width": x.table.width, "std": x.table.std} for n, x in self.layers.items()}

    def vector(self):
        """The dense parameters, float32 [P]."""
        return join_arrays({name: value.numpy() for name, value in self.values.items()}, self.layout)

    def set_vector(self, vector):
        """The inverse of :meth:`vector`."""
        for name, array in split_vector(vector, self.layout).items():
            self.values[name].set_value(array)

    def keys(self, batch):
        """Look-ups of a batch: {table: (keys uint64 [U], counts int64 [U], places)}.

        `places` has (ids int64, their places in the keys) of each look-up; the counts leave out padding, the id -1.
        """
        found = {}
        for name, layer in self.layers.items():
            names = self.model.lookups[name]
            ids = keys_of_inputs(layer, names, batch)
            flat = np.concatenate([array.reshape(-1) for array in ids])
            real = np.concatenate([(batch[key] != -1).reshape(-1) for key in names])
            keys, inverse = np.unique(flat, return_inverse=True)
            counts = np.bincount(inverse.reshape(-1)[real], minlength=len(keys))
            ends = np.cumsum([array.size for array in ids])[:-1]
            places = [p.reshape(a.shape) for p, a in zip(np.split(inverse.reshape(-1), ends), ids)]
            found[name] = keys.view(np.uint64), counts, list(zip(ids, places))
        return found

    def take(self, wanted, rows):
        """Gives the tables the rows of a batch: what `keys` returned, and {table: rows [U, K]}."""
        for name, (keys, _, places) in wanted.items():
            self.layers[name].table.take(keys.view(np.int64), rows[name], places)

    def gradients(self):
        """{table: gradients float32 [U, K]} of the rows."""
        return {name: layer.table.gradients() for name, layer in self.layers.items()}
