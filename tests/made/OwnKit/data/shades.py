"""Images of one shade of gray each."""

import numpy as np

from common.data.transform import random_for


class Shades:
    """Gray images in memory, with how bright they are.

    Args:
        length (int): number of images.
        seed (int): of their shades.
    """

    def __init__(self, length, seed):
        self.levels = random_for(seed).integers(0, 256, length)

    def __len__(self):
        return len(self.levels)

    def __getitem__(self, index):
        level = self.levels[index]
        return {"path": f"shade {index}", "image": np.full((20, 16, 3), level, np.uint8), "level": float(level) / 255}

    def image_of(self, path):
        """The image of a sample."""
        return self[int(path.split()[1])]["image"]
