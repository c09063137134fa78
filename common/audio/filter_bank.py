"""Log-mel filter bank features compatible with Kaldi.

Shapes in this file:
    S samples, T frames of W samples, F features per frame.
"""

import numpy as np

from common.audio.features import Features, check_frame_size
from common.audio.frames import cut_frames, mel_filters, povey_window, power_spectrum, reflected_frames, to_samples

FULL_SCALE = 32768.0  # Kaldi's samples are 16-bit integers
LEAST = float(np.finfo(np.float32).eps)  # minimum energy before the logarithm


class FilterBank(Features):
    """Log-mel filter bank features, as computed by Kaldi's `compute-fbank-feats`.

    For each frame: mean subtraction, pre-emphasis x[i] - c x[i - 1], Povey window, power spectrum with the FFT size
    rounded up to a power of two, mel filters, logarithm.

    Args:
        num_bins (int): number of mel bins; F, without `energy`.
        window_ms (float): frame length in milliseconds.
        stride_ms (float): frame shift in milliseconds.
        min_freq (float): lower edge of the first filter in Hz.
        max_freq (float): upper edge of the last filter in Hz; values up to 0 are relative to half the sample rate.
        preemphasis (float): pre-emphasis coefficient c.
        dither (float): standard deviation of the noise added to 16-bit samples, for training; 0 for none.
        snip_edges (bool): uses only frames that lie completely inside the audio; otherwise its ends are reflected.
        energy (bool): prepends the log energy of the frame to the features.
        energy_floor (float): minimum energy; 0 for none.
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
        check_frame_size(window_ms, stride_ms)
        self.num_bins, self.window_ms, self.stride_ms = num_bins, window_ms, stride_ms
        self.min_freq, self.max_freq, self.preemphasis = min_freq, max_freq, preemphasis
        self.dither, self.snip_edges, self.energy, self.energy_floor = dither, snip_edges, energy, energy_floor

    def compute(self, audio, rate, rng=None):
        """float32 [T, F] of samples [S]; T = 1 + (S - W) // stride, or (S + stride / 2) // stride with reflection."""
        cut = cut_frames if self.snip_edges else reflected_frames
        frames = cut(audio, *self.geometry(rate)) if len(audio) else np.zeros((0, self.geometry(rate)[0]))
        if self.dither:
            frames = frames + rng.standard_normal(frames.shape) * (self.dither / FULL_SCALE)
        return self.of_frames(frames, rate)

    def geometry(self, rate):
        """(W, frame shift) in samples."""
        return to_samples(self.window_ms, rate), to_samples(self.stride_ms, rate)

    def of_frames(self, frames, rate):
        """float32 [T, F] of frames [T, W]."""
        frames = frames.astype(np.float64) * FULL_SCALE
        frames -= frames.mean(1, keepdims=True)
        energy = np.log(np.maximum((frames**2).sum(1, keepdims=True), LEAST)) if self.energy else None
        before = np.concatenate([frames[:, :1], frames[:, :-1]], 1)
        frames = (frames - self.preemphasis * before) * povey_window(frames.shape[1])
        size = 1 << (frames.shape[1] - 1).bit_length()
        high = self.max_freq if self.max_freq > 0 else rate / 2 + self.max_freq
        filters = mel_filters(rate, size, self.num_bins, self.min_freq, high, "kaldi")
        features = np.log(np.maximum(power_spectrum(frames, size) @ filters, LEAST))
        if self.energy:
            if self.energy_floor > 0:
                energy = np.maximum(energy, np.log(self.energy_floor))
            features = np.concatenate([energy, features], 1)
        return features.astype(np.float32)
