"""Samples of several arrays, with as many axes as clips have, go through workers and shared memory unchanged."""

import numpy as np
import pytest

from common.data import shared_memory, workers
from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import EvaluationSampler
from common.errors import DataError
from tests.common.data.loader_programs.samples import WORKERS, assert_equal


class Clips:
    """Clips of different lengths, and two images, a mask and boxes beside them."""

    padding = {"clip": 0, "boxes": 0}

    def __init__(self, height=4):
        self.height = height

    def __len__(self):
        return 7

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        return {
            "path": f"{index}.mp4",
            "clip": rng.normal(size=(1 + index % 3, 3, 4, 5)).astype("float32"),
            "image_a": rng.integers(0, 256, (3, self.height + (index == 5) * (self.height - 4), 4), "uint8"),
            "image_b": rng.normal(size=(4, 4, 3)).astype("float64").transpose(2, 0, 1),
            "mask": rng.integers(0, 2, (4, 4)).astype(bool),
            "boxes": np.zeros((index % 2, 4), "float32"),
            "label": index,
        }


@pytest.fixture(scope="module")
def expected():
    """The batches of three as one process makes them."""
    return list(Loader(Clips(), Pipeline([]), EvaluationSampler(7, 3)).epoch(0))


def test_a_batch_holds_every_array_with_its_axes_and_type(expected):
    first = expected[0]
    kinds = {name: (str(first[name].dtype), first[name].shape) for name in first if name not in ("path", "epoch")}
    assert kinds == {
        "clip": ("float32", (3, 3, 3, 4, 5)),
        "image_a": ("uint8", (3, 3, 4, 4)),
        "image_b": ("float64", (3, 3, 4, 4)),
        "mask": ("bool", (3, 4, 4)),
        "boxes": ("float32", (3, 1, 4)),
        "label": ("int64", (3,)),
    }
    sample = Clips()[1]
    np.testing.assert_array_equal(first["clip"][1, :2], sample["clip"])
    assert not first["clip"][1, 2:].any()
    np.testing.assert_array_equal(first["image_b"][1], sample["image_b"])


@pytest.mark.parametrize("size", [None, 0, 256, 4096])
def test_batches_are_the_same_however_they_travel(size, expected, monkeypatch):
    monkeypatch.setattr(workers, "Slot", lambda: shared_memory.Slot(size))
    for count in WORKERS[1:3]:
        with Loader(Clips(), Pipeline([]), EvaluationSampler(7, 3), count) as loader:
            assert_equal(loader.epoch(0), expected)


def test_a_slot_gives_back_what_was_put():
    batch = {
        "clip": np.arange(720, dtype="float32").reshape(2, 3, 2, 4, 15)[:, :, ::-1],
        "empty": np.zeros((0, 3, 2, 2, 2)),
    }
    slot = shared_memory.Slot(1 << 16)
    message = slot.put(batch)
    found = slot.take(message)
    assert message[1][0][0] == "clip" and list(found) == ["clip", "empty"]
    np.testing.assert_array_equal(found["clip"], batch["clip"])
    assert found["empty"].shape == (0, 3, 2, 2, 2)
    slot.put({"clip": np.zeros(720, "float32")})
    assert found["clip"].any()  # a copy


@pytest.mark.parametrize("count", [0, 2])
def test_of_several_images_the_one_that_differs_is_named(count):
    with (
        Loader(Clips(height=8), Pipeline([]), EvaluationSampler(7, 3), count) as loader,
        pytest.raises(
            DataError, match=r"'image_a' differs within a batch(.|\n)*\[3, 8, 4\] in 3.mp4\n.*\[3, 12, 4\] in 5.mp4"
        ),
    ):
        list(loader.epoch(0))
