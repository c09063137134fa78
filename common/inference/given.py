"""Samples of objects in memory."""

import numpy as np

from common.errors import DataError


def as_sample(task, given):
    """The sample that the transforms of a task read, of an object in memory.

    Args:
        task (Task): whose `input` says what the object is.
        given (object): a text; a path, an array (RGB uint8 [H, W, 3]; of a video [T, H, W, 3]) or a PIL image;
            a path, or points [P, D]; a path, or (float32 [T], rate in Hz); a dict of features by name;
            a dict by column; for a tracker a dict of `video` and the first `box`.

    Raises:
        DataError: a text is empty or no text, an array is no image.
    """
    if task.input == "text":
        if not isinstance(given, str):
            raise DataError(f"error[D131] a text is a str, not {type(given).__name__}: {str(given)[:40]!r}")
        if not given.strip():
            raise DataError("error[D126] the text is empty")
        return {"path": "text", "name": "text", **task.read_line(given)}
    if task.input == "table":
        return {"path": "row", "name": "1", "row": dict(given)}
    if task.sequential:
        if not isinstance(given, dict) or set(given) != {"video", "box"}:
            raise DataError("error[D113] a tracker is given a dict of video (a path or frames) and box (x, y, w, h)")
        sample = {"path": str(given["video"]), "name": str(given["video"])}
        if isinstance(given["video"], np.ndarray):
            sample = {"path": "array", "name": "array", "clip": given["video"]}
        return sample | {"box": [float(value) for value in given["box"]]}
    if task.input == "video" and isinstance(given, np.ndarray):
        if given.ndim != 4 or given.dtype != np.uint8 or given.shape[3] != 3 or not given.size:
            found = f"{given.dtype} {list(given.shape)}"
            raise DataError(f"error[D102] a video is an array of uint8 [frames, height, width, 3] in RGB, not {found}")
        return {"path": "array", "name": "array", "clip": given}
    if task.input == "features" and isinstance(given, dict):
        return {"path": "arrays", "name": "arrays", **given}
    if task.input == "points" and isinstance(given, np.ndarray):
        return {"path": "array", "name": "array", "points": given}
    if isinstance(given, tuple):
        audio, rate = given
        return {"path": "array", "name": "array", "audio": np.asarray(audio, np.float32), "rate": int(rate)}
    if hasattr(given, "convert"):  # an image of PIL
        given = np.asarray(given.convert("RGB"))
    if isinstance(given, np.ndarray):
        known = given.ndim == 3 and given.size and (given.dtype == np.uint8 or given.shape[2] > 4)  # many channels
        if not known or given.shape[2] in (1, 2, 4):
            found = f"{given.dtype} {list(given.shape)}"
            raise DataError(f"error[D102] an image is an array of uint8 [height, width, 3] in RGB, not {found}")
        return {"path": "array", "name": "array", "image": given}
    return {"path": str(given), "name": str(given)}
