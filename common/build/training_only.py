"""Layers that a model has while it trains and that are no part of it: adaptors to a teacher, auxiliary heads.

A model names them in `training_only`, a tuple of the names of its own sublayers. They learn and are saved with the rest
of a run, in a group of their own: neither the weights of a checkpoint nor an export has them.
"""

from common.contract import offered


def is_training_only(model, name):
    """Whether a structured name, such as `adaptors.0.weight`, is of a layer that is no part of the model."""
    return name.partition(".")[0] in offered(model, "model", "training_only")


def groups(model, named):
    """The groups of a checkpoint: `model`, and `training_only` where there is such a layer.

    Args:
        model (nn.Layer): with or without `training_only`.
        named (dict): structured name -> array, of all its layers.
    """
    own, beside = separated(model, named)
    return {"model": own} | ({"training_only": beside} if beside else {})


def together(arrays):
    """The inverse of :func:`groups`: the arrays of all layers by name."""
    return arrays["model"] | arrays.get("training_only", {})


def separated(model, named):
    """(what belongs to the model, what is there for training only) of a dict by structured name."""
    beside = {name: value for name, value in named.items() if is_training_only(model, name)}
    return {name: value for name, value in named.items() if name not in beside}, beside
