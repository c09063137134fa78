"""Selection of the layers to quantize, by patterns of their paths, such as `head.*`."""

import fnmatch

from paddle import nn

from common.errors import ConfigError
from common.suggest import nearest

from .quantized_layers import QUANTIZED


def quantizable(network):
    """The layers that can be quantized: {path: layer}, in order."""
    found = {}
    for path, layer in network.named_sublayers():
        plain = getattr(layer, "_padding_mode", "zeros") == "zeros" and getattr(layer, "_data_format", "NCHW") == "NCHW"
        if type(layer) in QUANTIZED and plain:
            found[path] = layer
    return found


def matching(paths, patterns, key):
    """The paths that match one of the patterns: the path itself, its sublayers, or a wildcard match.

    Args:
        paths (list[str]): of layers.
        patterns (list[str]): such as `head.*` or `backbone.stem`.
        key (str): configuration key, for the message.

    Raises:
        ConfigError: a pattern matches nothing.
    """
    found = set()
    for pattern in patterns:
        matches = {path for path in paths if fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}.")}
        if not matches:
            close = nearest(pattern, sorted({*paths, *(p.rpartition(".")[0] for p in paths)} - {""}), 3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(list(paths)[:5])}, ..."
            raise ConfigError(f"{key}: no quantizable layer matches '{pattern}'; {hint}")
        found |= matches
    return [path for path in paths if path in found]


def select(network, layers, keep_float):
    """The paths of the layers to quantize: those that match `layers` and do not match `keep_float`.

    Args:
        network (nn.Layer): of floating-point layers.
        layers (list[str]): patterns.
        keep_float (list[str]): patterns.

    Raises:
        ConfigError: a pattern matches nothing, no layer is left, or the network is already quantized.
    """
    paths = list(quantizable(network))
    if not paths:
        raise ConfigError(
            "slim: the network has no floating-point convolution or linear layer; is it already quantized?"
        )
    kept = matching(paths, keep_float, "slim.keep_float")
    found = [path for path in matching(paths, layers, "slim.layers") if path not in kept]
    if not found:
        raise ConfigError("slim.keep_float: no layer is left to quantize")
    return found


def layer_at(network, path):
    """The sublayer at a path; the network itself for an empty path."""
    for name in path.split(".") if path else ():
        network = getattr(network, name) if not isinstance(network, nn.LayerDict) else network[name]
    return network


def replace(network, path, layer):
    """Replaces the layer at a path."""
    above, _, name = path.rpartition(".")
    layer.training = layer_at(network, path).training
    setattr(layer_at(network, above), name, layer)
