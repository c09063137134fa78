"""Keypoints in C++ as in Python: whole images, boxes of a detector, drawn skeletons."""

import json

import cv2
import numpy as np
import pytest

from common.build.data import build_dataset
from common.build.model import build_model
from common.config import load_config
from common.export.example import example_inputs
from common.export.write import export
from tests.made.commands import command


@pytest.fixture(scope="module")
def pose(made_sets, tmp_path_factory):
    """An exported detector of keypoints with untrained weights, whose heat maps have clear peaks."""
    folder = made_sets.folder("people")
    config = load_config("PaddleCV/configs/tiny/keypoints/pose_resnet.yml", [f"dataset={folder}"])
    config.check()
    labels = build_dataset(config, "eval").labels
    model = build_model(config, labels)
    model.head.classifier.weight.set_value(model.head.classifier.weight * 1e7)
    model.head.classifier.bias.set_value(model.head.classifier.bias + 0.5)
    model.eval()
    place = tmp_path_factory.mktemp("pose") / "export"
    export(model, config, labels, example_inputs(model, config), place)
    return place


@pytest.fixture(scope="module")
def images(made_sets, tmp_path_factory):
    """Two images, and a file of the boxes in them."""
    place = tmp_path_factory.mktemp("people")
    for name in ("val_0000.png", "val_0001.png"):
        (place / name).write_bytes((made_sets.folder("people") / "images" / name).read_bytes())
    boxes = [[10.5, 12, 50, 90.25], [40, -5, 95, 93], [0, 0, 3, 3]]
    people = [{"label": "person", "score": 0.5, "box": box} for box in boxes] + [{"label": "dog", "box": [1, 1, 9, 9]}]
    found = [{"image": str(place / "val_0000.png"), "predictions": people}]
    (place / "boxes.json").write_text(json.dumps(found))
    return place


def test_keypoints_of_whole_images_and_of_boxes_are_those_of_python(pose, images, program, tmp_path):
    for more in ((), ("--boxes", images / "boxes.json")):
        arguments = ("--model", pose, "--image", images, "--json", *more)
        ours, python = program(*arguments), command("infer", *arguments)
        assert ours.code == python.code == 0, ours.err + python.err
        one, other = ([json.loads(line) for line in text.splitlines()] for text in (ours.out, python.out))
        assert [len(item["predictions"]) for item in one] == ([3, 0] if more else [1, 1])
        for a, b in zip(one, other, strict=True):
            for x, y in zip(a["predictions"], b["predictions"], strict=True):
                assert list(x) == list(y) and x["box"] == y["box"] and abs(x["score"] - y["score"]) <= 1.01e-4
                for p, q in zip(x["keypoints"], y["keypoints"], strict=True):
                    assert list(p) == list(q) and p["name"] == q["name"] and (p["x"], p["y"]) == (q["x"], q["y"])
    assert "1 of 2 images are not named" in ours.err


def test_skeletons_are_drawn_as_in_python(pose, images, program, tmp_path):
    arguments = ("--model", pose, "--image", images / "val_0000.png", "--boxes", images / "boxes.json", "--out")
    assert program(*arguments, tmp_path / "ours.png").code == 0
    assert command("infer", *arguments, tmp_path / "python").code == 0
    ours, python, plain = (
        cv2.imread(str(path)).astype(int)
        for path in (tmp_path / "ours.png", tmp_path / "python/val_0000.png", images / "val_0000.png")
    )
    assert np.abs(ours - python).max() <= 16 and np.abs(ours - plain).max() > 50


def test_boxes_that_fit_nothing_are_refused(pose, images, exported, program, tmp_path):
    boxes = images / "boxes.json"
    program("--model", pose, "--image", images / "val_0001.png", "--boxes", boxes).refused(3, "names none of these")
    program("--model", exported, "--image", images, "--boxes", boxes).refused(2, "for models of keypoints")
    program("--model", pose, "--golden", "--boxes", boxes).refused(2, "--boxes goes with --image")
    for text, words in (("[3]", "needs 'image'"), ('{"image": "a", "predictions": [{}]}', "no 'box'"), ("{", "line 1")):
        (tmp_path / "boxes.json").write_text(text)
        program("--model", pose, "--image", images, "--boxes", tmp_path / "boxes.json").refused(3, words)


def test_a_box_outside_of_its_image_is_refused_as_in_python(pose, images, program, tmp_path):
    one, other = (str(images / f"val_000{number}.png") for number in (0, 1))
    good = {"box": [10, 12, 50, 90]}
    away = {"label": "person", "box": [4000, 12, 4010.5, 90]}
    found = [
        {"image": one, "predictions": [good, away]},
        {"image": other, "predictions": [good, away | {"label": "dog"}]},
    ]
    (tmp_path / "boxes.json").write_text(json.dumps(found))
    arguments = ("--model", pose, "--image", images, "--batch", 2, "--json", "--boxes", tmp_path / "boxes.json")
    for answer in (program(*arguments), command("infer", *arguments)):
        answer.refused(
            3, "D113", "[4000, 12, 4010.5, 90] lies outside of its image", "another size", f"boxes.json: {one}"
        )
        (line,) = answer.out.splitlines()
        assert json.loads(line)["image"] == other and len(json.loads(line)["predictions"]) == 1
