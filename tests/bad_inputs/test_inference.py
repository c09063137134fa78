"""Exported folders and sources of images that are not what they should be, through `tools/infer.py`."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest

from tests.bad_inputs import images
from tests.made.commands import command


@pytest.fixture
def folder(exported, tmp_path):
    """A copy of the exported model."""
    return shutil.copytree(exported, tmp_path / "export")


@pytest.fixture
def image(digits):
    return digits / "digits/JPEGImages/eval_00000.jpg"


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "model.pdiparams").unlink(), ["model.pdiparams"]),
        (lambda f: os.truncate(f / "model.pdiparams", 1000), ["model.pdiparams", "1000 bytes"]),
        (lambda f: flip(f / "model.pdiparams"), ["model.pdiparams", "sha256"]),
        (lambda f: (f / "model.json").write_text("{}"), ["model.json"]),
        (lambda f: (f / "infer.yml").unlink(), ["infer.yml"]),
        (lambda f: (f / "infer.yml").write_text("labels: ["), ["infer.yml"]),
        (lambda f: (f / "manifest.json").unlink(), ["manifest.json"]),
    ],
    ids=["no weights", "cut weights", "a bit", "another program", "no infer.yml", "another infer.yml", "no manifest"],
)
def test_a_damaged_export_is_named_and_not_run(folder, image, spoil, words):
    spoil(folder)
    command("infer", "--model", folder, "--image", image).refused(4, "export", *words)


def test_what_is_no_export_is_refused_with_what_it_is(trained, exported, digits, tmp_path, image):
    for model, words in (
        (trained.folder / "best", ["weights of training", "tools/export.py", "weights="]),
        (trained.folder, ["no exported model"]),
        (digits, ["no exported model"]),
        (exported.with_name("exprt"), ["there is no such folder", "did you mean", "export'"]),
        (image, ["no exported model"]),
    ):
        command("infer", "--model", model, "--image", image).refused(2, str(model), *words)


def test_another_model_s_export_is_refused_by_its_labels(exported, trained, tmp_path):
    labels = "data.eval={type: CocoDetection, root: %s, annotations: annotations/eval.json, images: JPEGImages}"
    content = json.loads((trained.place / "digits/annotations/eval.json").read_text())
    content["categories"][3]["name"] = "drei"
    shutil.copytree(trained.place / "digits", tmp_path / "digits")
    (tmp_path / "digits/annotations/eval.json").write_text(json.dumps(content))
    answer = command("eval", "--model", exported, *trained.arguments, labels % (tmp_path / "digits"))
    answer.refused(2, "drei", "has the classes")


def test_one_of_model_and_config_is_needed_with_weights(exported, image, trained):
    command("infer", "--image", image).refused(2, "--model", "-c")
    command("infer", "--image", image, "--model", exported, *trained.arguments).refused(2, "either")
    command("infer", "--image", image, "-c", "configs/tiny/yolov3.yml").refused(2, "no weights", "-o weights=")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--threshold", "1.5"], ["--threshold is 1.5"]),
        (["--threshold", "nan"], ["--threshold is nan"]),
        (["--threshold", "high"], ["--threshold", "'high'"]),
        (["--batch", "0"], ["--batch is 0"]),
        (["--threads", "-1"], ["--threads is -1"]),
        (["--josn"], ["did you mean '--json'?"]),
    ],
)
def test_wrong_options_are_refused(exported, image, options, words):
    command("infer", "--model", exported, "--image", image, *options).refused(2, *words)


def test_sources_that_hold_nothing_are_refused(exported, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text/a.txt").write_text("x")
    for source, words in (
        (tmp_path / "nowhere.jpg", ["D104", "nowhere.jpg"]),
        (tmp_path / "nowhere", ["D104", "nowhere"]),
        (tmp_path / "nowhere.mp4", ["nowhere.mp4"]),
        (tmp_path / "empty", ["contains no images"]),
        (tmp_path / "text", ["contains no images", ".jpg"]),
    ):
        command("infer", "--model", exported, "--image", source).refused(3, *words)
    command("infer", "--model", exported, "--image", "").refused(2, "--image")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["standard input is empty"]),
        (b"\n \n\n", ["no image"]),
        (b"nowhere.jpg\n", ["D104", "nowhere.jpg"]),
        (b"\xff\xd8\xff\xe0 and no more", ["D102", "standard input"]),
        (bytes(1000), ["D101", "standard input"]),
    ],
)
def test_standard_input_that_holds_no_image_is_refused(exported, data, words):
    command("infer", "--model", exported, "--image", "-", stdin=data).refused(3, *words)


def film(path, frames=6):
    """A short video of noise."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (96, 96))
    for number in range(frames):
        writer.write(np.random.default_rng(number).integers(0, 256, (96, 96, 3), "uint8"))
    writer.release()


def test_a_video_is_answered_frame_by_frame_and_one_that_breaks_off_as_far_as_it_goes(exported, tmp_path):
    film(tmp_path / "a.avi")
    answer = command("infer", "--model", exported, "--image", tmp_path / "a.avi", "--json", "--out", tmp_path / "o")
    assert answer.code == 0 and len(answer.out.splitlines()) == 6
    assert (tmp_path / "o/a.mp4").stat().st_size > 1000
    os.truncate(tmp_path / "a.avi", (tmp_path / "a.avi").stat().st_size // 2)
    answer = command("infer", "--model", exported, "--image", tmp_path / "a.avi", "--json")
    assert answer.code == 0 and 0 < len(answer.out.splitlines()) < 6
    assert "frames could be read" in answer.err


@pytest.mark.parametrize("data", [b"", bytes(3000), b"<html>"], ids=["empty", "zeros", "html"])
def test_a_file_that_is_no_video_is_refused(exported, tmp_path, data):
    (tmp_path / "a.mp4").write_bytes(data)
    answer = command("infer", "--model", exported, "--image", tmp_path / "a.mp4")
    answer.refused(3, "a.mp4")


def test_drawings_that_cannot_be_written_are_refused(exported, image, tmp_path):
    (tmp_path / "file").write_text("")
    for out in ("/proc/nowhere", tmp_path / "file"):
        command("infer", "--model", exported, "--image", image, "--out", out).refused(4, f"--out {out}")


def test_a_video_that_cannot_be_written_is_no_success(exported, tmp_path):
    film(tmp_path / "a.avi", 2)
    (tmp_path / "o/a.mp4").mkdir(parents=True)
    answer = command("infer", "--model", exported, "--image", tmp_path / "a.avi", "--out", tmp_path / "o")
    answer.refused(4, f"{tmp_path / 'o/a.mp4'} cannot be written")


def test_the_input_file_is_never_overwritten(exported, tmp_path):
    (tmp_path / "a.png").write_bytes(images.encoded("PNG"))
    film(tmp_path / "b.avi", 2)
    (tmp_path / "b.avi").rename(tmp_path / "b.mp4")
    for name in ("a.png", "b.mp4"):
        before = (tmp_path / name).read_bytes()
        answer = command("infer", "--model", exported, "--image", tmp_path / name, "--out", tmp_path)
        answer.refused(2, f"--out {tmp_path}: would overwrite {tmp_path / name}")
        assert (tmp_path / name).read_bytes() == before


def test_images_of_one_name_are_drawn_under_different_names(exported, tmp_path):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "same.png").write_bytes(images.encoded("PNG"))
    answer = command("infer", "--model", exported, "--image", tmp_path, "--out", tmp_path / "drawn")
    assert answer.code == 0 and len(list((tmp_path / "drawn").iterdir())) == 2
