"""Changes that the arrays of later Paddle programs need beside new names: they are laid out otherwise.

Shapes in this file:
    C classes, A anchors per cell, O output channels of a layer: the last axis of a linear layer's weight [I, O] and of
    a bias [O], the first one of a convolution's [O, I, h, w].
"""

import dataclasses
import functools
import re

import numpy as np

from .detector_names import DetectorOrder


@dataclasses.dataclass(frozen=True)
class OfficialOrder(DetectorOrder):
    """The sort order of names of which some belong to arrays that are changed before they are given to our layers.

    Args:
        changes (tuple): (pattern of a name, function); `function(name, arrays)` gives the new array, or None to leave
            it out.
        values (int): numbers that an anchor predicts beside the classes, in the layer that `scores` names.
        anchors (int): A of that layer; 0 to count them by `deltas`.
    """

    changes: tuple = ()
    values: int = 0
    anchors: int = 0

    def count_classes(self, arrays):
        """The number of classes of the file, without the background."""
        if not self.scores:
            return len(arrays[self.sort_names(arrays)[-1]])
        if self.anchors:
            return len(arrays[self.scores]) // self.anchors - self.values
        return super().count_classes(arrays)

    def rename(self, arrays, shapes):
        """See :meth:`common.weights.name_order.NameOrder.rename`."""
        changed = dict(arrays)
        for name in arrays:
            for pattern, function in self.changes:
                if re.fullmatch(pattern, name):
                    changed[name] = function(name, changed)
        return super().rename({name: array for name, array in changed.items() if array is not None}, shapes)


def on_outputs(function):
    """A function of (array [O, ...], name, arrays) as one of (name, arrays) for arrays of any layer."""

    @functools.wraps(function)
    def changed(name, arrays):
        array = arrays[name]
        linear = array.ndim == 2
        array = function(np.ascontiguousarray(array.T) if linear else array, name, arrays)
        return np.ascontiguousarray(array.T) if linear else array

    return changed


@on_outputs
def background_first(array, name, arrays):
    """Scores of one anchor whose last class is the background, which comes first in ours."""
    return np.concatenate([array[-1:], array[:-1]])


def background_first_of_priors(scores, deltas):
    """The same for several anchors per cell; the names of the layers of scores and of deltas, which have A * 4."""

    @on_outputs
    def changed(array, name, arrays):
        count = len(arrays[name.replace(scores, deltas)]) // 4
        each = array.reshape(count, -1, *array.shape[1:])
        return np.concatenate([each[:, -1:], each[:, :-1]], axis=1).reshape(array.shape)

    return changed


def zeros_first(values):
    """Outputs of the background, which the file lacks and no prediction reads: as many zeros before the others."""

    @on_outputs
    def changed(array, name, arrays):
        return np.concatenate([np.zeros_like(array[:1]).repeat(values, axis=0), array])

    return changed


def ratios_first(ratios):
    """Anchors of every aspect ratio in each size as anchors of every size in each ratio.

    Args:
        ratios (int): number of aspect ratios.
    """

    @on_outputs
    def changed(array, name, arrays):
        values = 4 if re.search("delta|reg", name) else 0
        sizes = anchors_of(name, arrays, values) // ratios
        each = array.reshape(sizes, ratios, -1, *array.shape[1:])
        return np.ascontiguousarray(each.swapaxes(0, 1)).reshape(array.shape)

    return changed


def anchors_of(name, arrays, values):
    """A of a layer that predicts boxes, or of the one that predicts the scores beside it."""
    if not values:
        name = name.replace("score", "delta").replace("cls", "reg")
    return len(arrays[re.sub(r"(weight|bias)$", "bias", name)]) // 4


def blocks_of_inputs(order):
    """Input channels of a 1x1 or 3x3 convolution in blocks, in another order of these.

    Args:
        order (list[list[int]]): of each block of ours, (first, last) in parts of the channels of the file, numbers
            between 0 and 1.
    """

    def changed(name, arrays):
        array = arrays[name]
        count = array.shape[1]
        parts = [array[:, round(first * count) : round(last * count)] for first, last in order]
        return np.ascontiguousarray(np.concatenate(parts, axis=1))

    return changed


def absorbed(name, arrays):
    """The bias of a convolution that ours lacks: taken from the mean of the normalization behind it, then left out."""
    mean = name.replace("_conv.bias", "_batch_norm._mean")
    arrays[mean] = (arrays[mean] - arrays[name]).astype(arrays[mean].dtype)


def other_epsilon(theirs, ours):
    """The variance of a normalization whose epsilon is another one in ours."""

    def changed(name, arrays):
        return (arrays[name] + (theirs - ours)).astype(arrays[name].dtype)

    return changed
