"""Boxes in C++ from a folder of labeled images by four commands, none of whose files is written by hand."""

import json

import pytest

from tests.made.commands import command
from tests.made.own_folders import own_folder

LEAST = ("train.max_steps=2", "train.epochs=1", "model.backbone.width=0.125", "model.neck.channels=32")


@pytest.mark.parametrize("kind", ["yolo", "labelme", "voc"])
def test_four_commands_lead_from_labeled_images_to_boxes_in_cpp(program, tmp_path, kind):
    folder = own_folder(kind, tmp_path, images=30)
    assert command("prepare", folder, "--name", "mine").code == 0
    config, output = tmp_path / "mine_prepared/mine.yml", f"output_dir={tmp_path / 'output'}"
    done = command("train", "-c", config, "--eval", "-o", *LEAST, output)
    assert done.code == 0, done.err[-2000:]
    run = tmp_path / "output/mine"
    done = command("export", "-c", config, "--weights", run / "best", "-o", *LEAST, output)
    assert done.code == 0, done.err[-2000:]
    image = min(folder.rglob("*.jpg"))
    found = program("--model", run / "export", "--image", image, "--threshold", "0", "--json")
    assert found.code == 0, found.err
    boxes = json.loads(found.out)["predictions"]
    assert boxes
    assert {box["label"] for box in boxes} <= set("0123456789")
    assert all(0 <= x <= 96 for box in boxes for x in box["box"])
