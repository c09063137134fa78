"""Numeric columns that a network cannot use after scaling, such as a timestamp with the scale `none` or `log`."""

import numpy as np

from common.log import logger

ROWS = 32  # rows of a block that are needed to judge a column
LARGE = 1000.0  # magnitude of scaled numbers that is too far from 1
LEAST_SPREAD = 1e-3  # of the magnitude; below it a column is nearly constant


def warn_of_scale(names, values, scaled, scale, warned):
    """Warns, once for each column, of scaled numbers that are very large, or nearly constant though the values differ.

    Args:
        names (list[str]): of the columns.
        values (ndarray): float64 [N, D], NaN for missing ones.
        scaled (ndarray): the same after scaling, float32 [N, D].
        scale (str): the kind of scaling.
        warned (set[str]): the columns that need no further warning; extended.
    """
    for column, name in enumerate(names) if len(values) >= ROWS else ():
        here = ~np.isnan(values[:, column])
        if name in warned or not here.any():
            continue
        raw, used = values[here, column], scaled[here, column].astype(np.float64)
        largest, spread = np.abs(used).max(), np.ptp(used)
        constant = largest > 1 and spread < LEAST_SPREAD * largest and np.ptp(raw) > 0
        if largest > LARGE or constant:
            logger.warning(
                "column '%s': with scale '%s' its values, %.6g to %.6g, become %.6g to %.6g, %s; use scale standard or "
                "min_max, or subtract a start from a timestamp",
                *(name, scale, raw.min(), raw.max(), used.min(), used.max()),
                "nearly constant" if constant else "too large for a network",
            )
            warned.add(name)
