"""The bare outputs of a model that has no other task: a record for each row, with the values of every output."""

import numpy as np

from common.inference.task import Task


class Tensors(Task):
    """The outputs as they are, for a model whose inputs the caller prepares."""

    input = "tensors"

    def records(self, outputs, samples, labels, threshold):
        """Each row of the batch as one record.

        Args:
            outputs (dict[str, ndarray]): [N, ...] each.
            samples (list[dict]): not used.
            labels (list[str]): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each row one record, {output name: nested lists}; a number that is not finite is None.

        Raises:
            ValueError: the outputs have different numbers of rows.
        """
        if len({value.shape[:1] for value in outputs.values()}) != 1:
            shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in outputs.items())
            raise ValueError(f"the outputs are not of the same rows: {shapes}")
        columns = {name: as_lists(np.asarray(value)) for name, value in outputs.items()}
        rows = len(next(iter(columns.values())))
        return [[{name: values[row] for name, values in columns.items()}] for row in range(rows)]


def as_lists(values):
    """Nested lists of an array's numbers, None for those that are not finite."""
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return values.tolist()
    return np.where(np.isfinite(values), values.astype(object), None).tolist()
