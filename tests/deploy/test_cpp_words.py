"""`kit_infer` reads words as `tools/infer.py` does: by CTC and by attention, whose search is in the program."""

import json

import cv2
import pytest

from tests.deploy.test_cpp_goldens import exported_twin
from tests.made.commands import command
from tools import zoo


@pytest.mark.parametrize("name", ["crnn_ctc", "ocr_attention", "svtr_lcnet", "crnn_en"])
def test_the_text_is_that_of_python_alone_and_in_batches(name, program, made_sets, tmp_path):
    row = next(row for row in zoo.read_zoo() if row["config"].endswith(f"/{name}.yml"))
    model = exported_twin(row, made_sets, tmp_path / "export")
    images = sorted((made_sets.folder("drawn_words") / "eval").glob("*.jpg"))
    one = ("--model", model, "--image", images[0], "--out")
    assert program(*one, tmp_path / "a.png").out == command("infer", *one[:-1], "--out", tmp_path).out
    sizes = {cv2.imread(str(tmp_path / file)).shape for file in ("a.png", images[0].name)}
    assert len(sizes) == 1 and sizes.pop()[0] == 96 + 32
    everything = ("--model", model, "--image", images[0].parent, "--json")
    expected = [json.loads(line) for line in command("infer", *everything).out.splitlines()]
    for more in ((), ("--batch", 5)):
        found = [json.loads(line) for line in program(*everything, *more).out.splitlines()]
        assert [row["image"] for row in found] == [row["image"] for row in expected] and len(found) == 16
        for a, b in zip(found, expected, strict=True):
            (x,), (y,) = a["predictions"], b["predictions"]
            assert list(x) == ["text", "score"] and x["text"] == y["text"]
            assert abs(x["score"] - y["score"]) <= 1.01e-4
