"""Acoustic features: linear and mel spectrograms, MFCC.

Shapes in this file:
    S samples, T frames of W samples, F features per frame.

Each transform replaces `audio` float32 [S] of a sample by `features` float32 [T, F] and `feature_length` T.
A sample that has `features` already, such as one of a Kaldi archive, is left as it is.
"""

import numpy as np

from common.audio.frames import (
    centered_frames,
    cosine_transform,
    cut_frames,
    hann_window,
    mel_filters,
    power_spectrum,
    to_samples,
)
from common.data.refusals import add_list_line, bad_file
from common.data.transform import Transform
from common.errors import ConfigError


class Features(Transform):
    """Base class of feature transforms, which define `compute(audio, rate, rng)`."""

    def __call__(self, sample, rng):
        if "features" in sample:
            return sample
        audio, rate = sample.pop("audio"), sample["rate"]
        features = self.compute(audio, rate, rng)
        if not len(features):
            message = f"{len(audio) / rate:.3f} s long, shorter than one frame"
            name = sample.get("path", "a recording")
            raise add_list_line(bad_file("D145", name, message, fix="remove it"), sample)
        sample["features"] = np.ascontiguousarray(features, np.float32)
        sample["feature_length"] = len(features)
        return sample


class LinearSpectrogram(Features):
    """Log-power linear spectrogram (Deep Speech 2, https://arxiv.org/abs/1512.02595, section 3.1).

    The power is a one-sided spectral density: |FFT(x w)|^2 / (rate * sum(w^2)), doubled for all but the first and last
    frequency.

    Args:
        window_ms (float): frame length in milliseconds, with a Hann window.
        stride_ms (float): frame shift in milliseconds.
        max_freq (float): maximum frequency in Hz; null keeps all.
        floor (float): added to the power before the logarithm.
    """

    alike = True

    def __init__(self, window_ms=20.0, stride_ms=10.0, max_freq=None, floor=1e-14):
        check_frame_size(window_ms, stride_ms)
        self.window_ms, self.stride_ms, self.max_freq, self.floor = window_ms, stride_ms, max_freq, floor

    def compute(self, audio, rate, rng=None):
        """float32 [T, F] of samples [S], T = 1 + (S - W) // stride."""
        return self.of_frames(cut_frames(audio, *self.geometry(rate)), rate)

    def geometry(self, rate):
        """(W, frame shift) in samples."""
        return to_samples(self.window_ms, rate), to_samples(self.stride_ms, rate)

    def of_frames(self, frames, rate):
        """float32 [T, F] of frames [T, W]."""
        size = frames.shape[1]
        if self.max_freq is not None and not 0 < self.max_freq <= rate / 2:
            raise ConfigError(f"max_freq is {self.max_freq}; the maximum at a sample rate of {rate} Hz is {rate / 2:g}")
        count = size // 2 + 1 if self.max_freq is None else int(self.max_freq * size / rate + 1e-6) + 1
        density = power_spectrum(frames * hann_window(size), size)[:, :count] / (rate * (hann_window(size) ** 2).sum())
        density[:, 1 : (size + 1) // 2] *= 2.0
        return np.log(density + self.floor).astype(np.float32)


class MelSpectrogram(Features):
    """Mel spectrogram with centered frames and zero padding.

    Args:
        num_bins (int): number of mel bins, F.
        n_fft (int): FFT size.
        window (int): length of the Hann window, centered in the frame; null for n_fft.
        stride (int): frame shift in samples.
        min_freq (float): lower edge of the first filter in Hz.
        max_freq (float): upper edge of the last filter in Hz; null for half the sample rate.
        power (float): 2 for power, 1 for magnitude.
        log (bool): applies the natural logarithm.
        floor (float): minimum value before the logarithm.
        scale (str): mel scale, `slaney` (filters of equal area) or `htk`.
    """

    alike = True

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
            raise ConfigError(f"scale is '{scale}'; it must be slaney or htk")
        window = n_fft if window is None else window
        if not 0 < window <= n_fft or stride < 1:
            raise ConfigError(
                f"window is {window}, n_fft {n_fft}, stride {stride}; window must be 1 to n_fft, stride at least 1"
            )
        self.num_bins, self.n_fft, self.window, self.stride = num_bins, n_fft, window, stride
        self.min_freq, self.max_freq, self.power, self.scale = min_freq, max_freq, power, scale
        self.log, self.floor = log, floor

    def compute(self, audio, rate, rng=None):
        """float64 [T, F] of samples [S], T = 1 + S // stride."""
        if not len(audio):
            return np.zeros((0, self.num_bins))
        before = (self.n_fft - self.window) // 2
        window = np.pad(hann_window(self.window, periodic=True), (before, self.n_fft - self.window - before))
        power = power_spectrum(centered_frames(audio, self.n_fft, self.stride) * window, self.n_fft)
        high = rate / 2 if self.max_freq is None else self.max_freq
        filters = mel_filters(rate, self.n_fft, self.num_bins, self.min_freq, high, self.scale)
        mel = (power if self.power == 2 else power ** (self.power / 2)) @ filters
        return np.log(np.maximum(mel, self.floor)) if self.log else mel


class MFCC(Features):
    """Mel-frequency cepstral coefficients: the DCT of a mel spectrogram in decibels.

    Args:
        num_coefficients (int): number of coefficients, F.
        num_bins (int): number of mel bins.
        n_fft (int): FFT size.
        window (int): length of the Hann window; null for n_fft.
        stride (int): frame shift in samples.
        min_freq (float): lower edge of the first filter in Hz.
        max_freq (float): upper edge of the last filter in Hz; null for half the sample rate.
        range_db (float): dynamic range in decibels; lower values are clipped; null for no clipping.
        scale (str): mel scale, `slaney` or `htk`.
    """

    alike = True

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
            raise ConfigError(f"num_coefficients is {num_coefficients}; it must be 1 to num_bins ({num_bins})")
        self.mel = MelSpectrogram(num_bins, n_fft, window, stride, min_freq, max_freq, log=False, scale=scale)
        self.num_coefficients, self.range_db = num_coefficients, range_db

    def compute(self, audio, rate, rng=None):
        """float64 [T, F] of samples [S], T = 1 + S // stride."""
        decibels = 10.0 * np.log10(np.maximum(self.mel.compute(audio, rate), 1e-10))
        if self.range_db is not None and len(decibels):
            decibels = np.maximum(decibels, decibels.max() - self.range_db)
        return decibels @ cosine_transform(self.num_coefficients, decibels.shape[1])


def check_frame_size(window_ms, stride_ms):
    """Refuses frame lengths and shifts that are not positive."""
    if not (window_ms > 0 and stride_ms > 0):
        raise ConfigError(f"window_ms is {window_ms}, stride_ms {stride_ms}; both must be above 0")
