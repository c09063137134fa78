"""Batches of utterances: padding of features, spectrograms, texts and samples to the longest."""

import numpy as np

from common.data.transform import Transform
from common.errors import ConfigError

FRAMES = ("features", "mel", "linear")  # whose lengths are rounded up


class PadSpeech(Transform):
    """Zero-pads the utterances of a batch to the longest one.

    `features`, `mel` and `linear` [T, F], `labels` and `ids` [U] and `audio` [S] are padded; the true lengths are
    unchanged.

    Args:
        multiple (int): the number of frames is rounded up to a multiple of it, which reduces the number of shapes.
    """

    per_batch = True

    def __init__(self, multiple=1):
        if multiple < 1:
            raise ConfigError(f"multiple is {multiple}; it must be at least 1")
        self.multiple = multiple

    def __call__(self, samples, rng):
        for key in ("features", "mel", "linear", "labels", "ids", "audio"):
            multiple = self.multiple if key in FRAMES else 1
            arrays = [sample[key] for sample in samples if key in sample]
            longest = -(-max((len(array) for array in arrays), default=0) // multiple) * multiple
            for sample in samples:
                if key in sample:
                    array = sample[key]
                    sample[key] = np.zeros((longest, *array.shape[1:]), array.dtype)
                    sample[key][: len(array)] = array
        return samples
