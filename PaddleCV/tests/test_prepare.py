"""Preparation of a user's own images: formats, splits, anchors and the four commands to boxes."""

import json
import shutil
import tempfile

import numpy as np
import pytest

from common.build.data import build_dataset
from common.config import load_config
from common.data.preparation import Request
from PaddleCV.data import own_recipes, prepare
from tests.made.commands import command
from tests.made.own_folders import FORMATS, own_folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    for kind in FORMATS:
        own_folder(kind, folder)
    return folder


def files_of(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_becomes_disjoint_splits_of_all_images_and_leaves_the_folder_alone(place, tmp_path, kind):
    before = files_of(place / kind)
    done = command("prepare", place / kind, "--out", tmp_path / "out", "--name", "mine")
    assert done.code == 0, done.err
    assert f"PaddleCV, {kind}" in done.out and "30 images, 222 boxes, 10 classes" in done.out
    assert tempfile.gettempdir() + "/tmp" not in done.err and "/../" not in done.err  # of no file of the user
    assert files_of(place / kind) == before
    config = load_config(tmp_path / "out/mine.yml")
    splits = {name: build_dataset(config, name) for name in ("train", "eval")}
    assert all("/../" not in split.source for split in splits.values())
    names = {name: {path.rsplit("/", 1)[-1] for path in split.paths()} for name, split in splits.items()}
    assert len(names["train"] | names["eval"]) == 30
    assert not names["train"] & names["eval"]
    assert 4 <= len(names["eval"]) <= 8
    assert splits["train"].labels == splits["eval"].labels
    assert sorted(splits["train"].labels) == list("0123456789")
    whole = json.loads((place / "digits_30/annotations/train.json").read_text())["annotations"]
    assert len(splits["train"].boxes.label) + len(splits["eval"].boxes.label) == len(whole)


def test_files_of_wider_face_become_lists_of_their_splits(place, tmp_path):
    images = sorted((place / "voc").glob("*.jpg"))
    for split, count in (("train", 9), ("val", 3)):
        folder, blocks = tmp_path / f"faces/WIDER_{split}/images/0--Parade", []
        folder.mkdir(parents=True)
        for image in [images.pop() for _ in range(count)]:
            shutil.copy(image, folder)
            faces = ["10 20 15.5 12 0 0 0 0 0 0", "40 40 9 9 2 0 0 1 0 0", "5 5 0 0 0 0 0 0 0 0"]
            blocks += [f"0--Parade/{image.name}", "3", *faces]
        blocks += [f"0--Parade/{image.name.replace('train', 'none')}", "0", "0 0 0 0 0 0 0 0 0 0"]
        shutil.copy(image, folder / image.name.replace("train", "none"))
        (tmp_path / "faces/wider_face_split").mkdir(exist_ok=True)
        text = "\r\n".join(blocks)
        (tmp_path / f"faces/wider_face_split/wider_face_{split}_bbx_gt.txt").write_text(text, newline="")
    done = command("prepare", tmp_path / "faces")
    assert done.code == 0 and "PaddleCV, wider" in done.out, done.err
    assert "14 images, 24 boxes, 1 class\n" in done.out and "the folder's own splits: 10 train, 4 val" in done.out
    dataset = build_dataset(load_config(tmp_path / "faces_prepared/faces.yml"), "eval")
    assert len(dataset) == 4 and dataset.labels == ["face"] and dataset.boxes.difficult.sum() == 3
    assert dataset.boxes.box[0].tolist() == [10, 20, 25.5, 32]
    bad = tmp_path / "faces/wider_face_split/wider_face_val_bbx_gt.txt"
    bad.write_text(bad.read_text().replace("15.5", "x"))
    command("prepare", tmp_path / "faces", "--force").refused(3, "val_bbx_gt.txt", "line 3", "field 3 is not a number")


def test_the_printed_commands_are_those_to_type_next(place, tmp_path):
    done = command("prepare", place / "voc", "--out", tmp_path / "out", "--name", "2024")
    lines = [line.strip() for line in done.out.splitlines() if "python tools/" in line]
    assert [line.split()[1] for line in lines] == [f"tools/{n}.py" for n in ("check", "train", "export", "infer")]
    assert lines[1].endswith("2024.yml --eval")


def test_a_folder_of_two_formats_is_refused_with_both_and_as_chooses(place, tmp_path):
    folder = tmp_path / "both"
    shutil.copytree(place / "voc", folder)
    for file in (place / "labelme").glob("*.json"):
        shutil.copy(file, folder)
    command("prepare", folder).refused(3, "could be read as", "voc:", "labelme:", "--as voc")
    assert command("prepare", folder, "--as", "labelme").code == 0
    assert command("prepare", folder, "--as", "labelme").refused(2, "both_prepared exists", "--force")
    assert command("prepare", folder, "--as", "voc", "--force").code == 0


def test_a_folder_without_a_format_is_refused_with_those_that_are_known(tmp_path):
    (tmp_path / "note.md").write_text("nothing")
    command("prepare", tmp_path, "--out", tmp_path / "out").refused(3, "no known format in 1 file;", "labelme")
    assert not (tmp_path / "out").exists()
    command("prepare", tmp_path / "none").refused(2, "no such file or folder")


def test_class_names_of_yolo_come_from_the_command_where_no_file_has_them(place, tmp_path):
    folder = tmp_path / "yolo"
    shutil.copytree(place / "yolo", folder)
    (folder / "data.yaml").unlink()
    command("prepare", folder).refused(3, "there are no class names", "--labels cat dog")
    assert command("prepare", folder, "--labels", *"abcdefghij").code == 0
    assert load_config(tmp_path / "yolo_prepared/yolo.yml").get("data.train.data").endswith("data.yaml")


def test_splits_of_the_folder_are_kept(place, tmp_path):
    for name, number in (("train", 20), ("valid", 10)):
        (tmp_path / "own" / name).mkdir(parents=True)
        for image in (
            sorted((place / "voc").glob("*.jpg"))[:number]
            if name == "train"
            else sorted((place / "voc").glob("*.jpg"))[20:]
        ):
            shutil.copy(image, tmp_path / "own" / name)
            shutil.copy(image.with_suffix(".xml"), tmp_path / "own" / name)
    done = command("prepare", tmp_path / "own")
    assert "the folder's own splits: 20 train, 10 valid" in done.out
    assert "valid/" not in (tmp_path / "own_prepared/train.txt").read_text()


def test_groups_stay_together(place, tmp_path):
    done = command("prepare", place / "voc", "--out", tmp_path / "out", "--name", "m", "--group", r"_(\d{4})\d")
    assert done.code == 0, done.err
    groups = [
        {line.split("_")[1][:4] for line in (tmp_path / f"out/{n}.txt").read_text().splitlines()}
        for n in ("train", "eval")
    ]
    assert not groups[0] & groups[1]
    command("prepare", place / "voc", "--out", tmp_path / "x", "--group", "(").refused(2, "not a regular expression")
    command("prepare", place / "voc", "--out", tmp_path / "x", "--group", "zzz").refused(2, "matches no path")


def test_a_bad_row_of_a_table_of_boxes_is_named_by_its_line(place, tmp_path):
    folder = tmp_path / "csv"
    shutil.copytree(place / "csv", folder)
    with open(folder / "boxes.csv", "a") as file:
        file.write("train_00000.jpg,1,2,x,9,3\n")
    count = len((folder / "boxes.csv").read_text().splitlines())
    command("prepare", folder).refused(3, "a coordinate is not a number", f"line {count}", "boxes.csv")


def test_a_table_of_boxes_of_a_spreadsheet_program_and_odd_names_are_read(place, tmp_path):
    folder = tmp_path / "Fotos $1 ü"
    folder.mkdir()
    lines = ["\ufeffimage;x1;y1;x2;y2;label"]
    for number, image in enumerate(sorted((place / "csv").glob("*.jpg"))[:6]):
        name = f"Bild {number}, ä #% 猫.JPG"
        shutil.copy(image, folder / name)
        lines += [f"{name};1;2;30;{40 + number};{'Köln, Dom' if number % 2 else 'Auto'}"]
    (folder / "boxes.csv").write_bytes("\r\n".join([*lines, "", ""]).encode())
    done = command("prepare", folder, "--out", tmp_path / "out", "--name", "mine")
    assert "PaddleCV, csv" in done.out and "6 images, 6 boxes, 2 classes" in done.out, done.err
    assert f"--image '{folder}/Bild " in done.out  # as a shell takes it
    dataset = build_dataset(load_config(tmp_path / "out/mine.yml"), "train")
    assert dataset.labels == ["Auto", "Köln, Dom"] and dataset[0]["boxes"].shape == (1, 4)


def test_copies_of_an_image_stay_together(place, tmp_path):
    files = [tmp_path / f"{n}.jpg" for n in "abcd"]
    for file, source in zip(files, ["train_00000", "train_00001", "train_00000", "train_00002"]):
        shutil.copy(place / f"voc/{source}.jpg", file)
    joined, copies = prepare.join_copies(files, list("abcd"))
    assert (joined, copies) == (["a", "b", "a", "d"], 1)


def test_anchors_find_the_sizes_of_the_boxes():
    rng = np.random.default_rng(0)
    extents = np.concatenate([center + rng.uniform(-1, 1, (50, 2)) for center in ([10, 20], [40, 30], [90, 120])])
    anchors = own_recipes.choose_anchors(extents, levels=3, each=1)
    assert np.abs(np.array(anchors) - [[[90, 120]], [[40, 30]], [[10, 20]]]).max() <= 1
    assert own_recipes.choose_anchors(np.array([[8.0, 8.0]] * 4), 2) == [[[8, 8]], [[8, 8]]]


def test_the_size_of_the_network_follows_the_boxes_and_never_exceeds_the_images():
    sides = np.array([[640, 480]] * 3, float)
    assert own_recipes.choose_size(sides, np.array([0.5])) == (128, 192)
    assert own_recipes.choose_size(sides, np.array([0.05])) == (288, 384)
    assert own_recipes.choose_size(sides, np.array([0.001])) == (384, 512)
    assert own_recipes.choose_size(sides / 5, np.array([0.001])) == (96, 128)


def test_class_folders_become_lists(place, tmp_path):
    for name, images in (("cat", "0123"), ("dog", "4567")):
        (tmp_path / "own" / name).mkdir(parents=True)
        for k in images:
            shutil.copy(place / f"voc/train_0000{k}.jpg", tmp_path / "own" / name)
    done = command("prepare", tmp_path / "own", "--eval", "0.25")
    assert "8 images, 2 classes: cat, dog" in done.out, done.err
    assert "split by class: 6 train, 2 eval" in done.out
    assert (tmp_path / "own_prepared/labels.txt").read_text() == "cat\ndog\n"


def test_mirrored_characters_are_not_trained_on():
    assert own_recipes.can_flip(["cat", "dog"])
    assert not own_recipes.can_flip(list("0123"))
    assert not own_recipes.can_flip(["turn_left", "stop"])


def test_warm_up_and_schedule_fit_a_small_set(place, tmp_path):
    request = Request(place / "voc", tmp_path, "m")
    dataset = prepare.READERS["voc"](request, [p.name for p in (place / "voc").iterdir()]).read()
    node = {"type": "VocDetection"}
    lines, _ = own_recipes.detector_config(request, dataset, list(range(24)), {"train": node, "eval": node})
    text = "\n".join(lines)
    assert "epochs: 267" in text
    assert "warmup_steps: 80" in text


def coco_pair(folder, place):
    """Splits the one COCO file of a folder into train.json and val.json, whose images and boxes count from 1."""
    shutil.copytree(place / "coco", folder)
    content = json.loads((folder / "annotations.json").read_text())
    (folder / "annotations.json").unlink()
    for name, images in (
        ("instances_train.json", content["images"][:20]),
        ("instances_val.json", content["images"][20:]),
    ):
        numbers = {image["id"]: number for number, image in enumerate(images, 1)}
        boxes = [box for box in content["annotations"] if box["image_id"] in numbers]
        boxes = [box | {"id": n, "image_id": numbers[box["image_id"]]} for n, box in enumerate(boxes, 1)]
        images = [image | {"id": numbers[image["id"]]} for image in images]
        (folder / name).write_text(json.dumps(content | {"images": images, "annotations": boxes}))
    return folder


def test_coco_files_of_two_splits_keep_their_images(place, tmp_path):
    folder = coco_pair(tmp_path / "pair", place)
    done = command("prepare", folder, "--out", tmp_path / "out")
    assert done.code == 0 and "the folder's own splits: 20 train, 10 val" in done.out, done.err
    written = json.loads((tmp_path / "out/eval.json").read_text())
    own = json.loads((folder / "instances_val.json").read_text())
    assert [f"photos/{image['file_name']}" for image in own["images"]] == [i["file_name"] for i in written["images"]]
    assert [box["bbox"] for box in own["annotations"]] == [box["bbox"] for box in written["annotations"]]


def test_an_image_in_both_coco_files_or_other_categories_are_refused(place, tmp_path):
    folder = coco_pair(tmp_path / "pair", place)
    own = json.loads((folder / "instances_val.json").read_text())
    (folder / "instances_train.json").write_text(json.dumps(own))
    command("prepare", folder).refused(3, "D115", "is in both instances_train.json and instances_val.json")
    own["categories"][0]["name"] = "another"
    (folder / "instances_train.json").write_text(json.dumps(own))
    command("prepare", folder).refused(3, "D113", "have other categories")


def test_pretrained_takes_published_names(place, tmp_path):
    done = command("prepare", place / "voc", "--out", tmp_path / "out", "--name", "x", "--pretrained", "darknet53")
    assert done.code == 0 and load_config(tmp_path / "out/x.yml").get("pretrained") == "darknet53"
    command("prepare", place / "voc", "--out", tmp_path / "b", "--pretrained", "darknet5").refused(2, "darknet53")
    command("prepare", place / "voc", "--out", tmp_path / "b", "--pretrained", "no/such").refused(
        2, "no such checkpoint"
    )


def test_folders_of_images_and_masks_are_no_classes():
    assert prepare.class_folders(["cat/1.jpg", "dog/1.jpg"]) == {"cat": ["cat/1.jpg"], "dog": ["dog/1.jpg"]}
    assert prepare.class_folders(["images/1.jpg", "instances/1.png", "masks/1.png"]) == {}
