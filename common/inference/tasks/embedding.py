"""Embeddings: an image as a vector, to be compared with those of other images."""

import numpy as np

from common.inference.task import Task

DIGITS = 6  # of each number after the point
SHOWN = 4


class Embedding(Task):
    """An embedding of each image, of length 1 where the model normalizes; inner products are then cosines."""

    columns = {"embedding": "embedding"}

    def records(self, outputs, samples, labels, threshold):
        """The vector of each image.

        Args:
            outputs (dict[str, ndarray]): `embedding` [N, E].
            samples (list[dict]): not used.
            labels (list[str] | None): not used; the classes of the training data are not those to find.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each image one record with `embedding`, a list of E numbers.
        """
        rows = np.asarray(outputs["embedding"], np.float64)
        return [[{"embedding": [round(value, DIGITS) for value in row]}] for row in rows.tolist()]

    def line(self, sample, records):
        """The size of the vector and its first numbers: `cat.jpg: 256 numbers, 0.0123 -0.0456 0.0789 0.0012 ...`."""
        vector = records[0]["embedding"]
        numbers = " ".join(f"{value:.4f}" for value in vector[:SHOWN])
        return f"{sample['name']}: {len(vector)} numbers, {numbers}{' ...' if len(vector) > SHOWN else ''}"
