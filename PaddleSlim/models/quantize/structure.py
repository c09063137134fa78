"""The steps that turn a floating-point network into a quantized one; they are saved with its weights."""

from .folding import fold
from .quantized_layers import QUANTIZED, QuantizedWeight, Quantizer
from .selection import layer_at, replace

EXPORT_TOLERANCE = 0.1  # another order of summation may round to the next level


def fold_batch_norm(model, pairs):
    """Folds batch normalization into convolutions, see `folding.py`.

    Args:
        model (nn.Layer): with both.
        pairs (list[list[str]]): paths of a convolution and of its batch normalization.
    """
    fold(model, pairs)


def quantize_layers(model, layers, ends, momentum):
    """Replaces floating-point layers by quantized ones; the ranges come from the weights file or from calibration.

    Args:
        model (nn.Layer): of floating-point layers.
        layers (dict[str, str]): path of a layer -> path of the quantizer of its input.
        ends (dict[str, str]): path of a layer whose output is quantized in addition -> path of the convolution it comes
            from.
        momentum (float): of the ranges, see Quantizer.
    """
    outputs = list(ends)
    for path, quantizer in layers.items():
        layer, own = layer_at(model, path), quantizer == f"{path}.input_quantizer"
        if type(layer) not in QUANTIZED:
            raise ValueError(f"{path} is a {type(layer).__name__}, which cannot be quantized")
        replace(model, path, QUANTIZED[type(layer)](layer, momentum, own))
        if not own:
            outputs.append(quantizer.rpartition(".")[0])
    for path in dict.fromkeys(outputs):
        layer = layer_at(model, path)
        layer.output_quantizer = Quantizer(momentum)
        layer.register_forward_post_hook(quantize_output)
    (model.train if model.training else model.eval)()  # the new layers as well
    model.export_tolerance = EXPORT_TOLERANCE


def quantize_output(layer, inputs, output):
    """The forward hook of a layer whose output is quantized."""
    return layer.output_quantizer(output)


def quantizers(network):
    """The activation quantizers: {path: Quantizer}."""
    return {path: layer for path, layer in network.named_sublayers() if isinstance(layer, Quantizer)}


def quantized_weights(network):
    """The layers with quantized weights: {path: layer}."""
    return {path: layer for path, layer in network.named_sublayers() if isinstance(layer, QuantizedWeight)}
