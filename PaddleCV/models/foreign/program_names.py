"""The arrays of inference models of PaddlePaddle 2.x, in the order in which their programs use them.

Names such as `conv2d_394.w_0` say nothing of the network, but a program uses its parameters in the order of the layers,
and so do ours. Convolutions whose normalization was joined into them, weight and bias, get one that changes nothing.
"""

import dataclasses
import re

import numpy as np

from common.errors import ConfigError
from common.weights.name_order import NameOrder

NORMALIZATION = re.compile(r"batch_norm")
EPSILON = 1e-5


@dataclasses.dataclass(frozen=True)
class ProgramOrder(NameOrder):
    """The order of a program: that of the file."""

    words: str = ""

    def sort_names(self, arrays):
        """The names in their order in the file."""
        return list(arrays)

    def rename(self, arrays, shapes):
        """See :meth:`NameOrder.rename`."""
        theirs, found, ours = list(arrays), {}, list(shapes)
        place = 0
        for name in ours:
            if name in found:
                continue
            if place == len(theirs):
                raise ConfigError(f"the file has {len(theirs)} arrays, and none for {name}")
            given, layer = theirs[place], name.rpartition(".")[0]
            if f"{layer}._variance" in shapes and not NORMALIZATION.match(given):
                found |= joined(layer, arrays[given])
                if shapes[name] != arrays[given].shape:
                    raise ConfigError(f"{given} has shape {list(arrays[given].shape)}, {name} {list(shapes[name])}")
            elif tuple(arrays[given].shape) != tuple(shapes[name]):
                raise ConfigError(f"{given} has shape {list(arrays[given].shape)}, but {name} has {list(shapes[name])}")
            else:
                found[name] = arrays[given]
            place += 1
        if place < len(theirs):
            raise ConfigError(f"the file has {len(theirs)} arrays, the model takes {place}: {theirs[place]} is left")
        return {name: found[name] for name in ours}


def joined(layer, bias):
    """The float32 arrays of a normalization that adds a bias and changes nothing else."""
    one = np.ones_like(bias)
    return {
        f"{layer}.weight": one,
        f"{layer}.bias": bias,
        f"{layer}._mean": 0 * one,
        f"{layer}._variance": one * np.float32(1 - EPSILON),
    }


PROGRAM = ProgramOrder()
