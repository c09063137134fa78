"""Classification datasets: lists, folders, zip files; single-label and multi-label targets."""

import pickle
import zipfile

import cv2
import numpy as np
import pytest
from PIL import Image

from common.data.samplers import WeightedSampler
from common.errors import ConfigError, DataError
from PaddleCV.data.image_folder import ImageFolder
from PaddleCV.data.image_zip import ImageZip
from PaddleCV.data.imagenet_list import ImageNetList
from PaddleCV.data.unlabeled_images import UnlabeledImages


def png(value=0, side=8):
    return cv2.imencode(".png", np.full((side, side, 3), value, np.uint8))[1].tobytes()


def write(folder, names, start=0):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(start + number))


def listed(folder, text, encoding="utf-8", **keys):
    (folder / "list.txt").write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return ImageNetList(str(folder), "list.txt", **keys)


@pytest.mark.parametrize("text", ["a.png 0\nb.png 2\n", "a.png\t0\r\nb.png\t2\r\n\r\n", "\ufeffa.png   0\n\nb.png 2"])
def test_spaces_tabs_line_endings_and_a_byte_order_mark_do_not_matter(tmp_path, text):
    write(tmp_path, ["a.png", "b.png"])
    found = listed(tmp_path, text)
    assert found.targets.tolist() == [0, 2] and found.labels == ["0", "1", "2"]
    assert found[1] == {"path": str(tmp_path / "b.png"), "label": 2}


def test_names_with_spaces_and_in_any_script_are_read(tmp_path):
    names = ["my cat.png", "猫 %20.png", "kitten \U0001f431.png"]
    write(tmp_path, names)
    found = listed(tmp_path, "".join(f"{name} {i}\n" for i, name in enumerate(names)))
    assert [path.split("/")[-1] for path in found.paths()] == names


def test_paths_may_be_written_as_on_windows(tmp_path):
    write(tmp_path, ["train/cat/a.png"])
    assert listed(tmp_path, "train\\cat\\a.png 0\n").paths() == [str(tmp_path / "train/cat/a.png")]


def test_a_missing_folder_of_images_is_reported_with_the_key_to_set(tmp_path):
    with pytest.raises(DataError, match=r"the folder .*/train does not exist: correct `root`"):
        listed(tmp_path, "train/a.png 0\n")


def test_labels_define_the_classes_and_their_number(tmp_path):
    write(tmp_path, ["a.png"])
    (tmp_path / "labels.txt").write_text("cat\ndog\nbird\n")
    assert listed(tmp_path, "a.png 1\n").labels == ["cat", "dog", "bird"]
    assert listed(tmp_path, "a.png 1\n", labels=["x", "y"]).labels == ["x", "y"]
    with pytest.raises(ValueError, match="labels has 'x' twice"):
        listed(tmp_path, "a.png 1\n", labels=["y", "x", "x"])


def test_num_classes_is_used_without_labels(tmp_path):
    write(tmp_path, ["a.png"])
    assert listed(tmp_path, "a.png 1\n", num_classes=7).num_classes == 7


def test_multi_label_images_have_a_target_of_every_class(tmp_path):
    write(tmp_path, ["a.png", "b.png"])
    wanted = [[1, 0, 1, 0], [0, 0, 0, 1]]
    by_number = listed(tmp_path, "a.png 0,2\nb.png 3\n", form="classes")
    by_flag = listed(tmp_path, "a.png 1,0,1,0\nb.png 0,0,0,1\n", form="flags")
    for found in (by_number, by_flag):
        assert found.targets.tolist() == wanted and found.num_classes == 4
        assert found[0]["label"].dtype == np.float32 and found.counts().tolist() == [1, 0, 1, 1]
        with pytest.raises(ConfigError, match="multi-label"):
            found.weights()


