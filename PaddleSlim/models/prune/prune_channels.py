"""Removal of channels from a model: shrinks its arrays and updates the attributes of its layers."""

import numpy as np
from paddle import nn

CONVOLUTIONS = (nn.Conv1D, nn.Conv2D, nn.Conv3D)
TRANSPOSED = (nn.Conv1DTranspose, nn.Conv2DTranspose, nn.Conv3DTranspose)


def prune_channels(model, shapes):
    """Shrinks the arrays of a freshly built model, whose weights are loaded afterwards.

    Args:
        model (nn.Layer): changed in place.
        shapes (dict[str, list[int]]): structured name of a parameter or buffer -> its new shape.

    Raises:
        ValueError: an array is missing, or has a different number of axes.
    """
    arrays = model.state_dict()
    for name, shape in shapes.items():
        if name not in arrays or len(arrays[name].shape) != len(shape):
            here = list(arrays[name].shape) if name in arrays else "missing"
            raise ValueError(f"{name} is {here} in the model, but {shape} in its structure")
    resize(model, {name: np.resize(arrays[name].numpy(), shape) for name, shape in shapes.items()})


def remove_channels(model, kept):
    """Keeps only some indices of the arrays of a model.

    Args:
        model (nn.Layer): changed in place.
        kept (dict): (structured name, axis) -> the indices to keep, int64.

    Returns:
        dict: the step of the structure that repeats it, see :func:`prune_channels`.
    """
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    changed = {}
    for (name, axis), indices in kept.items():
        changed[name] = changed.get(name, arrays[name]).take(indices, axis)
    resize(model, changed)
    return {"type": "prune_channels", "shapes": {name: list(value.shape) for name, value in sorted(changed.items())}}


def resize(model, arrays):
    """Replaces the values of parameters and buffers by arrays of other shapes; the objects stay the same."""
    import paddle

    values = model.state_dict()
    depthwise = {id(layer): layer for layer in model.sublayers() if is_depthwise(layer)}
    multiples = {key: layer.weight.shape[0] // layer._groups for key, layer in depthwise.items()}
    for name, array in arrays.items():
        place = values[name].place
        target = paddle.CUDAPlace(place.gpu_device_id()) if place.is_gpu_place() else paddle.CPUPlace()
        values[name].get_tensor().set(np.ascontiguousarray(array), target)
    for layer in model.sublayers(include_self=True):
        if id(layer) in depthwise:
            layer._groups = layer.weight.shape[0] // multiples[id(layer)]
        if isinstance(layer, CONVOLUTIONS):
            layer._out_channels, layer._in_channels = layer.weight.shape[0], layer.weight.shape[1] * layer._groups
        elif isinstance(layer, TRANSPOSED):
            layer._in_channels, layer._out_channels = layer.weight.shape[0], layer.weight.shape[1] * layer._groups
        elif hasattr(layer, "_num_features"):
            layer._num_features = layer._mean.shape[0]


def is_depthwise(layer):
    """Checks that a layer is a depthwise convolution."""
    return isinstance(layer, CONVOLUTIONS + TRANSPOSED) and layer._groups > 1 and layer._groups == layer._in_channels
