"""Training-only layers of a model, such as adaptors to a teacher and auxiliary heads.

A model names them in `training_only`, a tuple of sublayer names. They are trained and saved with a run in a separate
group of arrays: neither the model weights of a checkpoint nor an export contain them.
"""

from common.contract import is_training_only


def group_arrays(model, named):
    """The array groups of a checkpoint: `model`, and `training_only` if there are such layers.

    Args:
        model (nn.Layer): with or without `training_only`.
        named (dict): structured name -> array, of all its layers.
    """
    own, beside = split_arrays(model, named)
    return {"model": own} | ({"training_only": beside} if beside else {})


def merge_groups(arrays):
    """The inverse of :func:`group_arrays`: the arrays of all layers by name."""
    return arrays["model"] | arrays.get("training_only", {})


def split_arrays(model, named):
    """Splits a dict by structured name into (arrays of the model, arrays of training-only layers)."""
    beside = {name: value for name, value in named.items() if is_training_only(model, name)}
    return {name: value for name, value in named.items() if name not in beside}, beside
