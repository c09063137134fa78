"""The steps by which a float network becomes a quantised one; they are stored beside its weights.

    {"type": "FoldBatchNorm", "pairs": [[convolution, normalisation], ...]}
    {"type": "Quantize", "layers": [...], "inputs": [...], "outputs": [...], "momentum": 1.0}
"""

from common.errors import ConfigError

from .folding import fold
from .quantized_layers import QUANTIZED, QuantizedWeight, Quantizer
from .selection import layer_at, replace


def apply_fold(network, step):
    """Does one FoldBatchNorm step."""
    fold(network, step["pairs"])


def apply_quantize(network, step):
    """Does one Quantize step; the ranges come with the weights, or from calibration."""
    inputs = set(step["inputs"])
    for path in step["layers"]:
        layer = layer_at(network, path)
        if type(layer) not in QUANTIZED:
            raise ConfigError(f"{path} is a {type(layer).__name__}, which is not quantised: it is no float layer")
        replace(network, path, QUANTIZED[type(layer)](layer, step["momentum"], path in inputs))
    for path in step["outputs"]:
        quantize_output(layer_at(network, path), step["momentum"])
    (network.train if network.training else network.eval)()  # the new layers as well


def quantize_output(layer, momentum):
    """Makes a layer quantise what it gives."""
    layer.output_quantizer = Quantizer(momentum)
    layer.register_forward_post_hook(quantized_output)


def quantized_output(layer, inputs, output):
    """The hook of :func:`quantize_output`."""
    return layer.output_quantizer(output)


def quantizers(network):
    """The quantisers of activations: {path: Quantizer}."""
    return {path: layer for path, layer in network.named_sublayers() if isinstance(layer, Quantizer)}


def quantized_weights(network):
    """The layers of quantised weights: {path: layer}."""
    return {path: layer for path, layer in network.named_sublayers() if isinstance(layer, QuantizedWeight)}
