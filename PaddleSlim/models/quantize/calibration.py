"""Calibration: quantizes a floating-point network with ranges from some batches."""

import contextlib
import dataclasses
import inspect

import numpy as np
import paddle

from common.errors import ConfigError

from .observers import THRESHOLDS, Observer
from .placement import Trace, foldable_pairs, place_quantizers
from .quantized_layers import WEIGHT_SCALES
from .selection import select
from .structure import fold_batch_norm, quantize_layers, quantized_weights, quantizers

FOLDING_TOLERANCE = 1e-3


@dataclasses.dataclass
class Rules:
    """The quantization settings.

    Args:
        observer (str): of activations, a key of THRESHOLDS.
        weights (str): a key of WEIGHT_SCALES.
        batches (int): number of calibration batches.
        layers (list[str]): patterns of the paths of layers to quantize.
        keep_float (list[str]): patterns of the paths of layers that stay in floating point.
        outputs (bool): whether to quantize also the outputs of convolutions that no quantized layer consumes.
        percentile (float): of |x| inside the range, in percent.
        momentum (float): of the moving average of the ranges in training; 1 keeps the ranges fixed.
    """

    observer: str = "mse"
    weights: str = "abs_max"
    batches: int = 16
    layers: tuple = ("*",)
    keep_float: tuple = ()
    outputs: bool = True
    percentile: float = 99.99
    momentum: float = 1.0

    def __post_init__(self):
        for key, known in (("observer", THRESHOLDS), ("weights", WEIGHT_SCALES)):
            if getattr(self, key) not in known:
                raise ValueError(f"{key} is {getattr(self, key)!r}; it must be one of {', '.join(known)}")
        if not self.batches > 0 or not 0 < self.percentile <= 100:
            raise ValueError(
                f"batches is {self.batches} and percentile {self.percentile}; allowed: 1 or more, and above 0 up to 100"
            )


def quantize(network, run, batches, rules):
    """Folds batch normalization, inserts the quantizers, and calibrates their ranges.

    Args:
        network (nn.Layer): floating-point; it is modified in place and left in evaluation mode.
        run (Callable): batch -> predictions of the network, nested Tensors.
        batches (iterable): calibration batches; the first `rules.batches` are used.
        rules (Rules): what to quantize, and how.

    Returns:
        list[dict]: the steps of the structure, see structure.py.

    Raises:
        ConfigError: a pattern matches nothing, or there is no batch.
    """
    network.eval()
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        raise ConfigError("slim: there is no batch for calibration")
    with paddle.no_grad():
        paths = select(network, rules.layers, rules.keep_float)
        steps = fold_all(network, run, first)
        with Trace(network).recording() as trace:
            run(first)
        layers, ends = place_quantizers(trace, paths, rules.outputs)
        step = {"layers": layers, "ends": ends, "momentum": rules.momentum}
        quantize_layers(network, **step)
        calibrate(network, run, first, batches, rules)
    return [*steps, {"type": "quantize_layers", **step}]


def fold_all(network, run, batch):
    """Folds every batch normalization after a convolution and checks that the outputs stay (list of steps)."""
    with Trace(network).recording() as trace:
        before = flatten(run(batch))
    pairs = foldable_pairs(trace)
    if not pairs:
        return []
    fold_batch_norm(network, pairs)
    for old, new in zip(before, flatten(run(batch)), strict=True):
        apart = float(np.abs(new - old).max(initial=0)) / max(1.0, float(np.abs(old).max(initial=0)))
        if not apart <= FOLDING_TOLERANCE:
            raise ConfigError(
                f"folding batch normalization changes the outputs of the network (by {apart:.1e}): "
                "the output of a convolution is used by more than its normalization"
            )
    return [{"type": "fold_batch_norm", "pairs": pairs}]


def flatten(outputs):
    """Nested Tensors as a list of arrays."""
    return [value.numpy() for value in paddle.utils.flatten(outputs)]


def calibrate(network, run, first, rest, rules):
    """Sets every range: of weights from the weights, of activations from the calibration batches.

    Args:
        network (nn.Layer): with quantized layers.
        run (Callable): runs the network on one batch.
        first (object): the first batch.
        rest (iterator): the batches after it.
        rules (Rules): number of batches and observer.
    """
    for layer in quantized_weights(network).values():
        layer.fit_weight(rules.weights)
    found = quantizers(network)
    with observing(found, rules):
        run(first)
        for _, batch in zip(range(rules.batches - 1), rest):
            run(batch)
        for quantizer in found.values():
            quantizer.set_range(*quantizer.observer.range(rules.observer))


@contextlib.contextmanager
def observing(found, rules):
    """Attaches an observer to each quantizer inside the block."""
    for quantizer in found.values():
        quantizer.observer = Observer(rules.percentile)
    try:
        yield
    finally:
        for quantizer in found.values():
            quantizer.observer = None


def prediction_of(model):
    """A function from a batch (dict of arrays) to the outputs of `predict`."""
    names = [name for name in inspect.signature(model.predict).parameters if name in model.inputs]
    return lambda batch: model.predict(*(paddle.to_tensor(batch[name]) for name in names))
