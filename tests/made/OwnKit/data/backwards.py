"""A sampler that begins at the end."""

import numpy as np

from common.data.samplers import EpochSampler


class Backwards(EpochSampler):
    """Every sample once an epoch, the last one first."""

    def order(self, epoch):
        """Indexes of the epoch's samples."""
        return np.sort(super().order(epoch))[::-1]
