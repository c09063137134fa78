"""Pipelines and collation are functions of (seed, epoch, index); errors name transform, file and index."""

import numpy as np
import pytest

from common.data.collate import collate
from common.data.pipeline import Pipeline
from common.data.transform import Transform
from common.errors import BadSample, ConfigError, DataError, DataIssue


class Numbers:
    """Sample i contains the number i; requested indexes are recorded."""

    def __init__(self, length=10):
        self.stored = [{"path": f"{i}.jpg", "value": np.array([float(i)])} for i in range(length)]
        self.asked = []

    def __len__(self):
        return len(self.stored)

    def __getitem__(self, index):
        self.asked.append(index)
        return self.stored[index]


class AddNoise(Transform):
    def __call__(self, sample, rng):
        sample["value"] += rng.normal()
        return sample


class Times10(Transform):
    def __call__(self, sample, rng):
        sample["value"] *= 10
        return sample


class MixIn(Transform):
    """Records the extra samples, unless `chance` decides not to access them."""

    extra = 2

    def __init__(self, chance=1.0):
        self.chance = chance

    def __call__(self, sample, rng, others):
        if rng.random() < self.chance:
            sample["mixed"] = [float(other["value"][0]) for other in others]
        return sample


class CommonShift(Transform):
    per_batch = True

    def __call__(self, samples, rng):
        shift = rng.integers(1000)
        for sample in samples:
            sample["shift"] = int(shift)
        return samples


class Refuse(Transform):
    def __init__(self, error):
        self.error = error

    def __call__(self, sample, rng):
        raise self.error


class Forget(Transform):
    def __call__(self, sample, rng):
        pass


def value(pipeline, index, epoch, dataset=None):
    return float(pipeline.sample(dataset or Numbers(), index, epoch)["value"][0])


def test_a_sample_depends_on_seed_epoch_and_index_alone():
    first = value(Pipeline([AddNoise()], seed=1), 3, 2)
    assert first == value(Pipeline([AddNoise()], seed=1), 3, 2)
    pipeline = Pipeline([AddNoise()], seed=1)
    value(pipeline, 9, 2)
    assert first == value(pipeline, 3, 2)
    assert first != value(pipeline, 3, 3)
    assert first != value(Pipeline([AddNoise()], seed=2), 3, 2)
    assert first - 3 != value(pipeline, 4, 2) - 4


def test_transforms_run_in_order_on_a_copy():
    dataset = Numbers()
    assert value(Pipeline([Times10(), Times10()]), 3, 0, dataset) == 300
    assert dataset.stored[3]["value"][0] == 3


def test_a_sample_knows_its_epoch():
    assert Pipeline([]).sample(Numbers(), 3, 7)["epoch"] == 7


def test_extra_samples_pass_through_the_preceding_transforms_only():
    sample = Pipeline([Times10(), MixIn(), Times10()]).sample(Numbers(), 3, 0)
    assert sample["value"][0] == 300
    assert len(sample["mixed"]) == 2 and all(mixed in range(0, 100, 10) for mixed in sample["mixed"])


def test_extra_samples_differ_from_epoch_to_epoch_and_cover_the_data_set():
    pipeline = Pipeline([MixIn()])
    drawn = [pipeline.sample(Numbers(), 0, epoch)["mixed"] for epoch in range(50)]
    assert {number for pair in drawn for number in pair} == set(range(10))
    assert drawn == [pipeline.sample(Numbers(), 0, epoch)["mixed"] for epoch in range(50)]


def test_extra_samples_are_not_read_unless_accessed():
    dataset = Numbers()
    Pipeline([MixIn(chance=0)]).sample(dataset, 3, 0)
    assert dataset.asked == [3]


def test_mixed_samples_can_be_mixed_again():
    dataset = Numbers()
    Pipeline([MixIn(), MixIn()]).sample(dataset, 3, 0)
    assert len(dataset.asked) == 9  # 3 samples, each with 2 others


def test_a_repeated_visit_reads_the_same_sample_with_other_random_numbers():
    dataset = Numbers()
    pipeline = Pipeline([AddNoise()])
    assert value(pipeline, 3, 0, dataset) != value(pipeline, 13, 0, dataset)
    assert dataset.asked == [3, 3]


def test_the_batch_stage_starts_at_the_first_transform_of_batches():
    pipeline = Pipeline([Times10(), CommonShift(), Times10()], seed=4)
    samples = [pipeline.sample(Numbers(), index, 0) for index in range(3)]
    assert [sample["value"][0] for sample in samples] == [0, 10, 20]
    samples = pipeline.batch(samples, epoch=0, step=5)
    assert [sample["value"][0] for sample in samples] == [0, 100, 200]
    assert len({sample["shift"] for sample in samples}) == 1


def test_a_batch_depends_on_seed_epoch_and_step_alone():
    def shift(seed, epoch, step):
        return Pipeline([CommonShift()], seed).batch([{}], epoch, step)[0]["shift"]

    shifts = [shift(*keys) for keys in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]]
    assert len(set(shifts)) == 4 and shift(0, 0, 0) == shifts[0]


def test_mixing_after_a_batch_transform_is_refused():
    with pytest.raises(ConfigError, match="MixIn mixes in other samples and must precede CommonShift"):
        Pipeline([CommonShift(), MixIn()])


