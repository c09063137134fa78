"""Separate optimizers for the embedding tables of a model and for all its other parameters.

    optimizer:
      type: DenseAndSparse
      dense: {type: Adam, lr: 1e-3}
      sparse: {type: Adagrad, lr: 0.05}

A table is an embedding with sparse gradients.  Only rows that have a gradient are updated, so that a step costs the
same however large the table is.
"""

from dataclasses import dataclass

from common.optim.optimizers import Optimizer
from common.optim.several import SeveralSchedules, build_several

ROW_RULES = ("SGD", "Adam", "Adagrad", "FTRL")


@dataclass(kw_only=True)
class DenseAndSparse:
    """One optimizer for embedding tables with sparse gradients, one for all other parameters.

    Args:
        dense (Optimizer): any optimizer; its learning rate is the one that the log shows.
        sparse (Optimizer): SGD, Adam (which is then lazy), Adagrad or FTRL, without weight decay, which would reach all
            rows.

    Raises:
        ValueError: `sparse` would update rows without a gradient.
    """

    dense: Optimizer
    sparse: Optimizer

    def __post_init__(self):
        sparse = self.sparse
        if type(sparse).__name__ not in ROW_RULES:
            raise ValueError(
                f"DenseAndSparse got sparse={type(sparse).__name__}, which updates every row of a table in every step; "
                f"it takes {', '.join(ROW_RULES)}"
            )
        if sparse.weight_decay or sparse.l1_decay:
            raise ValueError("DenseAndSparse got weight decay for sparse, which would reach every row of a table")
        if hasattr(sparse, "lazy"):
            sparse.lazy = True
        self.schedule = SeveralSchedules({"dense": self.dense.schedule, "sparse": sparse.schedule})

    def build(self, model):
        """The optimizers of a model's parameters (SeveralOptimizers).

        Raises:
            ConfigError: the model has no table, or nothing else, or several processes train it, which do not exchange
                sparse gradients.
        """
        from common.optim.tables import parameters_and_tables

        members = parameters_and_tables(model)
        return build_several({"dense": self.dense, "sparse": self.sparse}, model, members)
