"""Brings recordings to one loudness and features to mean 0 and variance 1.

Shapes in this file:
    T frames, F features of a frame.
"""

import itertools
from pathlib import Path

import numpy as np

from common.data.refusals import bad_file
from common.data.transform import Transform
from common.errors import ConfigError, DataError
from common.weights.safetensors import decode_arrays, encode_arrays, write_atomically

LEAST = 1e-5  # of a deviation that is divided by: a feature that never changes becomes 0


class NormalizeVolume(Transform):
    """Brings a recording to one root mean square; one that is silent stays.

    Args:
        target_db (float): decibels of what comes out, 0 is full scale; samples beyond it are cut off.
        max_gain_db (float): a recording that would need more is amplified by so much.
    """

    def __init__(self, target_db=-20.0, max_gain_db=60.0):
        self.target_db, self.max_gain_db = target_db, max_gain_db

    def __call__(self, sample, rng):
        audio = sample["audio"]
        power = float(np.mean(np.square(audio, dtype=np.float64)))
        if power > 0:
            gain = min(self.target_db - 10 * np.log10(power), self.max_gain_db)
            sample["audio"] = np.clip(audio * np.float32(10 ** (gain / 20)), -1.0, 1.0)
        return sample


class NormalizeUtterance(Transform):
    """Takes the mean of each feature over the recording off, and divides by its deviation.

    Args:
        variance (bool): divides; else the mean alone is taken off.
    """

    def __init__(self, variance=True):
        self.variance = variance

    def __call__(self, sample, rng):
        features = sample["features"].astype(np.float64)
        deviation = features.std(0) if self.variance else 1.0
        sample["features"] = standardized(features, features.mean(0), deviation)
        return sample


class NormalizeFeatures(Transform):
    """Takes the mean of each feature over the training recordings off, and divides by its deviation.

    What was learned is in `file`, and travels with the weights and with the exported model.

    Args:
        file (str): where what was learned is kept; made by `tools/fit.py`, or by training where it is not there.
        utterances (int): recordings to learn from, drawn at random; 0 takes all.
    """

    files = ("file",)
    learns = True

    def __init__(self, file, utterances=2000):
        if utterances < 0:
            raise ConfigError(f"utterances is {utterances}; it is 0 (all) or more")
        self.file, self.utterances = Path(file), utterances
        self.kept = None

    def __call__(self, sample, rng):
        sample["features"] = self.normalized(sample["features"], sample.get("path", "a recording"))
        return sample

    def normalized(self, features, name="the stream"):
        """float32 [T, F] of features [T, F].

        Raises:
            BadSample: D148, they have not the F that was learned from.
            DataError: nothing was learned yet.
        """
        self.load()
        if features.shape[1:] != self.kept["mean"].shape:
            message = f"{features.shape[1]} features a frame; {self.file} was learned from {len(self.kept['mean'])}"
            raise bad_file("D148", name, message, fix="make it anew with tools/fit.py --force, or name another file")
        return standardized(features.astype(np.float64), self.kept["mean"], self.kept["deviation"])

    def fitted(self):
        """Whether the file is there."""
        return self.kept is not None or self.file.is_file()

    def fit(self, batches):
        """Learns from batches of one recording each (dicts with `features` [1, T, F]), and writes the file.

        Raises:
            DataError: there is no frame.
        """
        total, square, frames = 0.0, 0.0, 0
        for batch in itertools.islice(batches, self.utterances or None):
            features = batch["features"][0].astype(np.float64)
            total, square, frames = total + features.sum(0), square + (features**2).sum(0), frames + len(features)
        if not frames:
            raise DataError(f"error[D117] {self.file}: there is no frame to learn from")
        mean = total / frames
        deviation = np.sqrt(np.maximum(square / frames - mean**2, 0.0))
        self.kept = {"mean": mean, "deviation": deviation, "frames": np.array([frames], np.int64)}
        write_atomically(self.file, encode_arrays(self.kept))

    def load(self):
        """Reads the file, once.

        Raises:
            DataError: it is not there, or holds something else.
        """
        if self.kept is not None:
            return
        if not self.file.is_file():
            raise DataError(f"error[D104] {self.file}: nothing is learned yet\n  fix: tools/fit.py -c CONFIG")
        try:
            found = decode_arrays(self.file.read_bytes())
        except ValueError as error:
            raise DataError(f"error[D112] {self.file}: {error}\n  fix: make it anew with tools/fit.py") from None
        if set(found) != {"mean", "deviation", "frames"} or found["mean"].shape != found["deviation"].shape:
            raise DataError(f"error[D113] {self.file}: holds {', '.join(found)}, not what NormalizeFeatures learns")
        self.kept = found


def standardized(features, mean, deviation):
    """(features - mean) / deviation, float32; a feature that never changes becomes 0."""
    return ((features - mean) / np.where(np.asarray(deviation) > LEAST, deviation, 1.0)).astype(np.float32)
