"""Audio augmentation has the requested effect, measured on the output, and is reproducible."""

import numpy as np
import pytest

from common.audio.augment import (
    ChangeSpeed,
    ChangeVolume,
    ShiftTime,
    SpecAugment,
    change_speed,
    draw_mask,
    shift_samples,
    warp_time,
)
from common.audio.noise import (
    AddNoise,
    AddWhiteNoise,
    Reverberate,
    ReverberateSynthetic,
    convolve_impulse,
    mix_at_snr,
    random_segment,
    synthesize_impulse,
)
from common.data.transform import random_for
from common.errors import ConfigError, DataError
from tests.common.audio.signals import tone, wav

RATE = 8000


def power(audio):
    return float(np.mean(np.square(audio, dtype=np.float64)))


def ratio_db(speech, sum_of_both):
    """The signal-to-noise ratio of the mixture in decibels."""
    return 10 * np.log10(power(speech) / power(sum_of_both - speech))


def sample(audio=None):
    return {"audio": tone(440, RATE, amplitude=0.2) if audio is None else audio, "rate": RATE, "path": "a.wav"}


def loudest_frequency(audio):
    return np.abs(np.fft.rfft(audio)).argmax() * RATE / len(audio)


@pytest.mark.parametrize("speed, frequency", [(0.9, 396), (1.1, 484), (2.0, 880)])
def test_a_faster_recording_is_shorter_and_higher(speed, frequency):
    found = change_speed(tone(440, RATE), speed)
    assert abs(len(found) - RATE / speed) <= 1 and found.dtype == np.float32
    assert loudest_frequency(found) == pytest.approx(frequency, abs=1.5)


def test_speeds_are_drawn_and_the_duration_follows():
    found = [ChangeSpeed([0.5, 1.0])(sample(), random_for(seed)) for seed in range(12)]
    assert {len(one["audio"]) for one in found} == {RATE, 2 * RATE}
    assert all(one.get("duration", 1.0) == len(one["audio"]) / RATE for one in found)


def test_gains_are_decibels():
    """6.0206 dB are a factor of 2."""
    found = ChangeVolume(6.0206, 6.0206)(sample(), random_for(0))["audio"]
    assert np.allclose(found, 2 * tone(440, RATE, amplitude=0.2), atol=1e-5)
    assert ChangeVolume(40, 40)(sample(), random_for(0))["audio"].max() == 1.0


def test_shifts_by_hand():
    audio = np.arange(1, 5, dtype=np.float32)
    assert shift_samples(audio, 1).tolist() == [0, 1, 2, 3] and shift_samples(audio, -1).tolist() == [2, 3, 4, 0]
    assert shift_samples(audio, 0).tolist() == [1, 2, 3, 4] and shift_samples(audio, -4).tolist() == [0, 0, 0, 0]


def test_shifts_have_both_signs_and_stay_within_the_limit():
    click = np.zeros(RATE, np.float32)
    click[4000] = 1
    places = [ShiftTime(1.0)(sample(click), random_for(seed))["audio"].argmax() - 4000 for seed in range(60)]
    assert min(places) == -8 and max(places) == 8


@pytest.mark.parametrize("snr", [-5.0, 0.0, 20.0])
def test_noise_is_added_at_the_requested_snr(snr):
    speech = tone(440, RATE, amplitude=0.1)
    found = mix_at_snr(speech, random_for(0).standard_normal(RATE).astype(np.float32), snr)
    assert ratio_db(speech, found) == pytest.approx(snr, abs=0.01)


def test_a_sum_beyond_full_scale_keeps_its_ratio():
    speech, noise = tone(440, RATE, amplitude=0.9), tone(1000, RATE, amplitude=0.7)
    found = mix_at_snr(speech, noise, 0.0)
    spectrum = np.abs(np.fft.rfft(found))
    assert np.abs(found).max() == pytest.approx(1.0) and spectrum[440] == pytest.approx(spectrum[1000], rel=1e-3)


