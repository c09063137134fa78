"""A task: how bright an image is, in a word and a number."""

import numpy as np

from common.inference.task import Task


class Brightness(Task):
    """Whether an image is dark or bright.

    Args:
        border (float): what is brighter is called bright.
        words (list[str]): for dark and bright.
    """

    def __init__(self, border=0.5, words=("dark", "bright")):
        self.border, self.words = border, words

    def records(self, outputs, samples, labels, threshold):
        """One record an image: `label`, `level`, `score`, how far it is from the border."""
        return [[self.record(level)] for level in np.asarray(outputs["level"], np.float64).tolist()]

    def record(self, level):
        """The record of one image."""
        word, distance = self.words[level > self.border], abs(level - self.border)
        return {"label": word, "level": round(level, 4), "score": round(distance, 4)}

    def draw(self, image, records):
        """A copy of the image with a red line at the bottom."""
        image = image.copy()
        image[-1] = (255, 0, 0)
        return image
