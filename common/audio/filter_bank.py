"""Kaldi's filter bank features, which most speech models are trained on.

Shapes in this file:
    S samples, T frames of W samples, F features of a frame.
"""

import numpy as np

from common.audio.features import Features, check_times
from common.audio.frames import cut_frames, mel_filters, mirrored_frames, povey, power_spectrum, samples_of

FULL_SCALE = 32768.0  # Kaldi's samples are 16-bit integers
LEAST = float(np.finfo(np.float32).eps)  # of an energy whose logarithm is taken


class FilterBank(Features):
    """The logarithm of the power under triangular mel filters, as Kaldi's `compute-fbank-feats` has it.

    Each frame by itself: its mean is taken off, x[i] - c x[i - 1], Povey's window, the power of a Fourier transform
    over the next power of two, the filters, the logarithm.

    Args:
        num_bins (int): mel filters; F, without `energy`.
        window_ms (float): length of a frame in milliseconds.
        stride_ms (float): from the beginning of a frame to that of the next.
        min_freq (float): hertz where the first filter begins.
        max_freq (float): hertz where the last filter ends; 0 and less are counted from half the rate.
        preemphasis (float): c.
        dither (float): deviation of the noise added to samples of 16 bits; for training, 0 adds none.
        snip_edges (bool): frames lie wholly inside the sound; else they are mirrored at its ends.
        energy (bool): puts the logarithm of the frame's energy before the filters.
        energy_floor (float): the least energy; 0 has no floor.
    """

    def __init__(
        self,
        num_bins=80,
        window_ms=25.0,
        stride_ms=10.0,
        min_freq=20.0,
        max_freq=0.0,
        preemphasis=0.97,
        dither=0.0,
        snip_edges=True,
        energy=False,
        energy_floor=0.0,
    ):
        check_times(window_ms, stride_ms)
        self.num_bins, self.window_ms, self.stride_ms = num_bins, window_ms, stride_ms
        self.min_freq, self.max_freq, self.preemphasis = min_freq, max_freq, preemphasis
        self.dither, self.snip_edges, self.energy, self.energy_floor = dither, snip_edges, energy, energy_floor

    def compute(self, audio, rate, rng=None):
        """float32 [T, F] of samples [S]; T = 1 + (S - W) // stride, or (S + stride / 2) // stride mirrored."""
        cut = cut_frames if self.snip_edges else mirrored_frames
        frames = cut(audio, *self.geometry(rate)) if len(audio) else np.zeros((0, self.geometry(rate)[0]))
        if self.dither:
            frames = frames + rng.standard_normal(frames.shape) * (self.dither / FULL_SCALE)
        return self.of_frames(frames, rate)

    def geometry(self, rate):
        """(W, samples from frame to frame)."""
        return samples_of(self.window_ms, rate), samples_of(self.stride_ms, rate)

    def of_frames(self, frames, rate):
        """float32 [T, F] of frames [T, W]."""
        frames = frames.astype(np.float64) * FULL_SCALE
        frames -= frames.mean(1, keepdims=True)
        energy = np.log(np.maximum((frames**2).sum(1, keepdims=True), LEAST)) if self.energy else None
        before = np.concatenate([frames[:, :1], frames[:, :-1]], 1)
        frames = (frames - self.preemphasis * before) * povey(frames.shape[1])
        size = 1 << (frames.shape[1] - 1).bit_length()
        high = self.max_freq if self.max_freq > 0 else rate / 2 + self.max_freq
        filters = mel_filters(rate, size, self.num_bins, self.min_freq, high, "kaldi")
        features = np.log(np.maximum(power_spectrum(frames, size) @ filters, LEAST))
        if self.energy:
            if self.energy_floor > 0:
                energy = np.maximum(energy, np.log(self.energy_floor))
            features = np.concatenate([energy, features], 1)
        return features.astype(np.float32)
