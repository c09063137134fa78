"""Samples of objects in memory."""

import numpy as np

from common.errors import DataError


def as_sample(task, given):
    """The sample that the transforms of a task read, of an object in memory.

    Args:
        task (Task): whose `input` says what the object is.
        given (object): a text; a path, an array (RGB uint8 [H, W, 3]) or a PIL image; a path, or (float32 [T], rate
            in Hz); a dict by column.

    Raises:
        DataError: a text is empty.
    """
    if task.input == "text":
        if not str(given).strip():
            raise DataError("error[D126] the text is empty")
        return {"path": "text", "name": "text", **task.read_line(str(given))}
    if task.input == "table":
        return {"path": "row", "name": "1", "row": dict(given)}
    if isinstance(given, tuple):
        audio, rate = given
        return {"path": "array", "name": "array", "audio": np.asarray(audio, np.float32), "rate": int(rate)}
    if hasattr(given, "convert"):  # an image of PIL
        given = np.asarray(given.convert("RGB"))
    if isinstance(given, np.ndarray):
        return {"path": "array", "name": "array", "image": given}
    return {"path": str(given), "name": str(given)}
