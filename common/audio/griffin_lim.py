"""Spectra of sound and back: the short-time Fourier transform, its inverse, and Griffin-Lim's search for phases.

Griffin and Lim 1984, Signal estimation from modified short-time Fourier transform; with the momentum of Perraudin et
al. 2013, A fast Griffin-Lim algorithm.

Shapes in this file:
    S samples, T frames of W samples (the FFT size), K = W / 2 + 1 frequencies.
"""

import itertools

import numpy as np

from common.audio.frames import cut_frames, hann_window
from common.data.transform import random_for

TINY = 1e-16


def stft(audio, size, stride):
    """The spectra complex [T, K] of audio [S] in Hann windows around every `stride`-th sample, T = 1 + S // stride.

    The ends are reflected; audio that is too short for that is followed by silence.

    Args:
        audio (ndarray): [S].
        size (int): W.
        stride (int): samples from frame to frame.
    """
    audio = np.pad(audio, (0, max(0, size // 2 + 1 - len(audio))))
    padded = np.pad(audio, size // 2, mode="reflect")
    return np.fft.rfft(cut_frames(padded, size, stride) * hann_window(size, periodic=True), size)


def inverse_stft(spectra, size, stride):
    """The audio float64 [(T - 1) stride] whose spectra are the nearest, in least squares, to the given ones [T, K].

    Args:
        spectra (ndarray): complex [T, K].
        size (int): W.
        stride (int): samples from frame to frame.
    """
    window = hann_window(size, periodic=True)
    frames = np.fft.irfft(spectra, size) * window
    total = size + stride * (len(spectra) - 1)
    audio, weight = np.zeros(total), np.zeros(total)
    for number, frame in enumerate(frames):
        place = slice(number * stride, number * stride + size)
        audio[place] += frame
        weight[place] += window**2
    audio /= np.where(weight > 1e-10, weight, 1.0)
    return audio[size // 2 : total - size // 2]


def griffin_lim(magnitudes, size, stride, iterations=32, momentum=0.99, seed=0):
    """Audio float64 [(T - 1) stride] with spectra of about these magnitudes; of random phases at first.

    Args:
        magnitudes (ndarray): float [T, K].
        size (int): W.
        stride (int): samples from frame to frame.
        iterations (int): corrections of the phases.
        momentum (float): share of the change before that a correction is extended by; 0 for the original algorithm.
        seed (int): of the phases.
    """
    phases = np.exp(2j * np.pi * random_for(seed).random(magnitudes.shape))
    before = 0.0
    for _ in range(iterations):
        found = stft(inverse_stft(magnitudes * phases, size, stride), size, stride)[: len(magnitudes)]
        ahead = found - momentum / (1 + momentum) * before
        phases, before = ahead / np.maximum(np.abs(ahead), TINY), found
    return inverse_stft(magnitudes * phases, size, stride)


def emphasize(audio, coefficient):
    """Pre-emphasis: x[i] - c x[i - 1] of audio [S]."""
    return audio - coefficient * np.concatenate([np.zeros(1, audio.dtype), audio[:-1]])


def deemphasize(audio, coefficient):
    """The inverse of :func:`emphasize`, float64 [S]."""
    return np.array(list(itertools.accumulate(np.asarray(audio, np.float64).tolist(),
                                              lambda last, value: value + coefficient * last)))  # fmt: skip


def magnitude_to_level(magnitude, min_db, ref_db):
    """Magnitudes as levels from 0 (`min_db`) to 1 (0 decibels), relative to `ref_db`; what lies beyond is clipped."""
    decibels = 20 * np.log10(np.maximum(10 ** (min_db / 20), magnitude)) - ref_db
    return np.clip((decibels - min_db) / -min_db, 0.0, 1.0)


def level_to_magnitude(level, min_db, ref_db):
    """The inverse of :func:`magnitude_to_level`."""
    return 10 ** ((np.clip(level, 0.0, 1.0) * -min_db + min_db + ref_db) / 20)
