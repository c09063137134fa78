"""Images of all kinds, damaged ones included, through `tools/check.py`, `tools/train.py` and `tools/infer.py`."""

import os
import resource
import time

import pytest

from tests.bad_inputs import images
from tests.made.commands import command


@pytest.mark.parametrize("kind", images.REFUSED)
def test_the_check_names_an_image_that_cannot_be_used(dataset, kind):
    data, code = images.REFUSED[kind]
    dataset.image.write_bytes(data)
    answer = command("check", *dataset.arguments("data.eval=null"))
    answer.refused(3, f"error[{code}]", "train_00003.jpg")


def test_images_of_every_usual_kind_raise_no_alarm(dataset):
    for number, data in enumerate(images.FINE.values()):
        (dataset.digits / f"JPEGImages/train_{number:05d}.jpg").write_bytes(data)
    answer = command("check", *dataset.arguments("data.eval=null"))
    assert answer.code == 0, answer.out + answer.err
    assert "[D" not in answer.out and "a training step, a checkpoint" in answer.out


def test_a_damaged_middle_is_a_warning_of_the_whole_check_alone(dataset):
    dataset.image.write_bytes(images.damaged(images.encoded("JPEG", image=images.noise(), quality=95)))
    answer = command("check", *dataset.arguments("data.eval=null"))
    assert answer.code == 0 and "warning[D102]" in answer.out and "train_00003.jpg" in answer.out
    assert "no problems found" in command("check", "--fast", *dataset.arguments("data.eval=null")).out


@pytest.mark.parametrize("name", ["two words.jpg", "图片.jpg", "🙂.jpg", "a%20b.jpg", "ONE.JPG", "a'b\"c.jpg"])
def test_names_of_every_kind_are_found(dataset, name):
    dataset.image.rename(dataset.image.with_name(name))
    content = dataset.annotations()
    content["images"][3]["file_name"] = name
    dataset.annotate(content)
    answer = command("check", "--fast", *dataset.arguments("data.eval=null"))
    assert answer.code == 0 and "no problems found" in answer.out


def test_a_name_in_another_case_is_suggested(dataset):
    dataset.image.rename(dataset.image.with_name("train_00003.JPG"))
    command("check", "--fast", *dataset.arguments()).refused(3, "D104", "images[3]", "'train_00003.JPG'")


def test_a_folder_in_place_of_an_image_is_refused(dataset):
    dataset.image.unlink()
    dataset.image.mkdir()
    command("check", "--fast", *dataset.arguments()).refused(3, "D104", "train_00003.jpg", "folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_image_without_permission_is_refused(dataset):
    dataset.image.chmod(0)
    command("check", "--fast", *dataset.arguments()).refused(3, "D104", "train_00003.jpg", "permission")


def test_a_strip_is_a_warning(dataset):
    content = dataset.annotations()
    content["images"][3].update(width=4000, height=3)
    content["annotations"] = [item for item in content["annotations"] if item["image_id"] != 4]
    dataset.annotate(content)
    dataset.image.write_bytes(images.encoded("PNG", image=images.Image.new("RGB", (4000, 3))))
    answer = command("check", "--fast", *dataset.arguments("data.eval=null"))
    assert answer.code == 0 and "warning[D120]" in answer.out


def test_an_image_in_two_splits_is_a_warning(dataset):
    answer = command("check", "--fast", *dataset.arguments("data.eval.annotations=annotations/train.json"))
    assert answer.code == 0 and "warning[D150]" in answer.out and "are in both data.train and data.eval" in answer.out


def test_a_bomb_is_refused_from_its_header(dataset):
    dataset.image.write_bytes(images.bomb())
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    command("check", "--fast", *dataset.arguments()).refused(3, "D103", "900000000 pixels")
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_training_refuses_a_bad_image_before_its_first_step(dataset):
    dataset.image.write_bytes(b"<html>")
    answer = command("train", *dataset.arguments())
    answer.refused(3, "D101", "train_00003.jpg", "starts with '<html>'")
    assert not (dataset.place / "output/tiny/yolov3/last").exists()


def test_one_bad_image_may_be_skipped_and_is_listed(dataset):
    dataset.image.write_bytes(b"<html>")
    answer = command("train", *dataset.arguments("train.bad_samples=skip", "train.batch_size=8"))
    assert answer.code == 0, answer.err
    assert "skipped" in answer.err and "train_00003.jpg" in answer.err


def test_more_bad_images_than_may_be_skipped_are_refused(dataset):
    for number in (1, 2, 3, 4):
        (dataset.digits / f"JPEGImages/train_0000{number}.jpg").write_bytes(b"")
    command("train", *dataset.arguments("train.bad_samples=skip")).refused(3, "D101", "train_00001.jpg")


@pytest.mark.parametrize("kind", images.REFUSED)
def test_inference_names_an_image_that_cannot_be_used(exported, tmp_path, kind):
    data, code = images.REFUSED[kind]
    (tmp_path / "odd.jpg").write_bytes(data)
    answer = command("infer", "--model", exported, "--image", tmp_path / "odd.jpg", "--json")
    answer.refused(3, f"error[{code}]", "odd.jpg")
    assert answer.out == ""


def test_inference_answers_images_of_every_usual_kind_and_names_the_bad_ones(exported, tmp_path):
    for kind, data in images.FINE.items():
        (tmp_path / f"{kind}.jpg").write_bytes(data)
    (tmp_path / "图 片.png").write_bytes(images.encoded("PNG"))
    (tmp_path / "notes.txt").write_text("no image")
    for kind, (data, _) in images.REFUSED.items():
        (tmp_path / f"bad {kind}.jpg").write_bytes(data)
    answer = command("infer", "--model", exported, "--image", tmp_path, "--json", "--batch", 4, "--out", tmp_path / "o")
    answer.refused(3, "8 of 20 images could not be read", *(f"bad {kind}.jpg" for kind in images.REFUSED))
    assert len(answer.out.splitlines()) == 12
    assert len(list((tmp_path / "o").iterdir())) == 12
    again = command("infer", "--model", exported, "--image", tmp_path / "o", "--json")
    assert again.code == 0 and len(again.out.splitlines()) == 12
