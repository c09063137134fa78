"""Copies of the tiny dataset that tests may damage."""

import json
import shutil

import pytest

from tests.made.commands import at


class DatasetCopy:
    """A copy of the tiny dataset that a test may damage.

    Args:
        place (Path): the folder that holds `digits/`.
    """

    def __init__(self, place):
        self.place, self.digits = place, place / "digits"
        self.image = self.digits / "JPEGImages/train_00003.jpg"

    def arguments(self, *more):
        """`-c` and `-o` of a configuration that reads this copy, drops nothing and leaves nothing out."""
        return at(self.place, "data.train.bad_boxes=error", "data.train.with_empty=true", *more)

    def annotations(self):
        """The content of `annotations/train.json`."""
        return json.loads((self.digits / "annotations/train.json").read_text())

    def annotate(self, content):
        """Writes `annotations/train.json`: a dict as JSON, text and bytes as they are."""
        data = content if isinstance(content, bytes | str) else json.dumps(content)
        data = data.encode() if isinstance(data, str) else data
        (self.digits / "annotations/train.json").write_bytes(data)


@pytest.fixture
def dataset(digits, tmp_path):
    """A copy of the tiny dataset in a temporary folder."""
    shutil.copytree(digits / "digits", tmp_path / "digits")
    return DatasetCopy(tmp_path)