def test_a_weighted_sampler_balances_the_classes(tmp_path):
    write(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    data = listed(tmp_path, "a.png 0\nb.png 0\nc.png 0\nd.png 1\n")
    drawn = WeightedSampler(len(data), 1, num_samples=3000, dataset=data).batches(0)
    # each class half of the time: 1500, of deviation 27
    assert abs(sum(data.targets[index % 4] for [index] in drawn) - 1500) < 150


@pytest.mark.parametrize(
    ("text", "keys", "code", "words"),
    [
        ("a.png\n", {}, "D118", ["line 1", "lacks a class id after its path"]),
        ("a.png 0\nb.png one\n", {}, "D118", ["line 2", "'one'"]),
        ("a.png 1.5\n", {}, "D118", ["'1.5'"]),
        ("a.png \uff11\n", {}, "D118", ["not a class id"]),
        ("a.png 0 1\n", {}, "D118", ["has 3 fields"]),
        ("a.png -1\n", {}, "D109", ["class -1 is unknown"]),
        ("a.png 3\n", {"num_classes": 3}, "D109", ["there are 3 classes, 0 to 2", "count from 0"]),
        ("a.png 9\n", {"labels": ["x", "y"]}, "D109", ["(labels)"]),
        ("a.png 0,1\n", {}, "D118", ["form: classes"]),
        ("a.png 0,2\n", {"form": "flags"}, "D118", ["a flag other than 0 and 1"]),
        ("a.png 0,1\nb.png 1\n", {"form": "flags", "labels": ["x", "y"]}, "D118", ["1 flags for 2 classes"]),
        ("A.png 0\n", {}, "D104", ["line 1", "did you mean 'a.png'"]),
        ("", {}, "D117", ["lists no image"]),
        (b"a.png 0\n\xe4.png 1\n", {}, "D112", ["line 2, byte 8"]),
    ],
)
def test_an_invalid_line_is_reported_with_a_fix(tmp_path, text, keys, code, words):
    write(tmp_path, ["a.png", "b.png"])
    with pytest.raises(DataError) as refused:
        listed(tmp_path, text, **keys)
    assert {issue.code for issue in refused.value.issues} == {code}
    assert all(word in str(refused.value) for word in [*words, "list.txt"])


def test_flags_of_different_number_are_refused_without_labels_too(tmp_path):
    write(tmp_path, ["a.png", "b.png"])
    with pytest.raises(DataError, match="1 flags for 2 classes"):
        listed(tmp_path, "a.png 0,1\nb.png 1\n", form="flags")


def test_a_missing_list_is_reported(tmp_path):
    with pytest.raises(DataError, match=r"D104.*list of images cannot be opened"):
        ImageNetList(str(tmp_path), "other.txt")


def test_a_few_missing_images_may_be_skipped(tmp_path):
    write(tmp_path, ["a.png", "b.png"])
    found = listed(tmp_path, "a.png 0\nc.png 1\nb.png 1\n", bad_samples="skip")
    assert found.targets.tolist() == [0, 1] and "image skipped" in found.issues[0].message


def test_folders_are_classes_and_include_their_subfolders(tmp_path):
    write(tmp_path, ["train/dog/1.png", "train/cat/deep/2.PNG", "train/cat/1.png", "train/.hidden/x.png"])
    write(tmp_path, ["train/cat/._1.png", "train/cat/.thumb.jpg"])
    (tmp_path / "train/cat/note.txt").write_text("no image")
    found = ImageFolder(str(tmp_path))
    assert found.labels == ["cat", "dog"] and found.targets.tolist() == [0, 0, 1]
    assert ImageFolder(str(tmp_path), labels=["dog", "cat"]).targets.tolist() == [0, 1, 1]


def test_every_format_that_is_read_is_found_in_a_folder_of_a_class(tmp_path):
    write(tmp_path, ["train/cat/1.gif", "train/cat/2.ppm", "train/cat/3.webp", "train/dog/1.GIF"])
    assert ImageFolder(str(tmp_path)).targets.tolist() == [0, 0, 0, 1]


def test_an_unknown_folder_and_a_class_without_an_image_are_reported(tmp_path, caplog):
    write(tmp_path, ["val/cat/1.png", "val/dgo/1.png"])
    with pytest.raises(DataError, match=r"D109[\s\S]*did you mean 'dog'"):
        ImageFolder(str(tmp_path), "val", labels=["cat", "dog"])
    (tmp_path / "val/dgo").rename(tmp_path / "dgo")
    found = ImageFolder(str(tmp_path), "val", labels=["cat", "dog"])
    assert [issue.severity for issue in found.issues] == ["warning", "warning"]
    assert "1 of 2 classes have no image" in found.issues[0].message and "same class" in found.issues[1].message
    assert found.issues[1].value == "cat" and "every image has the same class (cat)" in caplog.text
    with pytest.raises(DataError, match="D104"):
        ImageFolder(str(tmp_path), "test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no subfolder"):
        ImageFolder(str(tmp_path), "empty")


def zipped(path, names, payload=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(names):
            archive.writestr(name, payload or png(number))
    return str(path)


def test_a_zip_file_is_read_without_unpacking_and_from_workers(tmp_path):
    path = zipped(tmp_path / "set.zip", ["train/b/1.png", "train/a/2.png", "test/a/1.png", "train/a/1.png"])
    found = pickle.loads(pickle.dumps(ImageZip(path)))
    assert found.labels == ["a", "b"] and found.targets.tolist() == [0, 0, 1]
    assert found[0]["image"].shape == (8, 8, 3) and (found[2]["image"] == 0).all()
    assert found[0]["path"].endswith("set.zip!train/a/1.png")
    assert ImageZip(path, "test").targets.tolist() == [0] and not found.check(deep=True)
    packed_on_a_mac = zipped(tmp_path / "mac.zip", ["cat/1.png", "__MACOSX/cat/._1.png", "dog/1.png", "dog/._1.png"])
    assert ImageZip(packed_on_a_mac, "").labels == ["cat", "dog"] and len(ImageZip(packed_on_a_mac, "")) == 2


def test_an_invalid_zip_file_and_damaged_images_are_reported(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"<html>")
    with pytest.raises(DataError, match="D112"):
        ImageZip(str(tmp_path / "no.zip"))
    with pytest.raises(DataError, match="D104"):
        ImageZip(str(tmp_path / "other.zip"))
    bad = ImageZip(zipped(tmp_path / "bad.zip", ["train/a/1.png", "train/b/1.png"], b"<html>"))
    assert [issue.code for issue in bad.check(deep=True)] == ["D101", "D101"] and not bad.check()
    with pytest.raises(DataError, match="no images in subfolders"):
        ImageZip(zipped(tmp_path / "flat.zip", ["1.png"]), "")


def test_duplicate_images_are_reported_with_equal_and_with_different_labels(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(png(7))
    codes = {issue.code for issue in listed(tmp_path, "a.png 0\nb.png 0\nc.png 1\n").check(deep=True)}
    assert codes == {"D115", "D121"}


def test_a_damaged_image_is_found_by_the_deep_check_and_a_text_by_the_fast_one(tmp_path):
    (tmp_path / "a.png").write_bytes(png(1, 64)[:-30])
    (tmp_path / "b.png").write_bytes(b"<html>")
    found = listed(tmp_path, "a.png 0\nb.png 1\n")
    assert [issue.code for issue in found.check()] == ["D101"]
    assert {issue.code for issue in found.check(deep=True)} == {"D101", "D102"}


def test_files_that_are_left_out_of_folders_and_archives_are_counted(tmp_path):
    for name in ("train/a/1.png", "train/b/2.png", "train/3.png", "val/a/4.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (9, 99, 9)).save(tmp_path / name)
    for name in ("a/x.heic", "a/y.HEIC", "b/notes.txt", "b/.hidden", "b/Thumbs.db", "a/none"):
        (tmp_path / "train" / name).write_bytes(b"x")
    messages = [
        "1 file left out (1 .png): files beside the class folders",
        "4 files left out (2 .heic, 1 .txt, 1 without suffix): files that are no images by their suffix",
    ]
    dataset = ImageFolder(str(tmp_path))
    assert [issue.message for issue in dataset.issues] == messages and len(dataset) == 2
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for path in sorted(tmp_path.rglob("*.*")):
            if path.is_file() and path.suffix != ".zip":
                archive.write(path, str(path.relative_to(tmp_path)))
        archive.write(tmp_path / "train/a/none", "train/a/none")
    packed = ImageZip(str(tmp_path / "z.zip"))
    assert [issue.message for issue in packed.issues] == messages and len(packed) == 2
    found = UnlabeledImages(str(tmp_path), "train", num_classes=2)
    assert [issue.message for issue in found.issues] == messages[1:] and len(found) == 3


def test_an_archive_with_backslashes_keeps_its_members(tmp_path):
    Image.new("RGB", (8, 8), (9, 99, 9)).save(tmp_path / "1.png")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in ("train\\a\\1.png", "train\\b\\2.png"):
            archive.writestr(name, (tmp_path / "1.png").read_bytes())
    dataset = ImageZip(str(tmp_path / "z.zip"))
    assert dataset.labels == ["a", "b"] and dataset[1]["image"].shape == (8, 8, 3)


@pytest.mark.parametrize(("shift", "word"), [(4, "black throughout"), (8, "nearly black"), (12, "")])
def test_sixteen_bits_of_which_the_upper_ones_are_empty_are_reported(tmp_path, shift, word):
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
        values = ((np.arange(64).reshape(8, 8) % 15 + ord(name) % 2) << shift).astype(np.uint16)
        Image.fromarray(values).save(tmp_path / "train" / name / "1.png")
    found = [issue for issue in ImageFolder(str(tmp_path)).check(deep=True) if issue.code == "D152"]
    assert [word in issue.message and "2 times" in issue.message for issue in found] == [True] * bool(word)
