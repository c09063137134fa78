"""Loading named arrays into a model, with a report of missing, unexpected and mismatched parameters."""

import dataclasses

import numpy as np

from common.errors import ConfigError
from common.log import logger

LISTED = 10


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """The comparison of a set of weights with the parameters of a model.

    Args:
        loaded (list[str]): names in both with equal shapes.
        mismatched (list[tuple]): (name, shape in the file, shape in the model).
        missing (list[str]): names only in the model.
        unexpected (list[str]): names only in the file.
    """

    loaded: list
    mismatched: list
    missing: list
    unexpected: list

    def complete(self):
        """True if file and model agree in every name and shape."""
        return not (self.mismatched or self.missing or self.unexpected)

    def lines(self, most=LISTED):
        """The differences, one per line, at most `most` lines, the last of which counts the rest."""
        found = [f"{name}: {_x(there)} in the file, {_x(here)} in the model" for name, there, here in self.mismatched]
        found += [f"{name}: not in the file" for name in self.missing]
        found += [f"{name}: not in the model" for name in self.unexpected]
        return found if len(found) <= most else [*found[: most - 1], f"... and {len(found) - most + 1} more"]

    def summary(self):
        """One line: the number of loaded arrays, and the reasons for the others."""
        total = len(self.loaded) + len(self.mismatched) + len(self.missing)
        parts = [f"loaded {len(self.loaded)}/{total}"]
        for prefix, there, here in _grouped(self.mismatched):
            parts.append(f"{prefix} reinitialized because shapes differ ({_difference(there, here)})")
        if self.missing:
            parts.append(f"not in the file: {_short(self.missing)}")
        if self.unexpected:
            parts.append(f"not in the model: {_short(self.unexpected)}")
        return "; ".join(parts)


def match_arrays(arrays, shapes):
    """Compares weights with a model by exact name and shape; returns a :class:`LoadReport`.

    Args:
        arrays (dict): name -> array.
        shapes (dict): name -> shape in the model.
    """
    both = [name for name in shapes if name in arrays]
    return LoadReport(
        loaded=[name for name in both if tuple(arrays[name].shape) == tuple(shapes[name])],
        mismatched=[
            (name, tuple(arrays[name].shape), tuple(shapes[name]))
            for name in both
            if tuple(arrays[name].shape) != tuple(shapes[name])
        ],
        missing=[name for name in shapes if name not in arrays],
        unexpected=[name for name in arrays if name not in shapes],
    )


def check_fit(arrays, shapes, source, strict):
    """Compares weights with a model and raises if they do not fit; returns the report of :func:`match_arrays`.

    Args:
        arrays (dict): name -> array.
        shapes (dict): name -> shape in the model.
        source (str): the origin of the weights, for messages.
        strict (bool): requires every array to match (`weights=`), not just one (`pretrained=`).

    Raises:
        ConfigError: no array matches, or with `strict` not all do.
    """
    report = match_arrays(arrays, shapes)
    total = len(shapes)
    if not report.loaded:
        raise ConfigError(
            f"{source}: none of the model's {total} arrays is in the file with the right shape\n"
            f"  the file has {_short(sorted(arrays)) or 'no arrays'}\n  the model has {_short(list(shapes))}"
        )
    if strict and not report.complete():
        raise ConfigError(
            f"{source}: does not match the model ({len(report.loaded)} of {total} arrays match)\n  "
            + "\n  ".join(report.lines())
            + "\n  fix: use the configuration the weights were trained with, or -o pretrained=PATH to load what matches"
        )
    return report


def load_arrays(model, arrays, source, strict, unneeded=()):
    """Loads the parameters and buffers of a model.

    Args:
        model (nn.Layer): the model.
        arrays (dict): name -> array, by the model's structured names (`backbone.conv.weight`), by names that its
            `convert_weights(arrays)` converts, or all by the parameter names of a program (`conv2d_0.w_0`), such as
            those of an exported model.
        source (str): the origin of the weights, for messages.
        strict (bool): see :func:`check_fit`.
        unneeded (list[str]): names in the model that keep their values, and are not compared.

    Returns:
        LoadReport: what was loaded; it is logged unless everything matched.
    """
    convert = getattr(model, "convert_weights", None)
    arrays = convert(arrays) if convert else arrays
    wanted = {name: value for name, value in model.state_dict().items() if name not in unneeded}
    arrays = to_structured_names(arrays, {getattr(value, "name", name): name for name, value in wanted.items()})
    report = check_fit(arrays, {name: tuple(value.shape) for name, value in wanted.items()}, source, strict)
    for name in report.loaded:
        wanted[name].set_value(_cast(arrays[name], wanted[name]))
    if not report.complete():
        logger.info("%s: %s", source, report.summary())
    return report


def to_structured_names(arrays, structured):
    """Renames arrays from parameter names of a program to structured names; unchanged unless all names are such.

    Args:
        arrays (dict): name -> array.
        structured (dict): name in a program -> structured name.
    """
    if not arrays or not all(name in structured for name in arrays):
        return arrays
    return {structured[name]: array for name, array in arrays.items()}


def _cast(array, tensor):
    """Casts an array to the dtype of a tensor; bfloat16 is represented by its bits as uint16."""
    kind = str(tensor.dtype).rpartition(".")[2]
    if kind == "bfloat16":
        if array.dtype == np.uint16:
            return np.ascontiguousarray(array)
        bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.ascontiguousarray(widen_bfloat16(array), np.dtype(kind))


def widen_bfloat16(array):
    """Converts bfloat16 bits stored as uint16 to float32; other arrays are returned unchanged."""
    return (array.astype(np.uint32) << 16).view(np.float32) if array.dtype == np.uint16 else array


def _grouped(mismatched):
    """(prefix.*, shape in the file, shape in the model) of the mismatches, grouped by part of the model."""
    groups = {}
    for name, there, here in mismatched:
        groups.setdefault(name.split(".")[0], []).append((name, there, here))
    for prefix, members in list(groups.items())[:3]:
        name, there, here = members[0]
        yield (f"{prefix}.*" if len(members) > 1 else name), there, here


def _difference(there, here):
    """`80 -> 3` if one axis differs, otherwise both shapes."""
    axes = [(a, b) for a, b in zip(there, here, strict=False) if a != b]
    if len(there) == len(here) and len(axes) == 1:
        return f"{axes[0][0]} -> {axes[0][1]}"
    return f"{_x(there)} -> {_x(here)}"


def _x(shape):
    return "x".join(map(str, shape)) or "scalar"


def _short(names, most=5):
    return ", ".join(map(str, names[:most])) + (f", ... ({len(names)} in all)" if len(names) > most else "")