def test_silence_stays_silent():
    silence, loud = np.zeros(RATE, np.float32), tone(440, RATE)
    assert not mix_at_snr(silence, loud, 0).any() and np.array_equal(mix_at_snr(loud, silence, 0), loud)
    assert not convolve_impulse(silence, np.ones(3)).any() and np.array_equal(convolve_impulse(loud, np.zeros(3)), loud)


def test_white_noise_has_the_drawn_snr():
    ratios = [
        ratio_db(sample()["audio"], AddWhiteNoise(10, 20)(sample(), random_for(seed))["audio"]) for seed in range(30)
    ]
    assert 10 <= min(ratios) < 12 and 18 < max(ratios) <= 20.01


@pytest.fixture
def noises(tmp_path):
    """A folder with short noise and long noise at another sample rate, and a manifest of the first."""
    (tmp_path / "in").mkdir()
    wav(tmp_path / "in/long.wav", 0.3 * random_for(1).uniform(-1, 1, 64000), 16000)
    wav(tmp_path / "short.WAV", tone(1000, RATE, 0.25), RATE)
    (tmp_path / "noises.jsonl").write_text('{"audio_filepath": "short.WAV"}\n')
    return tmp_path


def test_noise_of_a_folder_and_of_a_manifest_is_added_at_the_requested_snr(noises):
    for place in (noises, noises / "noises.jsonl"):
        transform = AddNoise(str(place), 5, 5)
        for seed in range(4):
            found = transform(sample(), random_for(seed))["audio"]
            assert ratio_db(sample()["audio"], found) == pytest.approx(5, abs=0.01)


def test_short_noise_is_repeated_and_a_segment_of_long_noise_is_used(noises):
    repeated = random_segment(str(noises / "short.WAV"), RATE, RATE, random_for(0))
    assert len(repeated) == RATE and np.array_equal(repeated[:2000], repeated[2000:4000])
    parts = [random_segment(str(noises / "in/long.wav"), RATE, RATE, random_for(seed)) for seed in range(3)]
    assert all(len(one) == RATE for one in parts) and not np.array_equal(parts[0], parts[1])


def test_noise_is_added_with_the_given_probability(noises):
    changed = sum(
        "audio" in one and not np.array_equal(one["audio"], sample()["audio"])
        for one in [AddNoise(str(noises), 5, 5, probability=0.5)(sample(), random_for(seed)) for seed in range(40)]
    )
    assert 10 < changed < 30


def test_a_folder_without_audio_files_and_a_line_without_a_path_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"D117.*no audio files"):
        AddNoise(str(tmp_path))
    (tmp_path / "bad.jsonl").write_text('{"audio_filepath": "a.wav"}\n{"path": 1}\n')
    with pytest.raises(DataError, match=r"D118[^$]*line 2"):
        Reverberate(str(tmp_path / "bad.jsonl"))


def test_convolution_with_an_impulse_response_by_hand():
    """The loudest sample of the response is the direct sound; (1, 2) * (0.5, 1, 0.25) is (0.5, 2, 2.25, 0.5)."""
    found = convolve_impulse(np.array([0.1, 0.2, 0.0]), np.array([0.5, 1.0, 0.25]))
    wanted = np.array([2.0, 2.25, 0.5])
    assert np.allclose(found / np.abs(found).max(), wanted / 2.25, atol=1e-6)
    assert power(found) == pytest.approx(0.05 / 3)


def test_a_unit_impulse_changes_nothing(tmp_path):
    click = np.zeros(100)
    click[30] = 0.5
    wav(tmp_path / "click.wav", click, RATE)
    found = Reverberate(str(tmp_path))(sample(), random_for(0))["audio"]
    assert np.allclose(found, sample()["audio"], atol=1e-6)


