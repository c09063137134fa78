"""Compares the outputs of two programs of one model."""

import numpy as np

from common.errors import KitError
from common.log import logger

ROWS_AT_MOST = 2000  # whose order is looked into
LABEL_MAP = "label_map"  # the output of class ids of pixels
UNDECIDED = -1  # in a golden label map: a second class is as good as the first, so that either is right


def differences(outputs, golden):
    """The largest difference of each output, relative to its largest golden value; infinite for another shape.

    Args:
        outputs (dict[str, ndarray]): of one program.
        golden (dict[str, ndarray]): of the other.
    """
    return {name: difference(outputs[name], expected, name == LABEL_MAP) for name, expected in golden.items()}


def difference(got, expected, is_label_map=False):
    """The same of one output; the rows of a table may come in another order where they are as good as equal."""
    if got.shape != expected.shape:
        return float("inf")
    if is_label_map:
        got = np.where(expected == UNDECIDED, expected, got)
    if got.ndim == 2 and got.shape[1] > 2 and len(got) <= ROWS_AT_MOST:
        got = rows_in_order_of(got, expected)
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    found = float(np.abs(got.astype("float64") - expected).max(initial=0.0)) / scale
    return found if np.isfinite(found) else float("inf")


def mark_undecided(golden, undecided):
    """The golden outputs with UNDECIDED in a label map where a second class is as good as the first.

    Args:
        golden (dict[str, ndarray]): of a model.
        undecided (dict[str, ndarray]): bool, of the same shape, for some of them.
    """
    return golden | {
        name: np.where(marks, UNDECIDED, golden[name]).astype(golden[name].dtype) for name, marks in undecided.items()
    }


def rows_in_order_of(got, expected):
    """The rows of [R, K], each moved to where it is nearest: of two equal scores either may come first."""
    left, order = np.arange(len(got)), []
    for row in expected:
        nearest = int(np.abs(got[left] - row).max(axis=1).argmin())
        order.append(left[nearest])
        left = np.delete(left, nearest)
    return got[np.array(order, int)]


def listed(found):
    """`boxes by 1.2e-06, num_boxes by 0.0e+00`"""
    return ", ".join(f"{name} by {value:.1e}" for name, value in found.items())


def prove(found, tolerance, what, raw=None):
    """Refuses a program whose outputs differ.

    Args:
        found (dict[str, float]): the largest difference of each output, see `common.inference.compare`.
        tolerance (float): what is allowed.
        what (str): the program, for messages.
        raw (Callable): gives the differences of the raw predictions, before boxes are chosen among equal scores.

    Raises:
        KitError: an output differs by more than the tolerance, and so do the raw predictions.
    """
    if all(value <= tolerance for value in found.values()):
        logger.info("the %s model equals the trained one: %s", what, listed(found))
        return
    rest = raw() if raw else {}
    if not rest or not all(value <= tolerance for value in rest.values()):
        raise KitError(
            f"the {what} model differs from the trained one: {listed(found | rest)} of the largest value "
            f"(export.tolerance is {tolerance:.0e}); nothing was written"
        )
    logger.warning(
        "the %s model differs (%s) in which of equal scores it takes; its raw predictions equal the trained one's: %s",
        *(what, listed(found), listed(rest)),
    )
