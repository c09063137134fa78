"""Changes recordings at random: speed, loudness, place in time; and features: SpecAugment.

Shapes in this file:
    S samples, T frames, F features of a frame.
"""

import numpy as np

from common.audio.reading import resample
from common.data.transform import Transform
from common.errors import ConfigError


class ChangeSpeed(Transform):
    """Plays a recording faster or slower, pitch included (Ko et al., Audio augmentation for speech recognition, 2015).

    Args:
        speeds (list[float]): one is drawn; 1.1 makes S samples S / 1.1.
    """

    augments = True

    def __init__(self, speeds=(0.9, 1.0, 1.1)):
        if not speeds or not all(0.2 <= speed <= 5 for speed in speeds):
            raise ConfigError(f"speeds is {list(speeds)}; it is a list of numbers from 0.2 to 5")
        self.speeds = list(speeds)

    def __call__(self, sample, rng):
        speed = self.speeds[rng.integers(len(self.speeds))]
        if speed != 1:
            sample["audio"] = changed_speed(sample["audio"], speed)
            sample["duration"] = len(sample["audio"]) / sample["rate"]
        return sample


class ChangeVolume(Transform):
    """Makes a recording louder or softer; what goes beyond full scale is cut off.

    Args:
        min_db (float): least gain in decibels.
        max_db (float): most.
    """

    augments = True

    def __init__(self, min_db=-10.0, max_db=10.0):
        check_range("min_db", min_db, "max_db", max_db)
        self.min_db, self.max_db = min_db, max_db

    def __call__(self, sample, rng):
        gain = np.float32(10 ** (rng.uniform(self.min_db, self.max_db) / 20))
        sample["audio"] = np.clip(sample["audio"] * gain, -1.0, 1.0)
        return sample


class ShiftTime(Transform):
    """Moves a recording in time; silence comes in at one end, and what is moved out at the other is lost.

    Args:
        max_ms (float): milliseconds at most, either way.
    """

    augments = True

    def __init__(self, max_ms=5.0):
        check_range("0", 0, "max_ms", max_ms)
        self.max_ms = max_ms

    def __call__(self, sample, rng):
        most = int(self.max_ms * sample["rate"] / 1000)
        sample["audio"] = shifted(sample["audio"], int(rng.integers(-most, most + 1)))
        return sample


class SpecAugment(Transform):
    """Warps time and masks bands of features and of time (Park et al., https://arxiv.org/abs/1904.08779, section 2).

    Stands behind the normalisation, where `fill` 0 is the mean.

    Args:
        time_warp (int): W, frames by which the most a point in the middle moves; 0 warps nothing.
        frequency_masks (int): bands of features that are masked.
        frequency_width (int): F of the paper, features of a band at most.
        time_masks (int): stretches of time that are masked.
        time_width (int): T of the paper, frames of a stretch at most.
        time_share (float): p, the part of the recording that a stretch takes at most.
        fill (float): what masked places hold.
    """

    augments = True

    def __init__(
        self,
        time_warp=0,
        frequency_masks=2,
        frequency_width=27,
        time_masks=2,
        time_width=100,
        time_share=0.2,
        fill=0.0,
    ):
        numbers = (time_warp, frequency_masks, frequency_width, time_masks, time_width)
        if min(numbers) < 0 or not 0 <= time_share <= 1:
            raise ConfigError("SpecAugment: counts and widths are 0 or more, time_share 0 to 1")
        self.time_warp, self.frequency_masks, self.frequency_width = time_warp, frequency_masks, frequency_width
        self.time_masks, self.time_width, self.time_share, self.fill = time_masks, time_width, time_share, fill

    def __call__(self, sample, rng):
        features = sample["features"]
        frames = len(features)
        if self.time_warp and frames > 2 * self.time_warp:
            middle = int(rng.integers(self.time_warp, frames - self.time_warp))
            features = warped(features, middle, int(rng.integers(-self.time_warp + 1, self.time_warp)))
        features = features.copy()
        for _ in range(self.frequency_masks):
            start, end = stretch(rng, features.shape[1], self.frequency_width)
            features[:, start:end] = self.fill
        for _ in range(self.time_masks):
            start, end = stretch(rng, frames, min(self.time_width, int(self.time_share * frames)))
            features[start:end] = self.fill
        sample["features"] = features
        return sample


def changed_speed(audio, speed):
    """The samples [S] played `speed` times as fast, float32 [about S / speed]."""
    return resample(audio, speed, 1.0)


def shifted(audio, samples):
    """The samples [S], later by a number of them (earlier where it is negative), with zeros in the gap."""
    moved = np.zeros_like(audio)
    if abs(samples) < len(audio):
        if samples >= 0:
            moved[samples:] = audio[: len(audio) - samples]
        else:
            moved[:samples] = audio[-samples:]
    return moved


def warped(features, middle, distance):
    """Features [T, F] whose frame `middle` comes to stand `distance` frames later; both ends stay, T too.

    Between them time runs evenly, and frames are mixed linearly.
    """
    last = len(features) - 1
    places = np.interp(np.arange(last + 1), [0, middle + distance, last], [0, middle, last])
    before = np.minimum(places.astype(np.int64), max(0, last - 1))
    share = (places - before)[:, None].astype(features.dtype)
    return features[before] * (1 - share) + features[np.minimum(before + 1, last)] * share


def stretch(rng, size, most):
    """(start, end) of a mask: its width is drawn from 0 to `most`, its place from those where it fits into `size`."""
    width = int(rng.integers(0, min(most, size) + 1))
    start = int(rng.integers(0, size - width + 1))
    return start, start + width


def check_range(low_name, low, high_name, high):
    """Refuses two ends in the wrong order."""
    if not low <= high:
        raise ConfigError(f"{low_name} is {low}, {high_name} {high}; the first is at most the second")