def test_a_synthetic_impulse_response_has_the_requested_decay():
    """60 dB in 0.5 s are 24 dB from 0.1 s to 0.3 s; the direct sound has 10 times the energy of the rest."""
    response = synthesize_impulse(random_for(0).standard_normal(4000), 0.5, 10.0, RATE)
    levels = [10 * np.log10(power(response[place - 200 : place + 200])) for place in (800, 2400)]
    assert levels[0] - levels[1] == pytest.approx(24, abs=1.5)
    assert response[0] == 1 and np.sum(response[1:] ** 2) == pytest.approx(0.1)


def test_synthetic_reverberation_preserves_power_and_length():
    found = ReverberateSynthetic()(sample(), random_for(0))["audio"]
    assert found.dtype == np.float32 and found.shape == (RATE,) and power(found) == pytest.approx(0.02, rel=1e-3)


def test_the_same_seed_changes_a_recording_in_the_same_way(noises):
    for transform in (ChangeVolume(), AddNoise(str(noises)), AddWhiteNoise(), ReverberateSynthetic(), ShiftTime()):
        first, again, other = (transform(sample(), random_for(seed))["audio"] for seed in (3, 3, 4))
        assert np.array_equal(first, again) and not np.array_equal(first, other), type(transform).__name__


def masked(features):
    """The numbers of features and of frames that are completely 0."""
    return np.flatnonzero((features == 0).all(0)), np.flatnonzero((features == 0).all(1))


def test_masks_have_the_widths_allowed():
    transform = SpecAugment(frequency_masks=1, frequency_width=5, time_masks=1, time_width=30, time_share=0.1)
    widths = set()
    for seed in range(200):
        found = transform({"features": np.ones((100, 40), np.float32)}, random_for(seed))["features"]
        bands, frames = masked(found)
        widths.add((len(bands), len(frames)))
        for run in (bands, frames):
            assert len(run) == 0 or run[-1] - run[0] == len(run) - 1
    assert max(w for w, _ in widths) == 5 and max(w for _, w in widths) == 10 and (0, 0) in widths


def test_masks_reach_both_ends():
    places = [draw_mask(random_for(seed), 10, 4) for seed in range(300)]
    assert min(start for start, _ in places) == 0 and max(end for _, end in places) == 10
    assert {end - start for start, end in places} == {0, 1, 2, 3, 4}


def test_masking_copies_the_features_and_uses_the_fill_value():
    given = np.ones((50, 20), np.float32)
    found = SpecAugment(frequency_width=20, fill=-3.0)({"features": given}, random_for(1))["features"]
    assert (given == 1).all() and set(np.unique(found)) == {-3.0, 1.0}


def test_a_warp_by_hand():
    """Frame 2 of 5 moves to 3: time runs at 2/3 before it and at 2 after it."""
    features = np.array([[0.0], [1], [2], [3], [4]])
    assert np.allclose(warp_time(features, 2, 1)[:, 0], [0, 2 / 3, 4 / 3, 2, 4])
    assert np.array_equal(warp_time(features, 2, 0), features)


def test_a_warp_keeps_the_number_of_frames():
    transform = SpecAugment(time_warp=10, frequency_masks=0, time_masks=0)
    ramp = np.repeat(np.arange(60, dtype=np.float32)[:, None], 3, 1)
    found = transform({"features": ramp}, random_for(0))["features"]
    assert found.shape == (60, 3) and (np.diff(found[:, 0]) > 0).all() and not np.array_equal(found, ramp)
    short = transform({"features": ramp[:20]}, random_for(0))["features"]  # too short to be warped
    assert np.array_equal(short, ramp[:20])


@pytest.mark.parametrize(
    "make",
    [
        lambda: ChangeSpeed([0.0]),
        lambda: ChangeSpeed([]),
        lambda: ChangeVolume(3, -3),
        lambda: ShiftTime(-1),
        lambda: AddWhiteNoise(30, 10),
        lambda: AddWhiteNoise(probability=2),
        lambda: ReverberateSynthetic(min_t60=0),
        lambda: SpecAugment(time_share=1.5),
        lambda: SpecAugment(time_masks=-1),
    ],
)
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(ConfigError):
        make()