def test_an_exception_names_file_index_and_transform():
    with pytest.raises(BadSample) as caught:
        Pipeline([Times10(), Refuse(KeyError("boxes"))]).sample(Numbers(), 3, 0)
    assert caught.value.index == 3
    assert caught.value.issue.file == "3.jpg"
    assert "Refuse failed: KeyError: 'boxes'" in str(caught.value)
    assert "sample 3" in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_bad_sample_keeps_its_own_issue_and_gains_the_index():
    issue = DataIssue("D107", "error", "a.json", "box lies outside", place="annotations[4]", fix="clip it")
    with pytest.raises(BadSample) as caught:
        Pipeline([Refuse(BadSample(issue))]).sample(Numbers(), 13, 0)
    assert caught.value.index == 3
    assert caught.value.issue == DataIssue(
        "D107", "error", "a.json", "box lies outside", "annotations[4], sample 3", "", "clip it"
    )


def test_an_error_in_an_extra_sample_names_that_sample():
    class OnlyZeroIsGood(Transform):
        def __call__(self, sample, rng):
            if sample["value"][0]:
                raise ValueError("not zero")
            return sample

    with pytest.raises(BadSample) as caught:
        Pipeline([OnlyZeroIsGood(), MixIn()]).sample(Numbers(1000), 0, 0)
    assert caught.value.index > 0
    assert caught.value.issue.file == f"{caught.value.index}.jpg"


def test_a_data_set_that_raises_is_named_with_the_file_of_the_exception():
    class Missing(Numbers):
        def __getitem__(self, index):
            return open("/nowhere/3.jpg")

    with pytest.raises(BadSample, match=r"reading failed: FileNotFoundError(.|\n)*/nowhere/3.jpg: sample 3"):
        Pipeline([]).sample(Missing(), 3, 0)


def test_a_configuration_error_of_a_transform_stays_one():
    with pytest.raises(ConfigError, match="no such size"):
        Pipeline([Refuse(ConfigError("no such size"))]).sample(Numbers(), 3, 0)


def test_a_transform_that_returns_nothing_is_named():
    with pytest.raises(BadSample, match=r"Forget failed: TypeError: it returned NoneType(.|\n)*3.jpg"):
        Pipeline([Forget()]).sample(Numbers(), 3, 0)


def test_a_failing_transform_of_batches_names_the_files():
    class Break(Transform):
        per_batch = True

        def __call__(self, samples, rng):
            raise ValueError("empty list")

    with pytest.raises(DataError, match=r"Break failed on batch 5 of epoch 1: ValueError: empty list\n.*a.jpg, b.jpg"):
        Pipeline([Break()]).batch([{"path": "a.jpg"}, {"path": "b.jpg"}], epoch=1, step=5)


def test_collate_stacks_arrays_and_keeps_lists():
    batch = collate(
        [
            {
                "path": "a",
                "image": np.zeros((3, 2, 2), np.float32),
                "label": 1,
                "weight": 0.5,
                "flag": True,
                "tags": ["x"],
            },
            {
                "path": "b",
                "image": np.ones((3, 2, 2), np.float32),
                "label": np.int32(2),
                "weight": 1,
                "flag": False,
                "tags": [],
            },
        ]
    )
    assert batch["path"] == ["a", "b"] and batch["tags"] == [["x"], []]
    assert batch["image"].shape == (2, 3, 2, 2) and batch["image"].dtype == np.float32
    assert batch["label"].tolist() == [1, 2] and batch["label"].dtype == np.int64
    assert batch["weight"].tolist() == [0.5, 1] and batch["weight"].dtype == np.float32
    assert batch["flag"].tolist() == [True, False] and batch["flag"].dtype == bool


def test_collate_pads_the_first_axis_to_the_longest():
    boxes = [np.ones((n, 4), np.float32) for n in (2, 0, 3)]
    batch = collate([{"boxes": b, "labels": np.zeros(len(b), np.int64)} for b in boxes], {"boxes": 0, "labels": -1})
    assert batch["boxes"].shape == (3, 3, 4) and batch["boxes"].sum(axis=(1, 2)).tolist() == [8, 0, 12]
    assert batch["labels"].tolist() == [[0, 0, -1], [-1, -1, -1], [0, 0, 0]]


def test_collate_pads_a_batch_of_empty_arrays_to_one_row():
    batch = collate([{"labels": np.zeros(0, np.int64)}] * 2, {"labels": -1})
    assert batch["labels"].tolist() == [[-1], [-1]]


def test_collate_keeps_arrays_as_they_are_when_padding_is_none():
    masks = [np.zeros((4, 5)), np.zeros((6, 7))]
    assert collate([{"mask": mask} for mask in masks], {"mask": None})["mask"] == masks


@pytest.mark.parametrize(
    "first, second, padding, said",
    [
        (np.zeros((3, 4)), np.zeros((3, 5)), {}, r"'x' differs.*float64 \[3, 4\] in a.jpg.*float64 \[3, 5\] in b.jpg"),
        (np.zeros((3, 4)), np.zeros((2, 5)), {"x": 0}, r"'x' differs.*only the first axis.*\[3, 4\].*\[2, 5\]"),
        (np.zeros(3, np.float32), np.zeros(3, np.uint8), {}, r"float32 \[3\] in a.jpg.*uint8 \[3\] in b.jpg"),
        (np.zeros(3), None, {}, r"float64 \[3\] in a.jpg.*NoneType in b.jpg"),
    ],
    ids=["shape", "padded", "type", "none"],
)
def test_collate_names_key_shapes_and_files_of_a_mismatch(first, second, padding, said):
    with pytest.raises(DataError, match=f"(?s){said}"):
        collate([{"path": "a.jpg", "x": first}, {"path": "b.jpg", "x": second}], padding)


def test_collate_names_a_missing_key():
    with pytest.raises(DataError, match=r"(?s)\['boxes'\].*a.jpg, b.jpg"):
        collate([{"path": "a.jpg", "boxes": 1}, {"path": "b.jpg"}])
