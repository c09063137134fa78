"""Acoustic features: compared with Kaldi and librosa, by hand, and in streaming."""

import pathlib

import numpy as np
import pytest

from common.audio.features import MFCC, LinearSpectrogram, MelSpectrogram
from common.audio.filter_bank import FilterBank
from common.audio.frames import (
    centered_frames,
    cosine_transform,
    cut_frames,
    hann_window,
    hertz_to_mel,
    mel_filters,
    mel_to_hertz,
    power_spectrum,
    reflected_frames,
)
from common.audio.stream import FeatureStream, audio_chunks, decode_pcm16
from common.data.transform import random_for
from common.errors import BadSample, ConfigError
from tests.common.audio.signals import tone, wav

GOLDEN = pathlib.Path(__file__).parents[1] / "golden/librosa.npz"


@pytest.fixture(scope="module")
def librosa():
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


def noise(samples=4000, seed=0):
    return (0.1 * random_for(seed).standard_normal(samples)).astype(np.float32)


def kaldi(audio, rate, **options):
    """The features of kaldi-native-fbank for samples in [-1, 1]."""
    package = pytest.importorskip("kaldi_native_fbank")
    settings = package.FbankOptions()
    settings.frame_opts.samp_freq, settings.frame_opts.dither = rate, 0
    settings.frame_opts.snip_edges = options.get("snip_edges", True)
    settings.mel_opts.num_bins = options.get("num_bins", 80)
    settings.use_energy = options.get("energy", False)
    settings.energy_floor = options.get("energy_floor", 0.0)
    computer = package.OnlineFbank(settings)
    computer.accept_waveform(rate, (audio * 32768).tolist())
    computer.input_finished()
    return np.stack([computer.get_frame(k) for k in range(computer.num_frames_ready)])


