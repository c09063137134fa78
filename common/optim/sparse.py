"""Optimizers of models with large embedding tables: tables and the rest are moved by rules of their own.

    optimizer:
      type: DenseAndSparse
      dense: {type: Adam, lr: 1e-3}
      sparse: {type: Adagrad, lr: 0.05}

A table is an embedding with sparse gradients.  Only rows that have a gradient are moved, so that a step costs the same
however large the table is.
"""

from common.optim.optimizers import SGD
from common.optim.several import SeveralSchedules, build_several

ROW_RULES = ("SGD", "Adam", "Adagrad", "FTRL")


class FTRL(SGD):
    """Follow the regularized leader, for sparse linear models (https://doi.org/10.1145/2487575.2488200, algorithm 1).

    Args:
        power (float): a weight's rate falls with this power of its squared gradients.
        l1 (float): makes weights exactly zero.
        l2 (float): pulls weights towards zero.
        beta (float): added to the root of the squared gradients.
    """

    def __init__(
        self,
        lr,
        power=0.5,
        l1=0.0,
        l2=0.0,
        beta=1.0,
        groups=(),
        no_decay=(),
        clip_norm=None,
        clip_value=None,
        clip_each_norm=None,
    ):
        super().__init__(lr, 0.0, 0.0, groups, no_decay, clip_norm, clip_value, clip_each_norm)
        self.options = {
            "power": self.number("power", power, above=0, most=1),
            "l1": self.number("l1", l1, least=0),
            "l2": self.number("l2", l2, least=0),
            "beta": self.number("beta", beta, above=0),
        }

    def make(self, paddle, parameters, decay):
        from common.optim.ftrl import FTRLRule

        return FTRLRule(1.0, parameters, **self.options)


class DenseAndSparse:
    """One optimizer for embedding tables with sparse gradients, one for all other parameters.

    Args:
        dense (SGD): any optimizer; its learning rate is the one that the log shows.
        sparse (SGD): SGD, Adam (which is then lazy), Adagrad or FTRL, without weight decay, which would reach all rows.

    Raises:
        ValueError: the rule for tables would touch rows without a gradient.
    """

    def __init__(self, dense, sparse):
        if type(sparse).__name__ not in ROW_RULES:
            raise ValueError(
                f"DenseAndSparse got sparse={type(sparse).__name__}, which moves every row of a table in every step; "
                f"it takes {', '.join(ROW_RULES)}"
            )
        if sparse.weight_decay or sparse.l1_decay:
            raise ValueError("DenseAndSparse got weight decay for sparse, which would reach every row of a table")
        if hasattr(sparse, "lazy"):
            sparse.lazy = True
        self.dense, self.sparse = dense, sparse
        self.schedule = SeveralSchedules({"dense": dense.schedule, "sparse": sparse.schedule})

    def build(self, model):
        """The optimizers of a model's parameters (SeveralOptimizers).

        Raises:
            ConfigError: the model has no table, or nothing else, or several processes train it: the sparse gradients of
                their tables are not added up, and each would go its own way.
        """
        from common.optim.tables import parameters_and_tables

        members = parameters_and_tables(model)
        return build_several({"dense": self.dense, "sparse": self.sparse}, model, members)
