"""Which layer suffers most from 8-bit numbers: each quantised alone, all others float."""

import contextlib
import dataclasses

import numpy as np
import paddle

from .calibration import prediction_of  # noqa: F401
from .selection import layer_at
from .structure import quantized_weights, quantizers


@dataclasses.dataclass(frozen=True)
class Harm:
    """What one layer quantised alone does.

    Args:
        path (str): of the layer.
        kind (str): its class.
        output (float): the signal-to-noise ratio of its own output, dB.
        model (float): that of what the model predicts, dB.
    """

    path: str
    kind: str
    output: float
    model: float


def decibels(signal, noisy):
    """10 log10 of the energy of a signal over that of its noise; infinite without noise.

    Args:
        signal (list[ndarray]): as it should be.
        noisy (list[ndarray]): as it is, of the same shapes.
    """
    energy = sum(float(np.square(a, dtype="float64").sum()) for a in signal)
    noise = sum(float(np.square(np.subtract(b, a, dtype="float64")).sum()) for a, b in zip(signal, noisy, strict=True))
    return float("inf") if noise == 0 else 10 * float(np.log10(max(energy, 1e-300) / noise))


def switch(network, on, paths=None):
    """Turns fake quantisation on or off: everywhere, or in the layers and quantisers at some paths (set[str])."""
    for path, part in {**quantizers(network), **quantized_weights(network)}.items():
        if paths is None or path in paths:
            part.is_off = not on


@contextlib.contextmanager
def outputs_of(network, paths):
    """{path: [ndarray, ...]}: what the layers at some paths give inside of the block."""
    found = {path: [] for path in paths}
    hooks = [
        layer_at(network, path).register_forward_post_hook(
            lambda layer, inputs, output, path=path: found[path].append(output.numpy())
        )
        for path in paths
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def analyse(network, run, batches, step):
    """Quantises each layer alone.

    Args:
        network (nn.Layer): quantised; it is left as it was.
        run (Callable): what the network predicts of one batch, Tensors however nested.
        batches (list): to look at.
        step (dict): the `quantize_layers` of its structure.

    Returns:
        list[Harm]: the worst for the model first.
    """
    was_training = network.training
    network.eval()
    try:
        with paddle.no_grad():
            switch(network, False)
            with outputs_of(network, step["layers"]) as plain:
                right = predictions(run, batches)
            found = [alone(network, run, batches, step, path, plain[path], right) for path in step["layers"]]
    finally:
        switch(network, True)
        if was_training:
            network.train()
    return sorted(found, key=lambda harm: (harm.model, harm.output))


def alone(network, run, batches, step, path, plain, right):
    """The harm of one layer, whose float outputs, and those of the model, are given."""
    ends = {f"{end}.output_quantizer" for end, source in step["ends"].items() if source == path}
    parts = {path, step["layers"][path], *ends}
    switch(network, True, parts)
    with outputs_of(network, [path]) as own:
        noisy = predictions(run, batches)
    switch(network, False, parts)
    kind = type(layer_at(network, path)).__name__
    return Harm(path, kind, decibels(plain, own[path]), decibels(right, noisy))


def predictions(run, batches):
    """What the network predicts of all batches (list[ndarray])."""
    return [value.numpy() for batch in batches for value in paddle.utils.flatten(run(batch))]


def keep_float_line(harms, count):
    """The line of a configuration that would leave the worst layers out of quantisation."""
    return f"keep_float: [{', '.join(harm.path for harm in harms[:count])}]"
