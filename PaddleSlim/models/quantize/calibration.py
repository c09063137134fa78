"""From a float network and some batches to one whose ranges are known."""

import contextlib

import numpy as np
import paddle

from common.errors import ConfigError, KitError

from .observers import THRESHOLDS, Observer
from .placement import Watch, followers, place
from .quantized_layers import WEIGHT_SCALES
from .selection import chosen
from .structure import apply_fold, apply_quantize, quantized_weights, quantizers

FOLDING_TOLERANCE = 1e-3


def quantize(network, run, batches, settings):
    """Folds, places the quantisers, and finds their ranges.

    Args:
        network (nn.Layer): float; it is changed.
        run (Callable): runs the network on one batch, and returns what it predicts, Tensors however nested.
        batches (iterable): what `run` takes.
        settings (Settings): what to quantise, and how.

    Returns:
        list[dict]: the steps that were taken, see structure.py.
    """
    network.eval()
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        raise ConfigError("slim: there is no batch to calibrate with")
    with paddle.no_grad():
        steps = fold_all(network, run, first)
        with Watch(network).watching() as watch:
            run(first)
        layers = chosen(network, settings.layers, settings.keep_float)
        inputs, outputs = place(watch, layers, settings.quantize_outputs)
        step = {
            "type": "Quantize",
            "layers": layers,
            "inputs": inputs,
            "outputs": outputs,
            "momentum": settings.momentum,
        }
        apply_quantize(network, step)
        calibrate(network, run, [first], batches, settings)
    return [*steps, step]


def fold_all(network, run, batch):
    """Folds every batch normalisation that follows a convolution, and checks that nothing has changed."""
    with Watch(network).watching() as watch:
        before = flat(run(batch))
    step = {"type": "FoldBatchNorm", "pairs": followers(watch)}
    if not step["pairs"]:
        return []
    apply_fold(network, step)
    for old, new in zip(before, flat(run(batch)), strict=True):
        apart = float(np.abs(new - old).max(initial=0)) / max(1.0, float(np.abs(old).max(initial=0)))
        if apart > FOLDING_TOLERANCE:
            raise KitError(
                f"with batch normalisation put into the convolutions, the network answers otherwise (by {apart:.1e}): "
                "some output of a convolution goes elsewhere besides its normalisation"
            )
    return [step]


def flat(outputs):
    """Tensors, however nested, as a list of arrays."""
    return [value.numpy() for value in paddle.utils.flatten(outputs)]


def calibrate(network, run, first, rest, settings):
    """Sets every range: of weights by themselves, of activations by what passes in `settings.batches` batches."""
    for layer in quantized_weights(network).values():
        layer.fit_weight(settings.weights)
    found = quantizers(network)
    with observing(found, settings):
        for count, batch in enumerate(batch for some in (first, rest) for batch in some):
            if count >= settings.batches:
                break
            run(batch)
        for path, quantizer in found.items():
            if not quantizer.observer.batches:
                raise KitError(f"{path}: nothing came by while calibrating")
            quantizer.set_range(*quantizer.observer.range(settings.observer))


@contextlib.contextmanager
def observing(found, settings):
    """Gives each quantiser an observer inside of the block."""
    for quantizer in found.values():
        quantizer.observer = Observer(settings.percentile)
    try:
        yield
    finally:
        for quantizer in found.values():
            quantizer.observer = None


def check_settings(observer, weights):
    """Refuses rules that are not there."""
    for key, value, known in (("observer", observer, THRESHOLDS), ("weights", weights, WEIGHT_SCALES)):
        if value not in known:
            raise ConfigError(f"slim.{key}: there is no '{value}'; it may be {', '.join(known)}")
