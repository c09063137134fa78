"""Encoding of texts: vectors of a text and of its tokens, from layers of an encoder."""

import numpy as np

from common.inference.task import Task
from common.inference.tasks.embedding import DIGITS, SHOWN

TOKENS = "tokens"  # an output of this name, or one that begins so, has a vector for each token


def is_of_tokens(layer):
    """True for the name of an output with a vector for each token, such as `tokens:-2`."""
    return layer.partition(":")[0] == TOKENS


class TextEncoding(Task):
    """Vectors of each text or pair of texts, one for each output of the model.

    Args:
        column (str): column of the text in tables of a user.
    """

    input = "text"

    def __init__(self, column=None):
        self.column = column

    def read_line(self, line):
        """The sample of one line of input: a text, or two with a tab between."""
        first, tab, second = line.partition("\t")
        return {"text_a": first, "text_b": second} if tab else {"text_a": line}

    def records(self, outputs, samples, labels, threshold):
        """The vectors of each text.

        Args:
            outputs (dict[str, ndarray]): by the name of the layer [N, H], of tokens [N, T, H].
            samples (list[dict]): with `length`, the number of tokens.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each text one record, layer -> list of H numbers, of tokens a list of such lists.
        """
        rows = [vectors_of(outputs, row, int(sample["length"])) for row, sample in enumerate(samples)]
        return [[{name: np.round(x.astype(np.float64), DIGITS).tolist() for name, x in row.items()}] for row in rows]

    def line(self, sample, records):
        """The size of each vector, its first numbers and the text; an empty line for an empty text."""
        if not records:
            return ""
        parts = []
        for name, value in records[0].items():
            array = np.asarray(value)
            numbers = " ".join(f"{one:.4f}" for one in array.reshape(-1)[:SHOWN])
            parts.append(f"{name} {' x '.join(map(str, array.shape))}: {numbers} ...")
        return f"{sample['text_a']}: {'; '.join(parts)}"


def vectors_of(outputs, row, length):
    """The vectors of a row of a batch without the padding, float32: layer -> [H], of tokens [T, H].

    Args:
        outputs (dict[str, ndarray]): see `TextEncoding.records`.
        row (int): number of the text.
        length (int): T.
    """
    return {
        name: np.asarray(value[row][:length] if is_of_tokens(name) else value[row], np.float32)
        for name, value in outputs.items()
    }
