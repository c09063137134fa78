"""Separates embedding tables with sparse gradients from the other parameters of a model."""

from paddle import nn

from common.errors import ConfigError
from common.system import distributed


def table_names(model, parameters):
    """The names of those `parameters` (dict by structured name) that are embedding tables with sparse gradients."""
    layers = [x for x in model.sublayers(include_self=True) if isinstance(x, nn.Embedding) and x._sparse]
    tables = {id(layer.weight) for layer in layers}
    return [name for name, parameter in parameters.items() if id(parameter) in tables]


def parameters_and_tables(model):
    """{"dense": parameters by structured name, "sparse": tables by structured name} of a model.

    Raises:
        ConfigError: the model has no table, or nothing else, or several processes train it.
    """
    if distributed.world_size() > 1:
        raise ConfigError(
            f"optimizer: DenseAndSparse supports one process only, not {distributed.world_size()}; "
            "sparse gradients of embedding tables are not synchronized\n  "
            "use one process, or an optimizer for all parameters and sparse: false"
        )
    parameters = dict(model.named_parameters())
    sparse = {name: parameters[name] for name in table_names(model, parameters)}
    dense = {name: parameter for name, parameter in parameters.items() if name not in sparse}
    for what, part in (("no embedding table with sparse gradients", sparse), ("only embedding tables", dense)):
        if not part:
            raise ConfigError(f"optimizer: {type(model).__name__} has {what}; DenseAndSparse is for models with both")
    return {"dense": dense, "sparse": sparse}
