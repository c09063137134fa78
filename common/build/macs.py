"""Counts the multiply-adds of a model: those of its convolutions and linear layers, as published counts do.

Additions of biases, normalisation, activations, pooling, and products that no layer holds do not count.
"""

import contextlib
import math


def count_macs(model, *inputs):
    """The multiply-adds of `model.predict(*inputs)` in evaluation mode (int).

    Args:
        model (nn.Layer): with `predict`; its mode is restored.
        inputs (Tensor): what `predict` takes; the samples of a batch are added up.
    """
    import paddle

    counts = []

    def count(layer, given, output):
        counts.append(macs_of(layer, given[0].shape, output.shape))

    was_training = model.training
    model.eval()
    with contextlib.ExitStack() as hooks, paddle.no_grad():
        for layer in model.sublayers(include_self=True):
            if is_counted(layer):
                hooks.callback(layer.register_forward_post_hook(count).remove)
        model.predict(*inputs)
    if was_training:
        model.train()
    return sum(counts)


def is_counted(layer):
    """Whether a layer is a linear one or a convolution."""
    from paddle import nn

    return isinstance(layer, nn.Linear | nn.Conv1D | nn.Conv2D | nn.Conv3D) or is_transposed(layer)


def is_transposed(layer):
    """Whether a layer is a transposed convolution."""
    from paddle import nn

    return isinstance(layer, nn.Conv1DTranspose | nn.Conv2DTranspose | nn.Conv3DTranspose)


def macs_of(layer, given, output):
    """The multiply-adds of one layer, from the shapes that go in and out.

    Each number that goes out of a convolution is a sum over its kernel and its group's channels; each that goes into a
    transposed one is spread over the same.  A linear layer's weight is [in, out].
    """
    from paddle import nn

    shape = layer.weight.shape
    if isinstance(layer, nn.Linear):
        return math.prod(output) * shape[0]
    return math.prod(given if is_transposed(layer) else output) * math.prod(shape[1:])
