"""The steps by which a float network becomes a quantised one; they are stored beside its weights."""

from .folding import fold
from .quantized_layers import QUANTIZED, QuantizedWeight, Quantizer
from .selection import layer_at, replace

EXPORT_TOLERANCE = 0.1  # programs that add in another order may round to neighbours


def fold_batch_norm(model, pairs):
    """Gives convolutions a bias, and puts identities in place of the normalisations that are in them now.

    Args:
        model (nn.Layer): with both.
        pairs (list[list[str]]): paths of a convolution and of its normalisation.
    """
    fold(model, pairs)


def quantize_layers(model, layers, ends, momentum):
    """Puts quantised layers in place of float ones; the ranges come with the weights, or from calibration.

    Args:
        model (nn.Layer): of float layers.
        layers (dict[str, str]): path of a layer: path of the quantiser of its input.
        ends (dict[str, str]): path of a layer whose output is quantised besides: the convolution it comes from.
        momentum (float): of the ranges, see Quantizer.
    """
    outputs = list(ends)
    for path, quantizer in layers.items():
        layer, own = layer_at(model, path), quantizer == f"{path}.input_quantizer"
        if type(layer) not in QUANTIZED:
            raise ValueError(f"{path} is a {type(layer).__name__}, no float layer that can be quantised")
        replace(model, path, QUANTIZED[type(layer)](layer, momentum, own))
        if not own:
            outputs.append(quantizer.rpartition(".")[0])
    for path in dict.fromkeys(outputs):
        layer = layer_at(model, path)
        layer.output_quantizer = Quantizer(momentum)
        layer.register_forward_post_hook(quantized_output)
    (model.train if model.training else model.eval)()  # the new layers as well
    model.export_tolerance = EXPORT_TOLERANCE


def quantized_output(layer, inputs, output):
    """The hook of a layer whose output is quantised."""
    return layer.output_quantizer(output)


def quantizers(network):
    """The quantisers of activations: {path: Quantizer}."""
    return {path: layer for path, layer in network.named_sublayers() if isinstance(layer, Quantizer)}


def quantized_weights(network):
    """The layers of quantised weights: {path: layer}."""
    return {path: layer for path, layer in network.named_sublayers() if isinstance(layer, QuantizedWeight)}