@pytest.mark.parametrize("rate, num_bins", [(8000, 40), (16000, 80), (44100, 80)])
def test_filter_banks_equal_those_of_kaldi(rate, num_bins):
    audio = noise(rate // 2)
    audio[rate // 8 : rate // 4] = 0  # digital silence, where the floor decides
    found = FilterBank(num_bins=num_bins).compute(audio, rate)
    expected = kaldi(audio, rate, num_bins=num_bins)
    assert found.shape == expected.shape and np.abs(found - expected).max() < 1e-3


@pytest.mark.parametrize("snip_edges", [True, False])
@pytest.mark.parametrize("floor", [0.0, 1e9])
def test_energy_and_reflected_ends_equal_those_of_kaldi(snip_edges, floor):
    audio, options = noise(3210), {"snip_edges": snip_edges, "energy": True, "energy_floor": floor}
    found, expected = FilterBank(**options).compute(audio, 16000), kaldi(audio, 16000, **options)
    assert found.shape == expected.shape == (18 if snip_edges else 20, 81)
    assert np.abs(found - expected).max() < 1e-3


def test_dither_is_drawn_from_the_generator_of_the_sample():
    bank = FilterBank(dither=1.0)
    first, again, other = (bank.compute(noise(), 16000, random_for(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_short_time_spectra_equal_those_of_librosa(librosa):
    window = np.pad(hann_window(200, periodic=True), 28)
    found = power_spectrum(centered_frames(librosa["audio"], 256, 100) * window, 256)
    assert np.allclose(found, librosa["stft_power"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mel_spectrograms_equal_those_of_librosa(librosa, scale):
    mel = MelSpectrogram(24, n_fft=256, window=200, stride=100, min_freq=50, log=False, scale=scale)
    assert np.allclose(mel.compute(librosa["audio"], 8000), librosa[f"mel_{scale}"], rtol=1e-3, atol=1e-6)


def test_cepstra_equal_those_of_librosa(librosa):
    found = MFCC(13, 24, n_fft=256, window=200, stride=100).compute(librosa["audio"], 8000)
    assert np.abs(found - librosa["mfcc"]).max() < 2e-3 * np.abs(librosa["mfcc"]).max()


def test_the_power_of_a_sine_is_at_its_frequency():
    """A sine of amplitude 1 has the power 1/2; over the whole spectrum, 50 Hz a bin, the density adds up to it."""
    features = LinearSpectrogram().compute(tone(1000, 8000, amplitude=1.0), 8000)
    assert features.shape == (99, 81) and (features.argmax(1) == 1000 // 50).all()
    assert np.exp(features[10]).sum() * 50 == pytest.approx(0.5, rel=0.02)


def test_frequencies_above_the_highest_are_left_out():
    assert LinearSpectrogram(max_freq=2000).compute(noise(), 8000).shape[1] == 41
    with pytest.raises(ConfigError, match="Hz is 4000"):
        LinearSpectrogram(max_freq=5000).compute(noise(), 8000)


def test_silence_has_finite_features():
    silence = np.zeros(4000, np.float32)
    for transform in (LinearSpectrogram(), FilterBank(num_bins=40), MelSpectrogram(40), MFCC(n_fft=512, num_bins=40)):
        assert np.isfinite(transform.compute(silence, 8000)).all(), type(transform).__name__


def test_audio_is_replaced_by_features_and_their_length():
    found = FilterBank(num_bins=40)({"audio": noise(), "rate": 8000, "path": "a.wav"}, random_for(0))
    assert set(found) == {"rate", "path", "features", "feature_length"}
    assert found["features"].dtype == np.float32 and found["features"].shape == (48, 40) == (
        found["feature_length"],
        40,
    )


def test_a_recording_shorter_than_a_frame_is_refused_with_its_line():
    sample = {"audio": noise(199), "rate": 8000, "path": "a.wav", "place": "line 7", "manifest": "m.jsonl"}
    with pytest.raises(BadSample, match=r"D145.*0.025 s long, shorter than one frame\n.*a.wav: m.jsonl: line 7"):
        FilterBank(num_bins=40)(sample, random_for(0))


def test_frames_by_hand():
    audio = np.arange(7.0)
    assert cut_frames(audio, 3, 2).tolist() == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert cut_frames(audio[:2], 3, 2).shape == (0, 3)
    assert centered_frames(audio[:4], 2, 2).tolist() == [[0, 0], [1, 2], [3, 0]]
    assert reflected_frames(audio[:4], 4, 2).tolist() == [[0, 0, 1, 2], [1, 2, 3, 3]]  # around 1 and 3


def test_mel_of_frequencies_by_hand():
    assert hertz_to_mel(700, "htk") == pytest.approx(1127 * np.log(2))
    assert hertz_to_mel([200, 1000, 6400], "slaney").tolist() == pytest.approx([3, 15, 42])  # 27 mel to 6400 Hz
    for scale in ("htk", "slaney"):
        assert mel_to_hertz(hertz_to_mel([50, 999, 1001, 7000], scale), scale) == pytest.approx([50, 999, 1001, 7000])


def test_mel_filters_without_fft_bins_are_refused():
    with pytest.raises(ConfigError, match="mel filters cover none of the 129 FFT bins"):
        mel_filters(8000, 256, 200, 20, 4000, "kaldi")
    with pytest.raises(ConfigError, match=r"out of range: .* at a rate of 8000 Hz"):
        mel_filters(8000, 256, 20, 20, 8000, "htk")


def test_the_cosine_transform_is_orthonormal():
    assert np.allclose(cosine_transform(8, 8).T @ cosine_transform(8, 8), np.eye(8))


TRANSFORMS = [
    FilterBank(num_bins=40),
    FilterBank(num_bins=40, energy=True),
    LinearSpectrogram(),
    LinearSpectrogram(5, 12),
]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda transform: type(transform).__name__)
@pytest.mark.parametrize("seed", range(3))
def test_streaming_features_equal_those_of_the_whole_recording(transform, seed):
    audio, rng = noise(5000, seed), random_for(seed)
    stream = FeatureStream(transform, 8000)
    for _ in range(2):
        pieces = np.split(audio, np.sort(rng.integers(0, 5000, 60)))  # some are empty, most shorter than a frame
        found = np.concatenate([stream.feed(piece) for piece in pieces])
        assert np.array_equal(found, transform.compute(audio, 8000))
        stream.reset()


def test_features_that_depend_on_several_frames_cannot_be_streamed():
    for transform in (MelSpectrogram(), FilterBank(snip_edges=False), FilterBank(dither=1.0)):
        with pytest.raises(ConfigError, match="stream"):
            FeatureStream(transform, 16000)
    with pytest.raises(BadSample, match="D142"):
        FeatureStream(FilterBank(), 16000).feed([0.1, np.nan])


def test_chunks_of_a_file_are_its_samples(tmp_path):
    audio = wav(tmp_path / "a.wav", noise(1000), 8000)
    pieces = list(audio_chunks(str(tmp_path / "a.wav"), 0.04, 8000))
    assert [len(piece) for piece in pieces] == [320, 320, 320, 40]
    assert np.array_equal(np.concatenate(pieces), audio)


def test_chunks_are_resampled(tmp_path):
    wav(tmp_path / "a.wav", tone(440, 16000), 16000)
    found = np.concatenate(list(audio_chunks(str(tmp_path / "a.wav"), 0.1, 8000)))
    assert len(found) == 8000 and np.abs(found - tone(440, 8000))[200:-200].max() < 2e-3


def test_pcm16_decoding_by_hand():
    data = np.array([16384, -32768, 0, 16384], "<i2").tobytes()
    assert decode_pcm16(data).tolist() == [0.5, -1.0, 0.0, 0.5]
    assert decode_pcm16(data, channels=2).tolist() == [-0.25, 0.25]
    with pytest.raises(BadSample, match="not whole samples"):
        decode_pcm16(data[:3])
