"""A batch that is not what the model declares is refused by name, before the framework misreads it."""

import numpy as np
import pytest

from common.build.inputs import check_inputs
from common.errors import ConfigError

INPUTS = {"image": ([None, 3, None, None], "float32"), "im_shape": ([-1, 2], "float32")}


def batch(**changed):
    return {"image": np.zeros((2, 3, 64, 96), "float32"), "im_shape": np.zeros((2, 2), "float32"), "path": []} | changed


def test_a_batch_as_declared_passes_whatever_else_is_in_it():
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
