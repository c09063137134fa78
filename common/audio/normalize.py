"""Volume normalization of audio, mean and variance normalization of features (per utterance or global).

Shapes in this file:
    T frames, F features per frame.
"""

import itertools
from pathlib import Path

import numpy as np

from common.data.refusals import bad_file
from common.data.transform import Transform
from common.errors import ConfigError, DataError
from common.weights.safetensors import decode_arrays, encode_arrays, write_atomically

LEAST = 1e-5  # minimum standard deviation: a constant feature becomes 0


class NormalizeVolume(Transform):
    """RMS volume normalization; silent audio is unchanged.

    Args:
        target_db (float): RMS level of the output in dB relative to full scale; samples beyond it are clipped.
        max_gain_db (float): maximum gain in decibels.
    """

    alike = True

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
    """Cepstral mean and variance normalization (CMVN) per utterance.

    Args:
        variance (bool): also normalizes the variance.
    """

    alike = True

    def __init__(self, variance=True):
        self.variance = variance

    def __call__(self, sample, rng):
        features = sample["features"].astype(np.float64)
        deviation = features.std(0) if self.variance else 1.0
        sample["features"] = standardize(features, features.mean(0), deviation)
        return sample


class NormalizeFeatures(Transform):
    """Global mean and variance normalization of features, with statistics of the training data.

    The statistics are stored in `file` and copied to checkpoints and exports. A text file with `MEAN VARIANCE` of a
    feature in each line, as `global_mean_var` of DeepASR, is read as well.

    Args:
        file (str): the statistics file; created by `tools/fit.py`, or at the start of training if missing.
        utterances (int): number of random utterances to compute the statistics from; 0 for all.
    """

    files = ("file",)
    learns = True

    def __init__(self, file, utterances=2000):
        if utterances < 0:
            raise ConfigError(f"utterances is {utterances}; it must be 0 (all) or more")
        self.file, self.utterances = Path(file), utterances
        self.statistics = None

    def __call__(self, sample, rng):
        sample["features"] = self.normalize(sample["features"], sample.get("path", "a recording"))
        return sample

    def normalize(self, features, name="the stream"):
        """Normalizes features [T, F]; float32.

        Raises:
            BadSample: D148, F differs from the statistics.
            DataError: the statistics file is missing.
        """
        self.load()
        if features.shape[1:] != self.statistics["mean"].shape:
            count = len(self.statistics["mean"])
            message = f"{features.shape[1]} features per frame; {self.file} has statistics of {count}"
            raise bad_file("D148", name, message, fix="recreate it with tools/fit.py --force, or use another file")
        return standardize(features.astype(np.float64), self.statistics["mean"], self.statistics["deviation"])

    def is_fitted(self):
        """True if the statistics file exists."""
        return self.statistics is not None or self.file.is_file()

    def fit(self, batches):
        """Computes the statistics of batches of one utterance each (`features` [1, T, F]) and writes the file.

        Raises:
            DataError: there are no frames.
        """
        total, square, frames = 0.0, 0.0, 0
        for batch in itertools.islice(batches, self.utterances or None):
            features = batch["features"][0].astype(np.float64)
            total, square, frames = total + features.sum(0), square + (features**2).sum(0), frames + len(features)
        if not frames:
            raise DataError(f"error[D117] {self.file}: the training data has no frames")
        mean = total / frames
        deviation = np.sqrt(np.maximum(square / frames - mean**2, 0.0))
        self.statistics = {"mean": mean, "deviation": deviation, "frames": np.array([frames], np.int64)}
        write_atomically(self.file, encode_arrays(self.statistics))

    def load(self):
        """Reads the statistics file, once.

        Raises:
            DataError: the file is missing or malformed.
        """
        if self.statistics is not None:
            return
        if not self.file.is_file():
            raise DataError(f"error[D104] {self.file}: the statistics are missing\n  fix: tools/fit.py -c CONFIG")
        data = self.file.read_bytes()
        if data[8:9] != b"{":
            self.statistics = read_text_statistics(data, self.file)
            return
        try:
            found = decode_arrays(data)
        except ValueError as error:
            raise DataError(f"error[D112] {self.file}: {error}\n  fix: recreate it with tools/fit.py") from None
        if set(found) != {"mean", "deviation", "frames"} or found["mean"].shape != found["deviation"].shape:
            raise DataError(
                f"error[D113] {self.file}: contains {', '.join(found)}, expected the statistics of NormalizeFeatures"
            )
        self.statistics = found


def standardize(features, mean, deviation):
    """(features - mean) / deviation, float32; a constant feature becomes 0."""
    return ((features - mean) / np.where(np.asarray(deviation) > LEAST, deviation, 1.0)).astype(np.float32)


def read_text_statistics(data, path):
    """The statistics of lines `MEAN VARIANCE` (dict of float64 [F]), from the content of a file.

    Raises:
        DataError: names the line.
    """
    rows = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            mean, variance = (float(text) for text in line.split())
        except ValueError:
            mean, variance = np.nan, np.nan
        if not (np.isfinite(mean) and np.isfinite(variance) and variance >= 0):
            raise DataError(f"error[D112] {path}: line {number}: expected MEAN VARIANCE\n  fix: tools/fit.py makes it")
        rows.append((mean, variance))
    if not rows:
        raise DataError(f"error[D112] {path}: is empty\n  fix: recreate it with tools/fit.py")
    mean, variance = np.array(rows).T
    return {"mean": mean, "deviation": np.sqrt(variance)}
