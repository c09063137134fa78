"""Pictures as real folders hold them, through `tools/check.py`, `tools/train.py` and `tools/infer.py`."""

import os
import resource
import time

import pytest

from tests.bad_inputs import pictures
from tests.made.commands import command


@pytest.mark.parametrize("kind", pictures.REFUSED)
def test_the_check_names_a_picture_that_cannot_be_used(spoilt, kind):
    data, code = pictures.REFUSED[kind]
    spoilt.picture.write_bytes(data)
    answer = command("check", *spoilt.arguments("data.eval=null"))
    answer.refused(3, f"error[{code}]", "train_00003.jpg")


def test_pictures_of_every_usual_kind_raise_no_alarm(spoilt):
    for number, data in enumerate(pictures.FINE.values()):
        (spoilt.digits / f"JPEGImages/train_{number:05d}.jpg").write_bytes(data)
    answer = command("check", *spoilt.arguments("data.eval=null"))
    assert answer.code == 0, answer.out + answer.err
    assert "all well" in answer.out and "one batch went through the model and back" in answer.out


def test_a_damaged_middle_is_a_warning_of_the_whole_check_alone(spoilt):
    spoilt.picture.write_bytes(pictures.damaged(pictures.encoded("JPEG", image=pictures.noise(), quality=95)))
    answer = command("check", *spoilt.arguments("data.eval=null"))
    assert answer.code == 0 and "warning[D102]" in answer.out and "train_00003.jpg" in answer.out
    assert "all well" in command("check", "--fast", *spoilt.arguments("data.eval=null")).out


@pytest.mark.parametrize("name", ["two words.jpg", "图片.jpg", "🙂.jpg", "a%20b.jpg", "ONE.JPG", "a'b\"c.jpg"])
def test_names_of_every_kind_are_found(spoilt, name):
    spoilt.picture.rename(spoilt.picture.with_name(name))
    content = spoilt.annotations()
    content["images"][3]["file_name"] = name
    spoilt.annotate(content)
    answer = command("check", "--fast", *spoilt.arguments("data.eval=null"))
    assert answer.code == 0 and "all well" in answer.out


def test_a_name_in_another_case_is_suggested(spoilt):
    spoilt.picture.rename(spoilt.picture.with_name("train_00003.JPG"))
    command("check", "--fast", *spoilt.arguments()).refused(3, "D104", "images[3]", "'train_00003.JPG'")


def test_a_folder_in_place_of_a_picture_is_refused(spoilt):
    spoilt.picture.unlink()
    spoilt.picture.mkdir()
    command("check", "--fast", *spoilt.arguments()).refused(3, "D104", "train_00003.jpg", "folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_picture_without_permission_is_refused(spoilt):
    spoilt.picture.chmod(0)
    command("check", "--fast", *spoilt.arguments()).refused(3, "D104", "train_00003.jpg", "permission")


def test_a_strip_is_a_warning(spoilt):
    content = spoilt.annotations()
    content["images"][3].update(width=4000, height=3)
    content["annotations"] = [item for item in content["annotations"] if item["image_id"] != 4]
    spoilt.annotate(content)
    spoilt.picture.write_bytes(pictures.encoded("PNG", image=pictures.Image.new("RGB", (4000, 3))))
    answer = command("check", "--fast", *spoilt.arguments("data.eval=null"))
    assert answer.code == 0 and "warning[D120]" in answer.out


def test_a_picture_in_two_splits_is_a_warning(spoilt):
    answer = command("check", "--fast", *spoilt.arguments("data.eval.annotations=annotations/train.json"))
    assert answer.code == 0 and "warning[D150]" in answer.out and "24 pictures" in answer.out


def test_a_bomb_is_refused_from_its_header(spoilt):
    spoilt.picture.write_bytes(pictures.bomb())
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    command("check", "--fast", *spoilt.arguments()).refused(3, "D103", "900000000 pixels")
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_training_refuses_a_bad_picture_before_its_first_step(spoilt):
    spoilt.picture.write_bytes(b"<html>")
    answer = command("train", *spoilt.arguments())
    answer.refused(3, "D101", "train_00003.jpg", "starts with '<html>'")
    assert not (spoilt.place / "output/tiny/yolov3/last").exists()


def test_one_bad_picture_may_be_skipped_and_is_listed(spoilt):
    spoilt.picture.write_bytes(b"<html>")
    answer = command("train", *spoilt.arguments("train.bad_samples=skip", "train.batch_size=8"))
    assert answer.code == 0, answer.err
    assert "skipped" in answer.err and "train_00003.jpg" in answer.err


def test_more_bad_pictures_than_may_be_skipped_are_refused(spoilt):
    for number in (1, 2, 3, 4):
        (spoilt.digits / f"JPEGImages/train_0000{number}.jpg").write_bytes(b"")
    command("train", *spoilt.arguments("train.bad_samples=skip")).refused(3, "D101", "train_00001.jpg")


@pytest.mark.parametrize("kind", pictures.REFUSED)
def test_inference_names_a_picture_that_cannot_be_used(exported, tmp_path, kind):
    data, code = pictures.REFUSED[kind]
    (tmp_path / "odd.jpg").write_bytes(data)
    answer = command("infer", "--model", exported, "--image", tmp_path / "odd.jpg", "--json")
    answer.refused(3, f"error[{code}]", "odd.jpg")
    assert answer.out == ""


def test_inference_answers_pictures_of_every_usual_kind_and_names_the_bad_ones(exported, tmp_path):
    for kind, data in pictures.FINE.items():
        (tmp_path / f"{kind}.jpg").write_bytes(data)
    (tmp_path / "图 片.png").write_bytes(pictures.encoded("PNG"))
    (tmp_path / "notes.txt").write_text("no picture")
    for kind, (data, _) in pictures.REFUSED.items():
        (tmp_path / f"bad {kind}.jpg").write_bytes(data)
    answer = command("infer", "--model", exported, "--image", tmp_path, "--json", "--batch", 4, "--out", tmp_path / "o")
    answer.refused(3, "8 of 20 pictures could not be read", *(f"bad {kind}.jpg" for kind in pictures.REFUSED))
    assert len(answer.out.splitlines()) == 12
    assert len(list((tmp_path / "o").iterdir())) == 12
    again = command("infer", "--model", exported, "--image", tmp_path / "o", "--json")
    assert again.code == 0 and len(again.out.splitlines()) == 12
