"""Spectra of sound and back, levels, and the transform of recordings."""

import io
import wave

import numpy as np
import pytest

from common.audio import griffin_lim as gl
from common.audio.speech_spectra import SpeechSpectra, spectrum_to_audio, wav_bytes
from common.data.transform import random_for
from common.errors import BadSample, ConfigError

RNG = np.random.default_rng(0)


def test_the_inverse_transform_undoes_the_transform():
    audio = RNG.standard_normal(640)
    spectra = gl.stft(audio, 64, 16)
    assert spectra.shape == (41, 33)
    np.testing.assert_allclose(gl.inverse_stft(spectra, 64, 16), audio, atol=1e-12)


def test_a_tone_has_its_energy_in_its_bin():
    audio = np.cos(2 * np.pi * 8 * np.arange(640) / 64)
    magnitude = np.abs(gl.stft(audio, 64, 16))[20]
    assert magnitude.argmax() == 8 and magnitude[8] == pytest.approx(16)  # a quarter of the window's 64 samples
    assert magnitude[7] == pytest.approx(8) and magnitude[4] < 1e-9


def test_the_transform_is_that_of_librosa():
    librosa = pytest.importorskip("librosa")
    audio = RNG.standard_normal(3000)
    expected = librosa.stft(audio, n_fft=256, hop_length=64, pad_mode="reflect").T
    np.testing.assert_allclose(gl.stft(audio, 256, 64), expected, atol=1e-5)


def distance(audio, magnitude):
    return np.linalg.norm(np.abs(gl.stft(audio, 128, 32)) - magnitude) / np.linalg.norm(magnitude)


def test_more_iterations_come_nearer_to_the_magnitudes():
    time = np.arange(4096) / 8000
    magnitude = np.abs(gl.stft(np.sin(2 * np.pi * (300 + 400 * time) * time), 128, 32))
    errors = [distance(gl.griffin_lim(magnitude, 128, 32, n), magnitude) for n in (0, 8, 64)]
    assert errors[0] > 1.5 * errors[1] > 1.5 * errors[2] and errors[2] < 0.25
    slow = distance(gl.griffin_lim(magnitude, 128, 32, 64, momentum=0.0), magnitude)
    assert errors[2] < slow


def test_deemphasis_undoes_emphasis():
    assert gl.emphasize(np.array([1.0, 1.0, 2.0]), 0.5).tolist() == [1.0, 0.5, 1.5]
    assert gl.deemphasize(np.array([1.0, 0.5, 1.5]), 0.5).tolist() == [1.0, 1.0, 2.0]


def test_levels_are_decibels_between_their_limits():
    magnitude = np.array([0.0, 1e-4, 1.0, 10.0, 100.0])  # relative to 20 dB: beyond the limits, -100, -20, 0, beyond
    levels = gl.magnitude_to_level(magnitude, -100, 20)
    np.testing.assert_allclose(levels, [0, 0, 0.8, 1, 1], atol=1e-12)
    np.testing.assert_allclose(gl.level_to_magnitude(levels, -100, 20), [1e-4, 1e-4, 1, 10, 10])


def tone(seconds=0.5, silence=0.0, rate=8000):
    audio = 0.1 * np.sin(2 * np.pi * 500 * np.arange(int(seconds * rate)) / rate)
    return np.pad(audio, int(silence * rate)).astype(np.float32)


def spectra(**more):
    return SpeechSpectra(num_bins=20, n_fft=256, stride=64, max_freq=3800, **more)


def test_a_recording_becomes_levels_of_mel_bins_and_of_frequencies():
    sample = spectra()({"audio": tone(), "rate": 8000}, random_for(0))
    assert sample["linear"].shape == (63, 129) and sample["mel"].shape == (63, 20) and sample["frame_length"] == 63
    assert "audio" not in sample and sample["linear"].dtype == np.float32
    assert sample["linear"][30, 16] == sample["linear"].max() and 0 <= sample["mel"].min() <= sample["mel"].max() <= 1


def test_silence_at_both_ends_is_cut_to_two_frames():
    whole = spectra()({"audio": tone(silence=0.4), "rate": 8000}, random_for(0))["frame_length"]
    cut = spectra(trim=True)({"audio": tone(silence=0.4), "rate": 8000}, random_for(0))["frame_length"]
    assert whole == 163 and 63 <= cut <= 63 + 2 * (2 + 256 // 64)


def test_a_silent_recording_is_refused_by_its_line():
    with pytest.raises(BadSample, match="silent throughout") as error:
        sample = {"audio": np.zeros(900, np.float32), "rate": 8000, "path": "a.wav", "place": "line 7"}
        spectra()(sample, random_for(0))
    assert "line 7" in str(error.value)


@pytest.mark.parametrize("given", [{"n_fft": 255}, {"stride": 600}, {"preemphasis": 1.0}, {"min_db": 0.0}])
def test_sizes_that_no_sound_can_be_made_of_are_refused(given):
    with pytest.raises(ConfigError):
        SpeechSpectra(**given)


def test_the_sound_of_a_spectrogram_has_its_frequency():
    transform = spectra(ref_db=60)
    levels = transform({"audio": tone(), "rate": 8000}, random_for(0))["linear"]
    audio = spectrum_to_audio(levels, transform)
    power = np.abs(np.fft.rfft(audio[500:3500]))
    assert len(audio) == 62 * 64 and np.abs(audio).max() == pytest.approx(0.999, abs=1e-4)
    assert abs(power.argmax() * 8000 / 3000 - 500) < 8


def test_a_wav_file_holds_the_samples():
    with wave.open(io.BytesIO(wav_bytes(np.array([0.0, 0.5, -2.0]), 8000))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [0, 16384, -32767]
