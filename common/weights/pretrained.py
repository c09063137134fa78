"""Puts named arrays into a model, and says what fitted and what did not."""

import dataclasses

import numpy as np

from common.errors import ConfigError
from common.log import logger

LISTED = 10


@dataclasses.dataclass(frozen=True)
class Report:
    """What a set of weights has for a model.

    Args:
        loaded (list[str]): in both, with the same shape.
        mismatched (list[tuple]): (name, shape in the file, shape in the model).
        missing (list[str]): only in the model.
        unexpected (list[str]): only in the file.
    """

    loaded: list
    mismatched: list
    missing: list
    unexpected: list

    def complete(self):
        """Whether file and model agree in every name and shape."""
        return not (self.mismatched or self.missing or self.unexpected)

    def lines(self, most=LISTED):
        """What does not fit, one line each, at most `most` and a line that counts the rest."""
        found = [f"{name}: {_x(there)} in the file, {_x(here)} in the model" for name, there, here in self.mismatched]
        found += [f"{name}: not in the file" for name in self.missing]
        found += [f"{name}: not in the model" for name in self.unexpected]
        return found if len(found) <= most else [*found[: most - 1], f"... and {len(found) - most + 1} more"]

    def summary(self):
        """One line: how many were loaded, and why the rest is not."""
        total = len(self.loaded) + len(self.mismatched) + len(self.missing)
        parts = [f"loaded {len(self.loaded)}/{total}"]
        for prefix, there, here in _grouped(self.mismatched):
            parts.append(f"{prefix} reinitialised because shapes differ ({_difference(there, here)})")
        if self.missing:
            parts.append(f"not in the file: {_short(self.missing)}")
        if self.unexpected:
            parts.append(f"not in the model: {_short(self.unexpected)}")
        return "; ".join(parts)


def match(arrays, shapes):
    """Compares weights with a model; no name is guessed, nothing is transposed.

    Args:
        arrays (dict): name -> array.
        shapes (dict): name -> shape the model wants.
    """
    both = [name for name in shapes if name in arrays]
    return Report(
        loaded=[name for name in both if tuple(arrays[name].shape) == tuple(shapes[name])],
        mismatched=[
            (name, tuple(arrays[name].shape), tuple(shapes[name]))
            for name in both
            if tuple(arrays[name].shape) != tuple(shapes[name])
        ],
        missing=[name for name in shapes if name not in arrays],
        unexpected=[name for name in arrays if name not in shapes],
    )


def check(arrays, shapes, source, strict):
    """The report of :func:`match`, or an error.

    Args:
        source (str): where the weights come from, for the message.
        strict (bool): whether everything must fit (`weights=`), or just something (`pretrained=`).

    Raises:
        ConfigError: strict and not everything fits, or nothing fits at all.
    """
    report = match(arrays, shapes)
    total = len(shapes)
    if not report.loaded:
        raise ConfigError(
            f"{source}: not one of the model's {total} arrays is in it with the right shape\n"
            f"  the file has {_short(sorted(arrays)) or 'nothing'}\n  the model has {_short(list(shapes))}"
        )
    if strict and not report.complete():
        raise ConfigError(
            f"{source}: does not fit the model ({len(report.loaded)} of {total} fit)\n  "
            + "\n  ".join(report.lines())
            + "\n  fix: the configuration the weights were made with, or -o pretrained=PATH to take what fits"
        )
    return report


def apply(model, arrays, source, strict):
    """Sets the parameters and buffers of a model.

    Args:
        model (nn.Layer): the model.
        arrays (dict): name -> array, by the model's structured names (`backbone.conv.weight`), or by others that its
            `convert_weights(arrays)` knows; or all of them by the names that a program has for them (`conv2d_0.w_0`),
            such as those of an exported model.
        source (str): where they come from, for messages.
        strict (bool): see :func:`check`.

    Returns:
        Report: what was loaded; it is also logged unless everything fitted.
    """
    convert = getattr(model, "convert_weights", None)
    arrays = convert(arrays) if convert else arrays
    wanted = model.state_dict()
    arrays = by_structure(arrays, {getattr(value, "name", name): name for name, value in wanted.items()})
    report = check(arrays, {name: tuple(value.shape) for name, value in wanted.items()}, source, strict)
    for name in report.loaded:
        wanted[name].set_value(_as(arrays[name], wanted[name]))
    if not report.complete():
        logger.info("%s: %s", source, report.summary())
    return report


def by_structure(arrays, structured):
    """Arrays that all go by the names of a program, under those of the model; others as they are.

    Args:
        arrays (dict): name -> array.
        structured (dict): name in a program -> structured name.
    """
    if not arrays or not all(name in structured for name in arrays):
        return arrays
    return {structured[name]: array for name, array in arrays.items()}


def _as(array, tensor):
    """The array in the dtype of the tensor (bfloat16 bits, kept as uint16, are widened where that is wanted)."""
    kind = str(tensor.dtype).rpartition(".")[2]
    if kind == "bfloat16":
        if array.dtype == np.uint16:
            return np.ascontiguousarray(array)
        bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.ascontiguousarray(widened(array), np.dtype(kind))


def widened(array):
    """The bits of bfloat16, kept as uint16, as float32; other arrays as they are."""
    return (array.astype(np.uint32) << 16).view(np.float32) if array.dtype == np.uint16 else array


def _grouped(mismatched):
    """(prefix.*, shape there, shape here) of the mismatches, those of one part together."""
    groups = {}
    for name, there, here in mismatched:
        groups.setdefault(name.split(".")[0], []).append((name, there, here))
    for prefix, members in list(groups.items())[:3]:
        name, there, here = members[0]
        yield (f"{prefix}.*" if len(members) > 1 else name), there, here


def _difference(there, here):
    """`80 -> 3` where one axis differs, else both shapes."""
    axes = [(a, b) for a, b in zip(there, here, strict=False) if a != b]
    if len(there) == len(here) and len(axes) == 1:
        return f"{axes[0][0]} -> {axes[0][1]}"
    return f"{_x(there)} -> {_x(here)}"


def _x(shape):
    return "x".join(map(str, shape)) or "scalar"


def _short(names, most=5):
    return ", ".join(map(str, names[:most])) + (f", ... ({len(names)} in all)" if len(names) > most else "")
