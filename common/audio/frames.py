"""Signal processing for acoustic features: framing, windows, power spectra, mel filters, DCT; NumPy, double precision.

Shapes in this file:
    S samples, T frames of W samples, K FFT bins, M mel bins.
"""

import functools

import numpy as np

from common.errors import ConfigError

SLANEY_STEP, SLANEY_BREAK = 200 / 3, 15  # Hz per mel below 1000 Hz, which is 15 mel
SLANEY_LOG = np.log(6.4) / 27  # 27 mel from 1000 to 6400 Hz


def cut_frames(audio, window, stride):
    """The frames [T, W] that lie completely inside audio [S], T = 1 + (S - W) // stride; a view."""
    if len(audio) < window:
        return np.zeros((0, window), audio.dtype)
    return np.lib.stride_tricks.sliding_window_view(audio, window)[::stride]


def reflected_frames(audio, window, stride):
    """The frames [T, W] centered in every stride, T = (S + stride / 2) // stride, with reflection at both ends."""
    count = (len(audio) + stride // 2) // stride
    indexes = (np.arange(count) * stride + stride // 2 - window // 2)[:, None] + np.arange(window)
    indexes %= 2 * len(audio)
    return audio[np.minimum(indexes, 2 * len(audio) - 1 - indexes)]


def centered_frames(audio, window, stride):
    """The frames [T, W] centered at every `stride`-th sample, T = 1 + S // stride, with zero padding."""
    return cut_frames(np.pad(audio, window // 2), window, stride)


@functools.cache
def hann_window(size, periodic=False):
    """The Hann window [size]; the periodic one is a symmetric window of size + 1 without its last sample."""
    return freeze(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size if periodic else max(1, size - 1))))


@functools.cache
def povey_window(size):
    """The Povey window [size] of Kaldi: the Hann window to the power of 0.85."""
    return freeze(hann_window(size) ** 0.85)


def power_spectrum(frames, size):
    """The power spectrum [T, size / 2 + 1] of frames [T, W], zero-padded to `size` samples."""
    spectrum = np.fft.rfft(frames, size)
    return spectrum.real**2 + spectrum.imag**2


def hertz_to_mel(hertz, scale):
    """Converts Hz to mel; `htk` and `kaldi` are O'Shaughnessy's 1127 ln(1 + f / 700), `slaney` linear to 1000 Hz."""
    hertz = np.asarray(hertz, np.float64)
    if scale != "slaney":
        return 1127.0 * np.log1p(hertz / 700.0)
    above = SLANEY_BREAK + np.log(np.maximum(hertz, 1000.0) / 1000.0) / SLANEY_LOG
    return np.where(hertz < 1000.0, hertz / SLANEY_STEP, above)


def mel_to_hertz(mel, scale):
    """The inverse of :func:`hertz_to_mel`."""
    mel = np.asarray(mel, np.float64)
    if scale != "slaney":
        return 700.0 * np.expm1(mel / 1127.0)
    above = 1000.0 * np.exp(SLANEY_LOG * (np.maximum(mel, SLANEY_BREAK) - SLANEY_BREAK))
    return np.where(mel < SLANEY_BREAK, mel * SLANEY_STEP, above)


@functools.cache
def mel_filters(rate, size, count, low, high, scale):
    """The weights [K, M] of triangular filters that are evenly spaced in mel.

    Args:
        rate (int): sample rate in Hz.
        size (int): FFT size; K = size / 2 + 1.
        count (int): number of filters, M.
        low (float): lower edge of the first filter in Hz.
        high (float): upper edge of the last filter in Hz.
        scale (str): `kaldi` has filters that are triangular in mel and ignores the last of the K bins; `htk` and
            `slaney` have filters that are triangular in Hz, `slaney` of equal area (Slaney, Auditory Toolbox, 1998).

    Raises:
        ConfigError: frequencies out of range, or a filter that covers no FFT bin.
    """
    if not 0 <= low < high <= rate / 2:
        raise ConfigError(
            f"mel filters from {low:g} to {high:g} Hz are out of range: 0 to {rate / 2:g} Hz at a rate of {rate} Hz"
        )
    bins = np.arange(size // 2 + 1) * rate / size
    corners = np.linspace(hertz_to_mel(low, scale), hertz_to_mel(high, scale), count + 2)
    if scale == "kaldi":
        bins = hertz_to_mel(bins, scale)
    else:
        corners = mel_to_hertz(corners, scale)
    rising = (bins[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins[:, None]) / (corners[2:] - corners[1:-1])
    weights = np.maximum(0.0, np.minimum(rising, falling))
    if scale == "kaldi":
        weights[-1] = 0.0
    if scale == "slaney":
        weights *= 2.0 / (corners[2:] - corners[:-2])
    empty = np.flatnonzero(weights.sum(0) == 0)
    if len(empty):
        raise ConfigError(
            f"{len(empty)} of {count} mel filters cover none of the {len(bins)} FFT bins (FFT size {size}, sample rate "
            f"{rate} Hz), the first one is number {empty[0]}: use fewer mel bins or a longer window"
        )
    return freeze(weights)


@functools.cache
def cosine_transform(count, bins):
    """The matrix [bins, count] of the first `count` coefficients of the orthonormal DCT-II."""
    angles = np.pi * (np.arange(bins)[:, None] + 0.5) * np.arange(count) / bins
    weights = np.cos(angles) * np.sqrt(2.0 / bins)
    weights[:, 0] /= np.sqrt(2.0)
    return freeze(weights)


def to_samples(milliseconds, rate):
    """Converts a duration to a number of samples, rounded down."""
    return int(rate * milliseconds / 1000 + 1e-6)


def freeze(array):
    """Makes a cached array read-only; returns it."""
    array.flags.writeable = False
    return array
