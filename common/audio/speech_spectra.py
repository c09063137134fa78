"""Spectrograms that speech is made of: levels from 0 to 1 of mel bins and of frequencies, and back to sound.

Shapes in this file:
    S samples, T frames, M mel bins, K frequencies.
"""

import io
import wave

import numpy as np

from common.audio.frames import mel_filters
from common.audio.griffin_lim import (
    deemphasize,
    emphasize,
    griffin_lim,
    level_to_magnitude,
    magnitude_to_level,
    stft,
)
from common.data.refusals import add_list_line, bad_file
from common.data.transform import Transform
from common.errors import ConfigError

LOUDEST = 0.999  # of full scale, the largest sample
CUT_DB = 40.0  # softer than the loudest frame by more: silence


class SpeechSpectra(Transform):
    """Converts `audio` to `linear` float32 [T, K] and `mel` float32 [T, M], levels from 0 to 1, and `frame_length` T.

    The loudest sample becomes full scale, then high frequencies are emphasized. Sets nothing for a text alone.

    Args:
        num_bins (int): M.
        n_fft (int): FFT size and window; K = n_fft / 2 + 1.
        stride (int): samples from frame to frame.
        min_freq (float): lower edge of the first mel filter in Hz.
        max_freq (float): upper edge of the last one.
        preemphasis (float): coefficient of the emphasis.
        min_db (float): level 0, relative to `ref_db`.
        ref_db (float): level 1, in decibels.
        trim (bool): cuts silence at both ends, but for two frames.
    """

    alike = True

    def __init__(
        self, num_bins=80, n_fft=1024, stride=256, min_freq=125.0, max_freq=7600.0, preemphasis=0.97, min_db=-100.0,
        ref_db=20.0, trim=False,
    ):  # fmt: skip
        check_spectra(n_fft, stride, preemphasis, min_db)
        self.num_bins, self.n_fft, self.stride = num_bins, n_fft, stride
        self.min_freq, self.max_freq, self.preemphasis = min_freq, max_freq, preemphasis
        self.min_db, self.ref_db, self.trim = min_db, ref_db, trim

    def __call__(self, sample, rng):
        audio, rate = np.asarray(sample.pop("audio"), np.float64), sample["rate"]
        loudest = float(np.abs(audio).max(initial=0))
        if loudest == 0:
            error = bad_file("D146", sample.get("path", "a recording"), "silent throughout", fix="remove it")
            raise add_list_line(error, sample)
        audio = emphasize(audio * (LOUDEST / loudest), self.preemphasis)
        magnitude = np.abs(stft(audio, self.n_fft, self.stride))
        if self.trim:
            magnitude = without_silence(magnitude)
        filters = mel_filters(rate, self.n_fft, self.num_bins, self.min_freq, self.max_freq, "slaney")
        levels = (magnitude_to_level(x, self.min_db, self.ref_db) for x in (magnitude, magnitude @ filters))
        sample["linear"], sample["mel"] = (np.ascontiguousarray(x, np.float32) for x in levels)
        sample["frame_length"] = np.int64(len(magnitude))
        return sample


def without_silence(magnitude):
    """Magnitudes [T, K] without the soft frames at both ends, but for two of them."""
    power = (magnitude**2).sum(1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-CUT_DB / 10))
    return magnitude[max(0, loud[0] - 2) : loud[-1] + 3]


def check_spectra(n_fft, stride, preemphasis, min_db):
    """Refuses sizes that no sound can be made of again."""
    if n_fft < 4 or n_fft % 2 or not 1 <= stride <= n_fft // 2:
        raise ConfigError(f"n_fft is {n_fft}, stride {stride}; n_fft is even, and stride 1 to n_fft / 2")
    if not 0 <= preemphasis < 1 or not min_db < 0:
        raise ConfigError(f"preemphasis is {preemphasis}, min_db {min_db}; allowed: 0 to below 1, and below 0")


def spectrum_to_audio(levels, spectra, power=1.4, iterations=32):
    """The audio float32 [S] of levels [T, K], by Griffin-Lim; the loudest sample is nearly full scale.

    Args:
        levels (ndarray): float [T, K], 0 to 1.
        spectra (SpeechSpectra): as which they were made.
        power (float): sharpens the magnitudes, which training smooths.
        iterations (int): of Griffin-Lim.
    """
    magnitude = level_to_magnitude(np.asarray(levels, np.float64), spectra.min_db, spectra.ref_db) ** power
    audio = griffin_lim(magnitude, spectra.n_fft, spectra.stride, iterations)
    audio = deemphasize(audio, spectra.preemphasis)
    return (audio * (LOUDEST / max(np.abs(audio).max(initial=0), 1e-12))).astype(np.float32)


def wav_bytes(audio, rate):
    """Samples [S] from -1 to 1 as the bytes of a WAV file of 16 bits."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(audio, -1, 1) * 32767).round().astype("<i2").tobytes())
    return file.getvalue()
