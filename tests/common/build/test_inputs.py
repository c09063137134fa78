"""Tests of batches against the inputs that a model declares."""

import numpy as np
import pytest

from common.build.inputs import check_inputs, sizes_in
from common.errors import ConfigError

INPUTS = {"image": ([None, 3, None, None], "float32"), "im_shape": ([-1, 2], "float32")}


def batch(**changed):
    return {"image": np.zeros((2, 3, 64, 96), "float32"), "im_shape": np.zeros((2, 2), "float32"), "path": []} | changed


def test_a_batch_as_declared_passes_with_additional_arrays():
    check_inputs(INPUTS, batch(more=1), "data.train", multiple=32)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"image": None}, ["data.train gives no 'image'", "image, im_shape", "Decode"]),
        ({"image": np.zeros((2, 64, 96, 3), "uint8")}, ["uint8[2, 64, 96, 3]", "float32[any, 3, any, any]"]),
        ({"image": [1, 2]}, ["'image' as a list"]),
        ({"im_shape": np.zeros((2, 3), "float32")}, ["'im_shape'", "[2, 3]"]),
        ({"im_shape": np.zeros((2, 2), "int64")}, ["'im_shape' as int64"]),
        ({"image": np.zeros((2, 3, 64, 100), "float32")}, ["64 x 100", "multiples of 32", "PadBatch"]),
    ],
)
def test_a_batch_that_differs_is_refused_with_what_was_given_and_what_is_taken(changed, words):
    with pytest.raises(ConfigError) as refusal:
        check_inputs(INPUTS, batch(**changed), "data.train", multiple=32)
    assert [word for word in words if word not in str(refusal.value)] == []


SEVERAL = {
    "image_a": ([None, 3, None, None], "float32"),
    "clip": ([None, None, 3, None, None], "float32"),
    "ids": ([None, None], "int64"),
}


def several(**changed):
    arrays = {"image_a": np.zeros((2, 3, 32, 64), "float32"), "clip": np.zeros((2, 5, 3, 64, 96), "float32")}
    return arrays | {"ids": np.zeros((2, 4), "int64")} | changed


def test_images_of_any_name_and_clips_are_taken_as_declared():
    check_inputs(SEVERAL, several(), "data.train", multiple=32)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"clip": np.zeros((2, 5, 3, 64, 100), "float32")}, ["'clip' of 64 x 100", "multiples of 32"]),
        ({"image_a": np.zeros((2, 3, 33, 64), "float32")}, ["'image_a' of 33 x 64", "multiples of 32"]),
        ({"image_a": None, "image": 1}, ["gives no 'image_a'", "there is clip, ids, image", "On with `key: image_a`"]),
        ({"clip": None}, ["gives no 'clip'", "PerFrame with `key: clip`", "Normalize as its last transform"]),
        ({"clip": np.zeros((2, 5, 64, 96, 3), "uint8")}, ["uint8[2, 5, 64, 96, 3]", "PerFrame with `key: clip`"]),
        ({"ids": None}, ["gives no 'ids'; the model takes image_a, clip, ids; there is clip, "]),
    ],
)
def test_an_input_of_another_name_is_refused_with_what_makes_it(changed, words):
    with pytest.raises(ConfigError) as refusal:
        check_inputs(SEVERAL, several(**changed), "data.train", multiple=32)
    assert [word for word in words if word not in str(refusal.value)] == []


def test_the_size_that_decides_is_the_last_one_of_each_image():
    steps = [
        {"type": "Resize", "size": 1},
        {"type": "On", "key": ["a", "b"], "transforms": [{"type": "Resize", "size": 2}, {"type": "Resize", "size": 3}]},
        {"type": "Resize", "size": 4},
        {"type": "On", "key": "a", "transforms": [{"type": "Resize", "size": 5}]},
        {"type": "On", "key": "c", "transforms": [{"type": "Resize", "size": 6}]},
        {"type": "On", "key": "c", "transforms": [{"type": "Pad", "size": 7, "divisor": 8}]},
        {"type": "PerFrame", "transforms": [{"type": "ResizeBatch", "sizes": [9, 10]}, {"type": "Normalize"}]},
    ]
    found = dict(sizes_in(steps, "t", ("image",)))
    assert found == {
        "t.6.transforms.0.sizes": [9, 10],
        "t.3.transforms.0.size": [5],
        "t.2.size": [4],
        "t.1.transforms.1.size": [3],
    }
