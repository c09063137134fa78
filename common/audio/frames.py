"""Frames, windows and filters that the features of sounds are made of; NumPy alone, in double precision.

Shapes in this file:
    S samples, T frames of W samples, K bins of a Fourier transform, M bins of a mel scale.
"""

import functools

import numpy as np

from common.errors import ConfigError

SLANEY_STEP, SLANEY_BREAK = 200 / 3, 15  # hertz a mel below 1000 Hz, which is 15 mel
SLANEY_LOG = np.log(6.4) / 27  # 27 mel from 1000 to 6400 Hz


def cut_frames(audio, window, stride):
    """The frames [T, W] of samples [S] that lie wholly inside, T = 1 + (S - W) // stride; a view."""
    if len(audio) < window:
        return np.zeros((0, window), audio.dtype)
    return np.lib.stride_tricks.sliding_window_view(audio, window)[::stride]


def mirrored_frames(audio, window, stride):
    """The frames [T, W] around the middle of every stride, T = (S + stride / 2) // stride, mirrored at both ends."""
    count = (len(audio) + stride // 2) // stride
    places = (np.arange(count) * stride + stride // 2 - window // 2)[:, None] + np.arange(window)
    places %= 2 * len(audio)
    return audio[np.minimum(places, 2 * len(audio) - 1 - places)]


def centred_frames(audio, window, stride):
    """The frames [T, W] around every `stride`-th sample, T = 1 + S // stride; zeros stand beyond both ends."""
    return cut_frames(np.pad(audio, window // 2), window, stride)


@functools.cache
def hann(size, periodic=False):
    """Hann's window [size]; the periodic one is the beginning of one that is longer by a sample."""
    return constant(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size if periodic else max(1, size - 1))))


@functools.cache
def povey(size):
    """Kaldi's window [size]: Hann's to the power of 0.85, which does not quite reach zero so soon."""
    return constant(hann(size) ** 0.85)


def power_spectrum(frames, size):
    """|Fourier transform|^2 [T, size / 2 + 1] of frames [T, W], filled with zeros to `size` samples."""
    spectrum = np.fft.rfft(frames, size)
    return spectrum.real**2 + spectrum.imag**2


def hertz_to_mel(hertz, scale):
    """Mel of frequencies; `htk` and `kaldi` are O'Shaughnessy's 1127 ln(1 + f / 700), `slaney` linear to 1000 Hz."""
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
    """The weights [K, M] by which triangular filters, evenly spaced in mel, add up a spectrum.

    Args:
        rate (int): samples a second.
        size (int): samples of the Fourier transform; K = size / 2 + 1.
        count (int): M.
        low (float): hertz where the first triangle begins.
        high (float): hertz where the last one ends.
        scale (str): `kaldi` has triangles over mel and leaves out the last of the K bins; `htk` and `slaney` have
            triangles over hertz, `slaney` of equal area (Slaney, Auditory Toolbox, 1998).

    Raises:
        ConfigError: the frequencies do not fit the rate, or a triangle lies between two bins.
    """
    if not 0 <= low < high <= rate / 2:
        raise ConfigError(f"filters from {low:g} to {high:g} Hz do not fit {rate} samples a second: 0 to {rate / 2:g}")
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
            f"{len(empty)} of {count} mel bins lie between two of the {len(bins)} frequencies of {size} samples at "
            f"{rate} a second, the first is number {empty[0]}: take fewer bins or a longer window"
        )
    return constant(weights)


@functools.cache
def cosine_transform(count, bins):
    """The orthonormal discrete cosine transform (DCT-II) [bins, count], its first `count` coefficients."""
    angles = np.pi * (np.arange(bins)[:, None] + 0.5) * np.arange(count) / bins
    weights = np.cos(angles) * np.sqrt(2.0 / bins)
    weights[:, 0] /= np.sqrt(2.0)
    return constant(weights)


def samples_of(milliseconds, rate):
    """A time as a whole number of samples, cut off."""
    return int(rate * milliseconds / 1000 + 1e-6)


def constant(array):
    """The array, which is shared and must not be written to."""
    array.flags.writeable = False
    return array
