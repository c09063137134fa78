"""Log-mel spectrograms of windows, against numbers of transformers 5.24 and by hand."""

import numpy as np
import pytest

from common.audio.log_mel_window import LogMelWindow
from common.errors import BadSample, ConfigError


def test_a_window_has_the_numbers_of_transformers():
    """WhisperFeatureExtractor of a second of two tones, of which the features at these places are recorded."""
    time = np.arange(16000) / 16000
    audio = (0.3 * np.sin(2 * np.pi * 440 * time) + 0.1 * np.sin(2 * np.pi * 2500 * time)).astype(np.float32)
    found = LogMelWindow().compute(audio, 16000)
    assert found.shape == (3000, 80) and found.dtype == np.float32
    np.testing.assert_allclose(found[GOLDEN_AT], GOLDEN, atol=1e-5)
    np.testing.assert_allclose(found[150:], found.max() - 2, atol=1e-6)  # silence: 8 decades below the loudest, over 4


GOLDEN_AT = ([0, 0, 50, 50, 99, 101], [5, 40, 11, 42, 60, 3])
GOLDEN = [0.945759, 0.14754, 1.327279, -0.672721, -0.364384, 0.237369]


def test_a_recording_is_filled_with_silence_and_a_longer_one_refused():
    window = LogMelWindow(num_bins=8, seconds=0.5, n_fft=200, stride=80)
    assert window.compute(np.zeros(100, np.float32), 8000).shape == (50, 8)
    with pytest.raises(BadSample, match=r"a window has 0\.5 s"):
        window.compute(np.zeros(4001, np.float32), 8000)
    with pytest.raises(ConfigError, match="positive"):
        LogMelWindow(stride=0)
