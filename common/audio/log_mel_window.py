"""Log-mel spectrograms of windows of a fixed length, as Whisper takes them (https://arxiv.org/abs/2212.04356, 2.2).

Shapes in this file:
    S samples, T frames, F features per frame.
"""

import numpy as np

from common.audio.features import Features
from common.audio.frames import cut_frames, hann_window, mel_filters, power_spectrum
from common.data.refusals import bad_file
from common.errors import ConfigError

LEAST, RANGE = 1e-10, 8.0  # the least power, and decades below the loudest that are kept


class LogMelWindow(Features):
    """The log-mel spectrogram of `seconds` of sound, filled with silence; of decades, the loudest at about 1.

    Longer recordings are refused: a task cuts them before.

    Args:
        num_bins (int): F, mel bins.
        seconds (float): of a window.
        n_fft (int): samples of a frame.
        stride (int): frame shift in samples.
    """

    alike = True

    def __init__(self, num_bins=80, seconds=30.0, n_fft=400, stride=160):
        if num_bins < 1 or seconds <= 0 or n_fft < 2 or stride < 1:
            raise ConfigError(
                f"num_bins is {num_bins}, seconds {seconds}, n_fft {n_fft}, stride {stride}; all are positive"
            )
        self.num_bins, self.seconds, self.n_fft, self.stride = num_bins, seconds, n_fft, stride

    def compute(self, audio, rate, rng=None):
        """float32 [T, F] of samples [S], T = seconds * rate / stride; raises BadSample D145 for a longer recording."""
        size = int(self.seconds * rate)
        if len(audio) > size:
            message = f"{len(audio) / rate:.1f} s long, a window has {self.seconds:g} s"
            raise bad_file("D145", "a recording", message, fix="cut it")
        whole = np.zeros(size)
        whole[: len(audio)] = audio
        frames = cut_frames(np.pad(whole, self.n_fft // 2, mode="reflect"), self.n_fft, self.stride)
        power = power_spectrum(frames[: size // self.stride] * hann_window(self.n_fft, periodic=True), self.n_fft)
        filters = mel_filters(rate, self.n_fft, self.num_bins, 0.0, rate / 2, "slaney")
        decades = np.log10(np.maximum(power @ filters, LEAST))
        return ((np.maximum(decades, decades.max() - RANGE) + 4) / 4).astype(np.float32)
