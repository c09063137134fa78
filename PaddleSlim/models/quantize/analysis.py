"""Quantization error analysis: each layer is quantized alone, all others stay in floating point."""

import contextlib
import dataclasses

import numpy as np
import paddle

from .calibration import prediction_of  # noqa: F401
from .selection import layer_at
from .structure import quantized_weights, quantizers


@dataclasses.dataclass(frozen=True)
class LayerNoise:
    """The quantization noise of one layer that is quantized alone.

    Args:
        path (str): of the layer.
        kind (str): its class.
        output (float): the signal-to-noise ratio of the output of the layer, in dB.
        model (float): the signal-to-noise ratio of the outputs of the model, in dB.
    """

    path: str
    kind: str
    output: float
    model: float


def decibels(signal, noisy):
    """The signal-to-noise ratio in dB, 10 log10 of the ratio of the energies; infinite without noise.

    Args:
        signal (list[ndarray]): the reference.
        noisy (list[ndarray]): of the same shapes.
    """
    energy = sum(float(np.square(a, dtype="float64").sum()) for a in signal)
    noise = sum(float(np.square(np.subtract(b, a, dtype="float64")).sum()) for a, b in zip(signal, noisy, strict=True))
    return float("inf") if noise == 0 else 10 * float(np.log10(max(energy, 1e-300) / noise))


def switch(network, on, paths=None):
    """Turns fake quantization on or off, everywhere or for the layers and quantizers at some paths (set[str])."""
    for path, part in {**quantizers(network), **quantized_weights(network)}.items():
        if paths is None or path in paths:
            part.is_off = not on


@contextlib.contextmanager
def outputs_of(network, paths):
    """{path: [ndarray, ...]}: the outputs of the layers at some paths, recorded inside the block."""
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


def analyze(network, run, batches, step):
    """Measures the quantization noise of each layer.

    Args:
        network (nn.Layer): quantized; it is restored afterwards.
        run (Callable): batch -> predictions of the network, nested Tensors.
        batches (list): evaluation batches.
        step (dict): the step `quantize_layers` of its structure.

    Returns:
        list[LayerNoise]: the most harmful layer first.
    """
    was_training = network.training
    network.eval()
    try:
        with paddle.no_grad():
            switch(network, False)
            with outputs_of(network, step["layers"]) as plain:
                reference = predictions(run, batches)
            found = [noise_of(network, run, batches, step, path, plain[path], reference) for path in step["layers"]]
    finally:
        switch(network, True)
        if was_training:
            network.train()
    return sorted(found, key=lambda noise: (noise.model, noise.output))


def noise_of(network, run, batches, step, path, plain, reference):
    """The LayerNoise of one layer, given its floating-point outputs and those of the model."""
    ends = {f"{end}.output_quantizer" for end, source in step["ends"].items() if source == path}
    parts = {path, step["layers"][path], *ends}
    switch(network, True, parts)
    with outputs_of(network, [path]) as own:
        noisy = predictions(run, batches)
    switch(network, False, parts)
    kind = type(layer_at(network, path)).__name__
    return LayerNoise(path, kind, decibels(plain, own[path]), decibels(reference, noisy))


def predictions(run, batches):
    """The predictions for all batches (list[ndarray])."""
    return [value.numpy() for batch in batches for value in paddle.utils.flatten(run(batch))]


def keep_float_line(noises, count):
    """The line of a configuration that excludes the worst layers from quantization (str)."""
    return f"keep_float: [{', '.join(noise.path for noise in noises[:count])}]"
