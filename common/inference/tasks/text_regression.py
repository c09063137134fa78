"""Text regression: a number for a text, or for a pair of texts."""

import numpy as np

from common.errors import DataError
from common.inference.task import Task


class TextRegression(Task):
    """Text regression: the number of each text, or of each pair of texts.

    Args:
        column (str): column of the text in tables of a user, besides the usual names.
    """

    input = "text"
    columns = {"value": "value"}

    def __init__(self, column=None):
        self.column = column

    def read_line(self, line):
        """The sample of one line of input: a text, or two with a tab between; raises DataError for more.

        A third field is mostly the number of a file of training without its header, and would be read as text.
        """
        first, tab, second = line.partition("\t")
        if "\t" in second:
            fix = "leave the others out, or name the columns in a first line, such as text_a<tab>text_b<tab>label"
            raise DataError(f"{line.count(chr(9)) + 1} fields; this model reads one text or two: {fix}")
        return {"text_a": first, "text_b": second} if tab else {"text_a": line}

    def beside(self, labels):
        """The one record of a sample is in its row."""
        return 1

    def records(self, outputs, samples, labels, threshold):
        """The number of each text.

        Args:
            outputs (dict[str, ndarray]): `value` float32 [N].
            samples (list[dict]): not used.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each text one record with `value`.
        """
        return [[{"value": round(value, 4)}] for value in np.asarray(outputs["value"], np.float64).reshape(-1).tolist()]

    def line(self, sample, records):
        """The number and the text, with tabs between; an empty line for an empty text."""
        if not records:
            return ""
        texts = [sample[key] for key in ("text_a", "text_b") if key in sample]
        return "\t".join([f"{records[0]['value']:.4f}", *texts])
