"""Tiny datasets and transforms for the tests of the loader."""

import time

import numpy as np

from common.data.pipeline import Pipeline
from common.data.transform import Transform

WORKERS = [0, 1, 2, 5]


class Images:
    padding = {"boxes": 0}

    def __init__(self, length=37, bad=()):
        self.length, self.bad = length, set(bad)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index in self.bad:
            raise OSError(5, "the disk is bad", f"{index}.jpg")
        boxes = np.full((index % 4, 4), index, np.float32)
        return {"path": f"{index}.jpg", "image": np.full((3, 8, 8), index, np.float32), "boxes": boxes, "label": index}


class Stream:
    def __init__(self, length=37):
        self.length = length

    def iterate(self, shard, num_shards, epoch):
        for number in range(shard, self.length, num_shards):
            yield {"number": number + 1000 * epoch, "value": np.zeros(2, np.float32)}


class Noise(Transform):
    def __call__(self, sample, rng):
        name = "image" if "image" in sample else "value"
        sample[name] += rng.normal(size=sample[name].shape).astype(np.float32)
        return sample


class Blend(Transform):
    extra = 1

    def __call__(self, sample, rng, others):
        sample["image"] = (sample["image"] + others[0]["image"]) / 2
        return sample


class Crop(Transform):
    per_batch = True

    def __call__(self, samples, rng):
        size = int(rng.integers(4, 9))
        for sample in samples:
            sample["image"] = sample["image"][:, :size, :size]
        return samples


class Slow(Transform):
    def __call__(self, sample, rng):
        time.sleep(0.2)
        return sample


def augmented():
    return Pipeline([Noise(), Blend(), Noise(), Crop()], seed=3)


def assert_equal(batches, others):
    for batch, other in zip(batches, others, strict=True):
        assert list(batch) == list(other)
        for name, value in batch.items():
            if isinstance(value, np.ndarray):
                assert value.dtype == other[name].dtype
                np.testing.assert_array_equal(value, other[name])
            else:
                assert value == other[name]
