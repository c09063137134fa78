"""From a float network and some batches to one whose ranges are known."""

import contextlib
import dataclasses
import inspect

import numpy as np
import paddle

from common.errors import ConfigError

from .observers import THRESHOLDS, Observer
from .placement import Watch, followers, place
from .quantized_layers import WEIGHT_SCALES
from .selection import chosen
from .structure import fold_batch_norm, quantize_layers, quantized_weights, quantizers

FOLDING_TOLERANCE = 1e-3


@dataclasses.dataclass
class Rules:
    """What to quantise, and how.

    Args:
        observer (str): of activations, a key of THRESHOLDS.
        weights (str): a key of WEIGHT_SCALES.
        batches (int): to find the ranges with.
        layers (list[str]): patterns of the paths of layers.
        keep_float (list[str]): patterns of those that stay as they are.
        outputs (bool): quantise outputs of convolutions that no quantised layer takes too.
        percentile (float): of |x| inside the range, in percent.
        momentum (float): of the ranges while training; 1 leaves them as they are.
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
                raise ValueError(f"{key} is {getattr(self, key)!r}; it may be {', '.join(known)}")
        if not self.batches > 0 or not 0 < self.percentile <= 100:
            raise ValueError(f"batches {self.batches} and percentile {self.percentile} do not suffice for a range")


def quantize(network, run, batches, rules):
    """Folds, places the quantisers, and finds their ranges.

    Args:
        network (nn.Layer): float; it is changed, and left in evaluation mode.
        run (Callable): runs the network on one batch, and returns what it predicts, Tensors however nested.
        batches (iterable): what `run` takes; the first `rules.batches` are used.
        rules (Rules): what to quantise, and how.

    Returns:
        list[dict]: the steps that were taken, see structure.py.

    Raises:
        ConfigError: a pattern matches nothing, or there is no batch.
    """
    network.eval()
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        raise ConfigError("slim: there is no batch to find ranges with")
    with paddle.no_grad():
        paths = chosen(network, rules.layers, rules.keep_float)
        steps = fold_all(network, run, first)
        with Watch(network).watching() as watch:
            run(first)
        layers, ends = place(watch, paths, rules.outputs)
        step = {"layers": layers, "ends": ends, "momentum": rules.momentum}
        quantize_layers(network, **step)
        calibrate(network, run, first, batches, rules)
    return [*steps, {"type": "quantize_layers", **step}]


def fold_all(network, run, batch):
    """Folds every batch normalisation that follows a convolution, and checks that the answers stay (list of steps)."""
    with Watch(network).watching() as watch:
        before = flat(run(batch))
    pairs = followers(watch)
    if not pairs:
        return []
    fold_batch_norm(network, pairs)
    for old, new in zip(before, flat(run(batch)), strict=True):
        apart = float(np.abs(new - old).max(initial=0)) / max(1.0, float(np.abs(old).max(initial=0)))
        if not apart <= FOLDING_TOLERANCE:
            raise ConfigError(
                f"with batch normalisation put into the convolutions, the network answers otherwise (by {apart:.1e}): "
                "the output of a convolution goes elsewhere besides its normalisation"
            )
    return [{"type": "fold_batch_norm", "pairs": pairs}]


def flat(outputs):
    """Tensors, however nested, as a list of arrays."""
    return [value.numpy() for value in paddle.utils.flatten(outputs)]


def calibrate(network, run, first, rest, rules):
    """Sets every range: of weights by themselves, of activations by what passes.

    Args:
        network (nn.Layer): with quantised layers.
        run (Callable): runs the network on one batch.
        first (object): a batch.
        rest (iterator): the batches after it.
        rules (Rules): how many batches, and what range to take of what they show.
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
    """Gives each quantiser an observer inside of the block."""
    for quantizer in found.values():
        quantizer.observer = Observer(rules.percentile)
    try:
        yield
    finally:
        for quantizer in found.values():
            quantizer.observer = None


def prediction_of(model):
    """A function from a batch (dict of arrays) to what `predict` answers."""
    names = [name for name in inspect.signature(model.predict).parameters if name in model.inputs]
    return lambda batch: model.predict(*(paddle.to_tensor(batch[name]) for name in names))
