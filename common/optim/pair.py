"""Moves embedding tables and all other parameters, each by a rule of their own; `common.optim.sparse` describes it."""

from paddle import nn

from common.errors import ConfigError
from common.optim.grouped import build_grouped
from common.system import distributed


class PairOptimizer:
    """Two optimizers that are stepped together.

    Args:
        dense (GroupedOptimizer): of the parameters that are no tables.
        sparse (GroupedOptimizer): of the tables.
        schedule (PairSchedule): knows the learning rate of the tables.
    """

    def __init__(self, dense, sparse, schedule):
        self.dense, self.sparse, self.schedule = dense, sparse, schedule
        self.kind = f"{dense.kind} and {sparse.kind}"
        self.parameters = dense.parameters | sparse.parameters

    def step(self, lr):
        """Moves what has a gradient, the dense parameters at the rate `lr` (float)."""
        self.dense.step(lr)
        self.sparse.step(self.schedule.second_lr)

    def clear(self):
        """Forgets the gradients."""
        self.dense.clear()
        self.sparse.clear()

    def gradients(self):
        """The gradients there are (list of Tensor)."""
        return self.dense.gradients() + self.sparse.gradients()

    def state(self):
        """All that a resumed run needs: (arrays by name, what JSON can hold)."""
        (arrays, dense), (more, sparse) = self.dense.state(), self.sparse.state()
        return arrays | more, {"kind": self.kind, "dense": dense, "sparse": sparse}

    def load(self, arrays, state):
        """The inverse of :meth:`state`.

        Raises:
            ConfigError: the state is of other kinds of optimizers or does not fit the parameters.
        """
        if state["kind"] != self.kind:
            raise ConfigError(f"the checkpoint holds the state of {state['kind']}, but the optimizer is {self.kind}")
        of_tables = {key: value for key, value in arrays.items() if key.rpartition("/")[0] in self.sparse.parameters}
        self.dense.load({key: value for key, value in arrays.items() if key not in of_tables}, state["dense"])
        self.sparse.load(of_tables, state["sparse"])


def build_pair(settings, model):
    """The optimizer that `settings` (a DenseAndSparse) describes.

    Raises:
        ConfigError: the model has no table, or nothing else, or several processes train it: the sparse gradients of
            their tables are not added up, and each would go its own way.
    """
    if distributed.world_size() > 1:
        raise ConfigError(
            f"optimizer: DenseAndSparse trains in one process, here are {distributed.world_size()}; "
            "the gradients of the tables are not exchanged\n  "
            "use one process, or an optimizer for all parameters and sparse: false"
        )
    parameters = dict(model.named_parameters())
    tables = {
        id(layer.weight)
        for layer in model.sublayers(include_self=True)
        if isinstance(layer, nn.Embedding) and layer._sparse
    }
    sparse = {name: parameter for name, parameter in parameters.items() if id(parameter) in tables}
    dense = {name: parameter for name, parameter in parameters.items() if name not in sparse}
    for what, part in (("no embedding table with sparse gradients", sparse), ("nothing but tables", dense)):
        if not part:
            raise ConfigError(f"optimizer: {type(model).__name__} has {what}; DenseAndSparse is for models with both")
    first = build_grouped(settings.dense, model, dense)
    return PairOptimizer(first, build_grouped(settings.sparse, model, sparse), settings.schedule)
