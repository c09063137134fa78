"""Placement of the quantizers in a network, from a trace of the tensors between its layers.

A tensor is quantized once, at its producer, so that all consumers see the same values: after the layer whose output it
is, if a quantized layer consumes it.  A runtime computes a convolution in 8 bits only if its output is quantized, too;
outputs with other consumers (an addition, a pooling) get a quantizer for that reason.
"""

import contextlib
import hashlib

import paddle
from paddle import nn

from .quantized_layers import CONVOLUTIONS

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardswish, nn.Swish, nn.Silu, nn.Sigmoid, nn.Hardsigmoid, nn.GELU)
TRANSPARENT = (nn.MaxPool2D, nn.Flatten, nn.Dropout)  # their output is on the grid of their input


class Trace:
    """A trace of the inputs and outputs of every layer of a network.

    Args:
        network (nn.Layer): in evaluation mode.
    """

    def __init__(self, network):
        self.network = network
        self.calls = []  # (path, layer, input, output), in the order in which the calls end

    @contextlib.contextmanager
    def recording(self):
        """Records every call inside the block."""
        hooks = [
            layer.register_forward_post_hook(self.make_hook(path)) for path, layer in self.network.named_sublayers()
        ]
        try:
            yield self
        finally:
            for hook in hooks:
                hook.remove()

    def make_hook(self, path):
        """The forward hook of a layer; tensors are kept alive, so that their ids stay unique."""

        def record(layer, inputs, output):
            if isinstance(output, paddle.Tensor) and inputs and isinstance(inputs[0], paddle.Tensor):
                self.calls.append((path, layer, inputs[0], output))

        return record

    def once(self):
        """The paths of layers that were called exactly once."""
        counts = {}
        for path, *_ in self.calls:
            counts[path] = counts.get(path, 0) + 1
        return {path for path, count in counts.items() if count == 1}

    def producers(self):
        """{id of a tensor: path of its producer}; a layer that returns its input does not produce it."""
        found, once = {}, self.once()
        for path, layer, source, output in self.calls:
            if output is source or id(output) in found:
                continue
            known = id(source) in found and isinstance(layer, TRANSPARENT)
            found[id(output)] = found[id(source)] if known else path if path in once else None
        return found


def foldable_pairs(trace):
    """The pairs [path of a convolution, path of the batch normalization that is the only consumer of its output]."""
    produced = {
        id(output): path
        for path, layer, _, output in trace.calls
        if type(layer) in CONVOLUTIONS and path in trace.once()
    }
    consumers = {}
    for path, layer, source, _ in trace.calls:
        if not list(layer.children()):
            consumers.setdefault(id(source), []).append((path, layer))
    pairs = []
    for tensor, conv in produced.items():
        after = consumers.get(tensor, [])
        if len(after) == 1 and isinstance(after[0][1], nn.BatchNorm2D) and after[0][0] in trace.once():
            pairs.append([conv, after[0][0]])
    return pairs


def place_quantizers(trace, chosen, quantize_outputs=True):
    """The placement of quantizers.

    Args:
        trace (Trace): of one pass in evaluation mode, with batch normalization folded.
        chosen (list[str]): paths of the layers to quantize; layers that the pass does not run are left out.
        quantize_outputs (bool): whether to quantize also outputs of convolutions that no quantized layer consumes.

    Returns:
        tuple[dict, dict]: {path of a layer to quantize: path of the quantizer of its input}, and {path of a layer
            whose output is quantized in addition: path of the convolution it comes from}.
    """
    producers, once, layers = trace.producers(), trace.once(), {}
    for path, _, source, _ in trace.calls:
        if path in chosen:
            producer = producers.get(id(source)) if path in once else None
            layers.setdefault(path, quantizer_path(path, producer))
    return layers, open_ends(trace, layers) if quantize_outputs else {}


def quantizer_path(path, producer):
    """The path of the quantizer of a layer's input: after its producer or, without one, in the layer itself."""
    return f"{path}.input_quantizer" if producer is None else f"{producer}.output_quantizer"


def open_ends(trace, layers):
    """The convolutions among the layers, or the activations after them, whose output is not quantized yet.

    Args:
        trace (Trace): of one pass.
        layers (dict[str, str]): the layers of :func:`place_quantizers`.

    Returns:
        dict[str, str]: {path of the layer at the end: path of the convolution}.
    """
    once, after, found = trace.once(), {}, {}
    own = {path for path, quantizer in layers.items() if quantizer == f"{path}.input_quantizer"}
    outputs = {quantizer.rpartition(".")[0] for path, quantizer in layers.items() if path not in own}
    quantized = {digest(x) for path, _, x, _ in trace.calls if path in own}
    for path, layer, source, output in trace.calls:
        if isinstance(layer, ACTIVATIONS) and path in once:
            after.setdefault(id(source), (path, output))
    for path, layer, _, output in trace.calls:
        if path not in layers or path not in once or type(layer) not in CONVOLUTIONS:
            continue
        end = path
        while id(output) in after and end not in outputs:
            end, output = after[id(output)]
        candidates = {digest(output), digest(nn.functional.relu(output))}  # a functional ReLU before a quantized input
        if end not in outputs and not candidates & quantized:
            found[end] = path
    return found


def digest(tensor):
    """A hash of the values of a tensor (bytes)."""
    return hashlib.sha256(tensor.numpy().tobytes()).digest()
