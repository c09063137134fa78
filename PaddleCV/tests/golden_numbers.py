"""Reads the reference outputs of PaddlePaddle 1.8.5 operators in golden/*.json."""

import json
import pathlib

import numpy as np


def golden(name):
    """The arrays of golden/NAME.json by name."""
    text = (pathlib.Path(__file__).parent / "golden" / f"{name}.json").read_text(encoding="utf-8")
    return {
        key: np.array(entry["values"], entry["dtype"]).reshape(entry["shape"])
        for key, entry in json.loads(text).items()
    }
