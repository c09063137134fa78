"""What happens to a batch inside the predictor's process, and the messages on the way there."""

import io
import json

import numpy as np
import pytest

from common.data.pipeline import Pipeline
from common.data.transform import Transform
from common.errors import ConfigError
from common.tasks import tensors
from deploy.serving import wire
from deploy.serving.inputs import text
from deploy.serving.problems import Limits, Problem
from deploy.serving.worker import answer


class Letters(Transform):
    """A text as the codes of its letters."""

    def __call__(self, sample, rng):
        sample["x"] = np.array([ord(letter) for letter in sample["text"]], np.float32)
        return sample


class Doubling:
    """A model of texts: twice each code. It fails on a 'q' in any row and refuses a '?'."""

    inputs = {"x": ((None, None), "float32")}
    labels, task = [], "tensors"

    def __init__(self):
        self.pipeline = Pipeline([Letters()])
        self.batches = []

    def run(self, batch):
        self.batches.append(batch["x"].shape)
        if (batch["x"] == ord("q")).any():
            raise RuntimeError("no q")
        if (batch["x"] == ord("?")).any():
            raise ConfigError("no question marks")
        return {"y": 2 * batch["x"]}

    def decode(self, sample):
        return self.pipeline.transforms[0](dict(sample), None)

    def task_module(self):
        return tensors


def asked(*texts):
    return [text(one, 0.5, Limits()) for one in texts]


def doubled(word):
    return 200, json.dumps([{"y": [2.0 * ord(letter) for letter in word]}])


def test_only_inputs_of_one_size_are_run_together_and_every_answer_finds_its_place():
    model = Doubling()
    assert answer(model, asked("ab", "c", "de", "f")) == [doubled(word) for word in ("ab", "c", "de", "f")]
    assert model.batches == [(2, 2), (2, 1)]


def test_what_is_wrong_with_one_item_does_not_concern_the_others():
    found = answer(Doubling(), asked("a", "q", "?", "b"))
    assert found == [doubled("a"), (500, "the model failed on this input"), (422, "no question marks"), doubled("b")]


def test_texts_are_limited_in_characters():
    assert text("é" * 10_000, 0.5, Limits())[1] == ["é".encode() * 10_000]
    with pytest.raises(Problem, match="10001 characters; 10000 are allowed"):
        text("é" * 10_001, 0.5, Limits())


def test_numbers_that_are_not_finite_become_null():
    rows = tensors.records({"y": np.array([[1, np.nan], [np.inf, 2]], np.float32), "n": np.array([3, 4])}, [])
    assert rows == [[{"y": [1.0, None], "n": 3}], [{"y": [None, 2.0], "n": 4}]]
    with pytest.raises(ValueError, match=r"y \[2\], z \[1\]"):
        tensors.records({"y": np.zeros(2), "z": np.zeros(1)}, [])


def test_a_frame_is_read_as_it_was_written():
    file = io.BytesIO(wire.frame({"id": 7}, [b"ab", b"", b"c"]) + wire.frame({}))
    assert wire.read(file) == ({"id": 7}, [b"ab", b"", b"c"])
    assert wire.read(file) == ({}, [])
    assert wire.read(file) is None


def test_a_frame_that_does_not_add_up_is_refused():
    with pytest.raises(ValueError, match="a frame of 3 bytes says that it has 2"):
        wire.parted(b'{"sizes": [2]}', b"abc")
