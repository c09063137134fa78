"""A transform with a file of its own."""

from pathlib import Path

import numpy as np

from common.data.transform import Transform


class Dim(Transform):
    """Multiplies an image by a factor.

    Args:
        file (str): holds the factor.
    """

    files = ("file",)

    def __init__(self, file):
        self.factor = float(Path(file).read_text(encoding="utf-8"))

    def __call__(self, sample, rng):
        sample["image"] = (sample["image"] * self.factor).round().astype(np.uint8)
        return sample
