"""Volume normalization, and mean and variance normalization per utterance and global."""

import numpy as np
import pytest

from common.audio.normalize import NormalizeFeatures, NormalizeUtterance, NormalizeVolume
from common.build.learn_transforms import reader
from common.data.length_sampler import DurationSampler
from common.data.transform import Transform, random_for
from common.errors import BadSample, ConfigError, DataError
from tests.common.audio.signals import tone


def test_the_volume_is_normalized_to_the_target():
    """A sine of amplitude 0.5 has the power 1/8, -9.03 dB."""
    found = NormalizeVolume(-20)({"audio": tone(440, 8000)}, random_for(0))["audio"]
    assert 10 * np.log10(np.mean(found.astype(float) ** 2)) == pytest.approx(-20, abs=0.01)


def test_silence_is_unchanged_and_the_gain_is_limited():
    assert not NormalizeVolume()({"audio": np.zeros(9, np.float32)}, random_for(0))["audio"].any()
    soft = tone(440, 8000, amplitude=1e-4)
    found = NormalizeVolume(max_gain_db=20)({"audio": soft}, random_for(0))["audio"]
    assert np.allclose(found, 10 * soft)


def test_each_feature_of_a_recording_gets_mean_0_and_variance_1():
    """Of (1, 3) the mean is 2 and the deviation 1; a feature that never changes becomes 0."""
    features = np.array([[1.0, 5.0], [3.0, 5.0]], np.float32)
    found = NormalizeUtterance()({"features": features}, random_for(0))["features"]
    assert found.tolist() == [[-1, 0], [1, 0]] and found.dtype == np.float32
    found = NormalizeUtterance(variance=False)({"features": features * 2}, random_for(0))["features"]
    assert found.tolist() == [[-2, 0], [2, 0]]


class Ramps:
    """Recordings k of k + 1 frames with the features (k, 7)."""

    def __init__(self, count=10):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return {"features": np.full((index + 1, 2), (index, 7), np.float32), "path": f"{index}.wav"}


class Spoil(Transform):
    augments = True

    def __call__(self, sample, rng):
        raise AssertionError("statistics are learned without augmentation")


def learned(transform, data, steps=()):
    with reader(data, [step for step in steps if not step.augments], transform, "error") as loader:
        transform.fit(loader.epoch(0))
    return transform


def test_the_statistics_are_the_mean_and_deviation_of_all_frames(tmp_path):
    transform = NormalizeFeatures(str(tmp_path / "new/a.stats"))
    assert not transform.is_fitted()
    learned(transform, Ramps(), [Spoil()])
    frames = np.repeat(np.arange(10), np.arange(1, 11))
    again = NormalizeFeatures(str(tmp_path / "new/a.stats"))
    assert again.is_fitted()
    found = again({"features": np.array([[4, 9]], np.float32)}, random_for(0))["features"]
    assert found[0, 0] == pytest.approx((4 - frames.mean()) / frames.std()) and found[0, 1] == pytest.approx(2)
    assert again.statistics["frames"].tolist() == [55]


def test_the_number_of_utterances_for_the_statistics_can_be_limited(tmp_path):
    transform = learned(NormalizeFeatures(str(tmp_path / "a.stats"), utterances=3), Ramps())
    same = learned(NormalizeFeatures(str(tmp_path / "b.stats"), utterances=3), Ramps())
    assert 6 <= transform.statistics["frames"][0] < 55 and transform.statistics["frames"] == same.statistics["frames"]


def test_other_features_and_missing_or_broken_files_are_refused(tmp_path):
    path = tmp_path / "a.stats"
    with pytest.raises(DataError, match=r"D104.*the statistics are missing\n  fix: tools/fit.py"):
        NormalizeFeatures(str(path)).normalize(np.zeros((1, 2)))
    path.write_bytes(b"no")
    with pytest.raises(DataError, match="D112"):
        NormalizeFeatures(str(path)).normalize(np.zeros((1, 2)))
    transform = learned(NormalizeFeatures(str(path)), Ramps())
    with pytest.raises(BadSample, match=r"D148.*3 features per frame; .* has statistics of 2"):
        transform({"features": np.zeros((5, 3), np.float32), "path": "a.wav"}, random_for(0))


# Batches by duration -------------------------------------------------------------------------------------------------


class Durations:
    def __init__(self, count=300):
        self.lengths = np.random.default_rng(0).uniform(0.3, 9.0, count)


def test_no_batch_exceeds_the_maximum_duration_padding_included():
    data = Durations()
    sampler = DurationSampler(300, 64, data, seconds=20.0)
    for epoch in (0, 1):
        batches = sampler.batches(epoch)
        assert all(len(batch) * data.lengths[batch].max() <= 20 for batch in batches)
        assert sorted(k for batch in batches for k in batch) == list(range(300)) and len(batches) == len(sampler)


def test_durations_are_not_rounded_to_seconds():
    """20 seconds have room for 40 recordings of half a second."""
    data = Durations()
    data.lengths = np.full(300, 0.5)
    assert {len(batch) for batch in DurationSampler(300, 64, data, seconds=20.0).batches(0)} == {40, 20}


@pytest.mark.parametrize("seconds", [0.0, 20.0])
def test_the_first_epochs_go_from_short_to_long_and_the_others_do_not(seconds):
    data = Durations()
    sampler = DurationSampler(300, 10, data, seconds=seconds, sorted_epochs=1)
    longest = [[data.lengths[batch].max() for batch in sampler.batches(epoch)] for epoch in (0, 1)]
    assert longest[0] == sorted(longest[0]) and longest[1] != sorted(longest[1]) and len(longest[0]) == len(longest[1])


def test_processes_share_every_batch_by_duration():
    data = Durations()
    parts = [DurationSampler(300, 10, data, seconds=20.0, sorted_epochs=1, rank=r, world=2) for r in range(2)]
    for epoch in (0, 1):
        first, second = (part.batches(epoch) for part in parts)
        assert len(first) == len(second) == len(parts[0]) and all(a and b for a, b in zip(first, second))


def test_a_recording_longer_than_the_maximum_duration_of_a_batch_is_refused():
    with pytest.raises(ConfigError, match=r"seconds is 5.0, but the longest sample has 8\."):
        DurationSampler(300, 10, Durations(), seconds=5.0)
