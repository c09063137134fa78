"""Where the quantisers of a network stand, found by watching tensors pass from layer to layer.

A tensor is quantised once, where it is made, so that all that use it see the same numbers: behind the layer whose
output it is, if one quantised layer takes it.  A runtime computes a convolution in 8 bits only if its output is
quantised as well; outputs that go elsewhere (into a sum, a pooling) get a quantiser for that reason.
"""

import contextlib
import hashlib

import paddle
from paddle import nn

from .quantized_layers import CONVOLUTIONS

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardswish, nn.Swish, nn.Silu, nn.Sigmoid, nn.Hardsigmoid, nn.GELU)
TRANSPARENT = (nn.MaxPool2D, nn.Flatten, nn.Dropout)  # their output is on the grid of their input


class Watch:
    """What went into each layer of a network, and what came out.

    Args:
        network (nn.Layer): in evaluation mode.
    """

    def __init__(self, network):
        self.network = network
        self.calls = []  # (path, layer, tensor in, tensor out), in the order in which they end

    @contextlib.contextmanager
    def watching(self):
        """Takes note of every call inside of the block."""
        hooks = [layer.register_forward_post_hook(self.noting(path)) for path, layer in self.network.named_sublayers()]
        try:
            yield self
        finally:
            for hook in hooks:
                hook.remove()

    def noting(self, path):
        """The hook of one layer; tensors are kept, so that their identities stay theirs."""

        def note(layer, inputs, output):
            if isinstance(output, paddle.Tensor) and inputs and isinstance(inputs[0], paddle.Tensor):
                self.calls.append((path, layer, inputs[0], output))

        return note

    def once(self):
        """The paths of layers that were called no more than once."""
        counts = {}
        for path, *_ in self.calls:
            counts[path] = counts.get(path, 0) + 1
        return {path for path, count in counts.items() if count == 1}

    def producers(self):
        """{id of a tensor: path of the layer that made it}; a layer that hands on what it got made nothing."""
        found, once = {}, self.once()
        for path, layer, taken, output in self.calls:
            if output is taken or id(output) in found:
                continue
            known = id(taken) in found and isinstance(layer, TRANSPARENT)
            found[id(output)] = found[id(taken)] if known else path if path in once else None
        return found


def followers(watch):
    """[path of a convolution, path of the batch normalisation that takes its output] of each such pair."""
    made = {
        id(output): path
        for path, layer, _, output in watch.calls
        if type(layer) in CONVOLUTIONS and path in watch.once()
    }
    takers = {}
    for path, layer, taken, _ in watch.calls:
        if not list(layer.children()):
            takers.setdefault(id(taken), []).append((path, layer))
    pairs = []
    for tensor, conv in made.items():
        after = takers.get(tensor, [])
        if len(after) == 1 and isinstance(after[0][1], nn.BatchNorm2D) and after[0][0] in watch.once():
            pairs.append([conv, after[0][0]])
    return pairs


def place(watch, chosen, quantize_outputs=True):
    """Where to quantise.

    Args:
        watch (Watch): of one run, in evaluation mode, batch normalisation folded.
        chosen (list[str]): paths of the layers to quantise; those that the run does not reach are left out.
        quantize_outputs (bool): also outputs of convolutions that no quantised layer takes.

    Returns:
        tuple[dict, dict]: {path of a layer to quantise: path of the quantiser of its input}, and {path of a layer
            whose output is quantised besides: the convolution it comes from}.
    """
    producers, once, layers = watch.producers(), watch.once(), {}
    for path, _, taken, _ in watch.calls:
        if path in chosen:
            source = producers.get(id(taken)) if path in once else None
            layers.setdefault(path, quantizer_path(path, source))
    return layers, open_ends(watch, layers) if quantize_outputs else {}


def quantizer_path(path, source):
    """The path of the quantiser of a layer's input, behind the layer `source` or, without one, in the layer itself."""
    return f"{path}.input_quantizer" if source is None else f"{source}.output_quantizer"


def open_ends(watch, layers):
    """The convolutions among the layers, or the activations after them, whose output nothing quantises yet.

    Args:
        watch (Watch): of one run.
        layers (dict[str, str]): what :func:`place` found.

    Returns:
        dict[str, str]: {path of the layer at the end: path of the convolution}.
    """
    once, after, found = watch.once(), {}, {}
    own = {path for path, quantizer in layers.items() if quantizer == f"{path}.input_quantizer"}
    outputs = {quantizer.rpartition(".")[0] for path, quantizer in layers.items() if path not in own}
    taken_over = {digest(x) for path, _, x, _ in watch.calls if path in own}
    for path, layer, taken, output in watch.calls:
        if isinstance(layer, ACTIVATIONS) and path in once:
            after.setdefault(id(taken), (path, output))
    for path, layer, _, output in watch.calls:
        if path not in layers or path not in once or type(layer) not in CONVOLUTIONS:
            continue
        end = path
        while id(output) in after and end not in outputs:
            end, output = after[id(output)]
        unseen = {digest(output), digest(nn.functional.relu(output))}  # a functional ReLU before a quantised input
        if end not in outputs and not unseen & taken_over:
            found[end] = path
    return found


def digest(tensor):
    """A short name of the numbers of a tensor."""
    return hashlib.sha256(tensor.numpy().tobytes()).digest()
