"""Counts the multiply-accumulate operations (MACs) of a model, of convolutions and linear layers as is customary.

Biases, normalization, activations, pooling, and matrix products outside layers are not counted.
"""

import contextlib
import math


def count_macs(model, *inputs):
    """The MACs of `model.predict(*inputs)` in evaluation mode (int).

    Args:
        model (nn.Layer): with `predict`; its mode is restored.
        inputs (Tensor): arguments of `predict`; summed over the samples of a batch.
    """
    return sum(count for _, count in layer_macs(model, *inputs))


def layer_macs(model, *inputs):
    """The path and the MACs of each layer that `model.predict(*inputs)` runs, in order (list[tuple[str, int]])."""
    import paddle

    counts = []

    def counter(path):
        return lambda layer, given, output: counts.append((path, macs_of(layer, given[0].shape, output.shape)))

    was_training = model.training
    model.eval()
    with contextlib.ExitStack() as hooks, paddle.no_grad():
        for path, layer in model.named_sublayers(include_self=True):
            if is_counted(layer):
                hooks.callback(layer.register_forward_post_hook(counter(path)).remove)
        model.predict(*inputs)
    if was_training:
        model.train()
    return counts


def is_counted(layer):
    """True for linear layers and convolutions."""
    from paddle import nn

    return isinstance(layer, nn.Linear | nn.Conv1D | nn.Conv2D | nn.Conv3D) or is_transposed(layer)


def is_transposed(layer):
    """True for transposed convolutions."""
    from paddle import nn

    return isinstance(layer, nn.Conv1DTranspose | nn.Conv2DTranspose | nn.Conv3DTranspose)


def macs_of(layer, given, output):
    """The MACs of one layer, from its input and output shapes.

    Each output element of a convolution is a sum over its kernel and the channels of its group; each input element of
    a transposed one contributes to as many.  The weight of a linear layer is [in, out].
    """
    from paddle import nn

    shape = layer.weight.shape
    if isinstance(layer, nn.Linear):
        return math.prod(output) * shape[0]
    return math.prod(given if is_transposed(layer) else output) * math.prod(shape[1:])
