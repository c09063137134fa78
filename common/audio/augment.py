"""Audio augmentation: speed, volume and time shift perturbation, SpecAugment.

Shapes in this file:
    S samples, T frames, F features per frame.
"""

import numpy as np

from common.audio.reading import resample
from common.data.transform import Transform
from common.errors import ConfigError


class ChangeSpeed(Transform):
    """Speed perturbation, pitch included (Ko et al., Audio augmentation for speech recognition, 2015).

    Args:
        speeds (list[float]): the factors to draw from; 1.1 shortens S samples to S / 1.1.
    """

    augments = True

    def __init__(self, speeds=(0.9, 1.0, 1.1)):
        if not speeds or not all(0.2 <= speed <= 5 for speed in speeds):
            raise ConfigError(f"speeds is {list(speeds)}; it must be a list of numbers from 0.2 to 5")
        self.speeds = list(speeds)

    def __call__(self, sample, rng):
        speed = self.speeds[rng.integers(len(self.speeds))]
        if speed != 1:
            sample["audio"] = change_speed(sample["audio"], speed)
            sample["duration"] = len(sample["audio"]) / sample["rate"]
        return sample


class ChangeVolume(Transform):
    """Volume perturbation with a random gain; samples beyond full scale are clipped.

    Args:
        min_db (float): minimum gain in decibels.
        max_db (float): maximum gain in decibels.
    """

    augments = True

    def __init__(self, min_db=-10.0, max_db=10.0):
        check_order("min_db", min_db, "max_db", max_db)
        self.min_db, self.max_db = min_db, max_db

    def __call__(self, sample, rng):
        gain = np.float32(10 ** (rng.uniform(self.min_db, self.max_db) / 20))
        sample["audio"] = np.clip(sample["audio"] * gain, -1.0, 1.0)
        return sample


class ShiftTime(Transform):
    """Random time shift; one end is filled with silence, the other is cut off.

    Args:
        max_ms (float): maximum shift in either direction, in milliseconds.
    """

    augments = True

    def __init__(self, max_ms=5.0):
        check_order("0", 0, "max_ms", max_ms)
        self.max_ms = max_ms

    def __call__(self, sample, rng):
        most = int(self.max_ms * sample["rate"] / 1000)
        sample["audio"] = shift_samples(sample["audio"], int(rng.integers(-most, most + 1)))
        return sample


class SpecAugment(Transform):
    """Time warping, frequency masking and time masking (Park et al., https://arxiv.org/abs/1904.08779, section 2).

    Use it after normalization, so that the fill value 0 is the mean.

    Args:
        time_warp (int): W, maximum number of frames by which a point is shifted; 0 disables warping.
        frequency_masks (int): number of frequency masks.
        frequency_width (int): F of the paper, maximum width of a frequency mask in features.
        time_masks (int): number of time masks.
        time_width (int): T of the paper, maximum width of a time mask in frames.
        time_share (float): p, maximum width of a time mask as a fraction of the utterance.
        fill (float): value of masked elements.
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
            raise ConfigError("SpecAugment: counts and widths must be 0 or more, time_share 0 to 1")
        self.time_warp, self.frequency_masks, self.frequency_width = time_warp, frequency_masks, frequency_width
        self.time_masks, self.time_width, self.time_share, self.fill = time_masks, time_width, time_share, fill

    def __call__(self, sample, rng):
        features = sample["features"]
        frames = len(features)
        if self.time_warp and frames > 2 * self.time_warp:
            middle = int(rng.integers(self.time_warp, frames - self.time_warp))
            features = warp_time(features, middle, int(rng.integers(-self.time_warp + 1, self.time_warp)))
        features = features.copy()
        for _ in range(self.frequency_masks):
            start, end = draw_mask(rng, features.shape[1], self.frequency_width)
            features[:, start:end] = self.fill
        for _ in range(self.time_masks):
            start, end = draw_mask(rng, frames, min(self.time_width, int(self.time_share * frames)))
            features[start:end] = self.fill
        sample["features"] = features
        return sample


def change_speed(audio, speed):
    """Resamples audio [S] to `speed` times its speed, float32 [about S / speed]."""
    return resample(audio, speed, 1.0)


def shift_samples(audio, samples):
    """Delays audio [S] by a number of samples (advances it if negative) and fills the gap with zeros."""
    moved = np.zeros_like(audio)
    if abs(samples) < len(audio):
        if samples >= 0:
            moved[samples:] = audio[: len(audio) - samples]
        else:
            moved[:samples] = audio[-samples:]
    return moved


def warp_time(features, middle, distance):
    """Warps features [T, F] in time so that frame `middle` moves by `distance` frames; both ends and T are fixed.

    Time is piecewise linear in between, and frames are interpolated linearly.
    """
    last = len(features) - 1
    positions = np.interp(np.arange(last + 1), [0, middle + distance, last], [0, middle, last])
    before = np.minimum(positions.astype(np.int64), max(0, last - 1))
    share = (positions - before)[:, None].astype(features.dtype)
    return features[before] * (1 - share) + features[np.minimum(before + 1, last)] * share


def draw_mask(rng, size, most):
    """Draws the (start, end) of a mask: a width from 0 to `most`, and a position within `size`."""
    width = int(rng.integers(0, min(most, size) + 1))
    start = int(rng.integers(0, size - width + 1))
    return start, start + width


def check_order(low_name, low, high_name, high):
    """Refuses a range whose minimum exceeds its maximum."""
    if not low <= high:
        raise ConfigError(f"{low_name} is {low}, {high_name} is {high}; the first must not exceed the second")
