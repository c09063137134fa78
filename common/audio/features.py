"""Spectra of recordings, frame by frame.

Shapes in this file:
    S samples, T frames of W samples, F features of a frame.

Each transform here takes `audio` float32 [S] and `rate` out of a sample's `audio`, which goes, and leaves
`features` float32 [T, F] and `feature_length` T.
"""

import numpy as np

from common.audio.decode import placed
from common.audio.frames import (
    centred_frames,
    cosine_transform,
    cut_frames,
    hann,
    mel_filters,
    power_spectrum,
    samples_of,
)
from common.data.refusals import bad_file
from common.data.transform import Transform
from common.errors import ConfigError


class Features(Transform):
    """A transform that makes features of a recording by `compute(audio, rate, rng)`."""

    def __call__(self, sample, rng):
        audio, rate = sample.pop("audio"), sample["rate"]
        features = self.compute(audio, rate, rng)
        if not len(features):
            message = f"{len(audio) / rate:.3f} s long, shorter than one frame"
            raise placed(bad_file("D145", sample.get("path", "a recording"), message, fix="leave it out"), sample)
        sample["features"] = np.ascontiguousarray(features, np.float32)
        sample["feature_length"] = len(features)
        return sample


class LinearSpectrogram(Features):
    """The logarithm of the power at evenly spaced frequencies (Deep Speech 2, https://arxiv.org/abs/1512.02595, 3.1).

    The power is that of a hertz: |FFT(x w)|^2 / (rate * sum(w^2)), twice that of all but the first and the last
    frequency, whose mirror images carry the other half.

    Args:
        window_ms (float): length of a frame in milliseconds, under a Hann window.
        stride_ms (float): from the beginning of a frame to that of the next.
        max_freq (float): hertz up to which frequencies are kept; null keeps all.
        floor (float): added to the power before its logarithm is taken.
    """

    def __init__(self, window_ms=20.0, stride_ms=10.0, max_freq=None, floor=1e-14):
        check_times(window_ms, stride_ms)
        self.window_ms, self.stride_ms, self.max_freq, self.floor = window_ms, stride_ms, max_freq, floor

    def compute(self, audio, rate, rng=None):
        """float32 [T, F] of samples [S], T = 1 + (S - W) // stride."""
        return self.of_frames(cut_frames(audio, *self.geometry(rate)), rate)

    def geometry(self, rate):
        """(W, samples from frame to frame)."""
        return samples_of(self.window_ms, rate), samples_of(self.stride_ms, rate)

    def of_frames(self, frames, rate):
        """float32 [T, F] of frames [T, W]."""
        size = frames.shape[1]
        if self.max_freq is not None and not 0 < self.max_freq <= rate / 2:
            raise ConfigError(f"max_freq is {self.max_freq}; at {rate} samples a second it is at most {rate / 2:g}")
        count = size // 2 + 1 if self.max_freq is None else int(self.max_freq * size / rate + 1e-6) + 1
        density = power_spectrum(frames * hann(size), size)[:, :count] / (rate * (hann(size) ** 2).sum())
        density[:, 1 : (size + 1) // 2] *= 2.0
        return np.log(density + self.floor).astype(np.float32)


class MelSpectrogram(Features):
    """The power, or magnitude, under triangular filters on a mel scale; frames are centred, zeros around the sound.

    Args:
        num_bins (int): F.
        n_fft (int): samples of the Fourier transform.
        window (int): samples under the Hann window, in the middle of them; null takes n_fft.
        stride (int): samples from frame to frame.
        min_freq (float): hertz where the first filter begins.
        max_freq (float): hertz where the last filter ends; null takes half the rate.
        power (float): 2 for power, 1 for magnitude.
        log (bool): takes the natural logarithm.
        floor (float): the least value before the logarithm.
        scale (str): `slaney`, filters of equal area, or `htk`.
    """

    def __init__(
        self,
        num_bins=80,
        n_fft=512,
        window=None,
        stride=160,
        min_freq=0.0,
        max_freq=None,
        power=2.0,
        log=True,
        floor=1e-10,
        scale="slaney",
    ):
        if scale not in ("slaney", "htk"):
            raise ConfigError(f"scale is '{scale}'; it is slaney or htk")
        window = n_fft if window is None else window
        if not 0 < window <= n_fft or stride < 1:
            raise ConfigError(f"window is {window}, n_fft {n_fft}, stride {stride}: 1 to n_fft, and 1 or more")
        self.num_bins, self.n_fft, self.window, self.stride = num_bins, n_fft, window, stride
        self.min_freq, self.max_freq, self.power, self.scale = min_freq, max_freq, power, scale
        self.log, self.floor = log, floor

    def compute(self, audio, rate, rng=None):
        """float64 [T, F] of samples [S], T = 1 + S // stride."""
        if not len(audio):
            return np.zeros((0, self.num_bins))
        before = (self.n_fft - self.window) // 2
        window = np.pad(hann(self.window, periodic=True), (before, self.n_fft - self.window - before))
        power = power_spectrum(centred_frames(audio, self.n_fft, self.stride) * window, self.n_fft)
        high = rate / 2 if self.max_freq is None else self.max_freq
        filters = mel_filters(rate, self.n_fft, self.num_bins, self.min_freq, high, self.scale)
        mel = (power if self.power == 2 else power ** (self.power / 2)) @ filters
        return np.log(np.maximum(mel, self.floor)) if self.log else mel


class MFCC(Features):
    """Mel-frequency cepstral coefficients: the cosine transform of decibels under mel filters.

    Args:
        num_coefficients (int): F.
        num_bins (int): mel filters.
        n_fft (int): samples of the Fourier transform.
        window (int): samples under the Hann window; null takes n_fft.
        stride (int): samples from frame to frame.
        min_freq (float): hertz where the first filter begins.
        max_freq (float): hertz where the last filter ends; null takes half the rate.
        range_db (float): decibels below the loudest value of the recording at which others are cut off; null never.
        scale (str): `slaney` or `htk`.
    """

    def __init__(
        self,
        num_coefficients=20,
        num_bins=128,
        n_fft=2048,
        window=None,
        stride=512,
        min_freq=0.0,
        max_freq=None,
        range_db=80.0,
        scale="slaney",
    ):
        if not 0 < num_coefficients <= num_bins:
            raise ConfigError(f"num_coefficients is {num_coefficients}; it is 1 to num_bins, {num_bins}")
        self.mel = MelSpectrogram(num_bins, n_fft, window, stride, min_freq, max_freq, log=False, scale=scale)
        self.num_coefficients, self.range_db = num_coefficients, range_db

    def compute(self, audio, rate, rng=None):
        """float64 [T, F] of samples [S], T = 1 + S // stride."""
        decibels = 10.0 * np.log10(np.maximum(self.mel.compute(audio, rate), 1e-10))
        if self.range_db is not None and len(decibels):
            decibels = np.maximum(decibels, decibels.max() - self.range_db)
        return decibels @ cosine_transform(self.num_coefficients, decibels.shape[1])


def check_times(window_ms, stride_ms):
    """Refuses lengths of frames that are none."""
    if not (window_ms > 0 and stride_ms > 0):
        raise ConfigError(f"window_ms is {window_ms}, stride_ms {stride_ms}; both are more than 0")
