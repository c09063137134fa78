"""Shared fixtures: small datasets, and a small detector trained and exported once per session."""

import dataclasses
import pathlib

import pytest

from tests.made.commands import at, command
from tests.made.made_sets import MadeSets


@pytest.fixture(scope="session")
def made_sets(tmp_path_factory):
    """The small datasets of `tests/made/made_sets.py`. Not to be changed."""
    return MadeSets(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="session")
def digits(made_sets):
    """The folder that holds `digits/`: 24 training and 4 evaluation images of 96 x 96. Not to be changed."""
    return made_sets.folder("digits").parent


# learns 24 images in 60 steps, to an AP50 of about 0.28; 20 steps are too few, whatever the rate
PLAIN = (
    "data.train.transforms=[{type: Decode}, {type: Resize, size: 96}, {type: Normalize}]",
    "optimizer={type: Adam, lr: {type: CosineDecay, base: 1e-2, warmup_steps: 8}}",
    "train.batch_size=8",
    "train.base_batch=8",
)


@dataclasses.dataclass
class Trained:
    """A finished run.

    Args:
        place (Path): the folder of the set and of `output/`.
        arguments (list[str]): `-c` and `-o` of its configuration; more `key=value` may follow.
        folder (Path): of the run.
        said (str): what the training printed.
    """

    place: pathlib.Path
    arguments: list
    folder: pathlib.Path
    said: str


@pytest.fixture(scope="session")
def trained(digits):
    """A run of twenty epochs of three steps, evaluated on its training images so that the scores are not zero."""
    both = "data.eval.annotations=annotations/train.json"
    arguments = at(digits, both, *PLAIN, "train.epochs=20", "train.eval_every=0", "train.save_every=0")
    answer = command("train", "--eval", *arguments)
    assert answer.code == 0, answer.err
    return Trained(digits, arguments, digits / "output/tiny/yolov3", answer.err)


@pytest.fixture(scope="session")
def exported(trained):
    """The folder of the exported model of :func:`trained`."""
    answer = command("export", *trained.arguments, f"weights={trained.folder / 'best'}")
    assert answer.code == 0, answer.err
    return trained.folder / "export"
