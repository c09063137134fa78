"""Preparation of images with masks and of labelme's outlines: pairs by name, values, splits, configurations."""

import json

import numpy as np
import pytest
from PIL import Image

from common.build.data import build_dataset
from common.config import load_config
from common.data.preparation import Request
from common.errors import DataError
from PaddleCV.data.own_masks import find_pairs, is_outlined, name_values
from PaddleCV.data.prepare import prepare, recognize

RNG = np.random.default_rng(0)


def write_pair(root, image, mask, values=(0, 1), size=(80, 64)):
    """An image of noise and a mask whose lower half has the second value."""
    ids = np.full(size[::-1], values[0], np.uint8)
    ids[size[1] // 2 :] = values[1]
    for name, pixels in ((image, RNG.integers(0, 256, (*size[::-1], 3), np.uint8)), (mask, ids)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name)


def files_in(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def request(root, **more):
    return Request(root, root.parent / "out", "mine", **more)


def open_config(root, kind):
    """The configuration that `prepare` writes, loaded and checked, and its notes."""
    prepared = prepare(kind, request(root), files_in(root))
    out = root.parent / "out"
    out.mkdir()
    for name, text in prepared.files.items():
        (out / name).write_text(text)
    (out / "mine.yml").write_text("\n".join(prepared.config))
    config = load_config(str(out / "mine.yml"))
    config.check()
    return config, prepared.notes


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/{}.jpg", "masks/{}.png"),
        ("JPEGImages/a/{}.jpg", "SegmentationClass/a/{}.png"),
        ("{}.png", "{}_mask.png"),
        ("{}.jpg", "{}.png"),
        ("x/{}.jpg", "x_labels/{}_label.png"),
    ],
)
def test_masks_are_found_by_the_names_of_their_images(tmp_path, image, mask):
    for name in "ab":
        write_pair(tmp_path, image.format(name), mask.format(name))
    found = find_pairs(tmp_path, files_in(tmp_path))
    assert found == [(image.format(name), mask.format(name)) for name in "ab"]
    assert list(recognize(tmp_path, files_in(tmp_path))) == ["masks"]


def test_of_images_of_one_name_that_in_the_most_similar_folder_is_meant(tmp_path):
    for split in ("train", "val", "test"):
        write_pair(tmp_path, f"{split}/1.jpg", f"{split}annot/1.png")
    found = find_pairs(tmp_path, files_in(tmp_path))
    assert dict(found) == {f"{split}/1.jpg": f"{split}annot/1.png" for split in ("train", "val", "test")}


def test_gray_photographs_are_no_masks(tmp_path):
    for folder in ("left", "right"):
        (tmp_path / folder).mkdir()
        Image.fromarray(RNG.integers(0, 256, (64, 80), np.uint8)).save(tmp_path / folder / "1.png")
    assert find_pairs(tmp_path, files_in(tmp_path)) == []


def test_images_and_masks_become_disjoint_splits_and_a_configuration(tmp_path):
    root = tmp_path / "own"
    for number in range(10):
        write_pair(root, f"images/{number}.jpg", f"masks/{number}.png", (0, 255))
    config, notes = open_config(root, "masks")
    splits = {name: build_dataset(config, name) for name in ("train", "eval")}
    assert splits["train"].labels == ["background", "foreground"]
    assert len(splits["train"]) + len(splits["eval"]) == 10 and len(splits["eval"]) == 2
    assert set(np.unique(splits["eval"][0]["mask"])) == {0, 1}
    assert not set(splits["train"].paths()) & set(splits["eval"].paths())
    assert notes[0] == "10 images, 2 classes: background, foreground" and "crops of 64 x 64" in notes[2]


def test_outlines_of_labelme_become_a_segmentation_and_boxes_a_detection(tmp_path):
    root = tmp_path / "own"
    root.mkdir()
    for number in range(5):
        Image.new("RGB", (80, 64), (number, 0, 0)).save(root / f"{number}.png")
        shape = {"label": "roof", "points": [[3, 3], [40, 3], [20, 50]], "shape_type": "polygon"}
        about = {"shapes": [shape], "imagePath": f"{number}.png", "imageWidth": 80, "imageHeight": 64}
        (root / f"{number}.json").write_text(json.dumps(about))
    assert list(recognize(root, files_in(root))) == ["outlines"] and is_outlined(about)
    assert not is_outlined({"shapes": [{"shape_type": "rectangle"}]}) and not is_outlined([])
    config, _ = open_config(root, "outlines")
    dataset = build_dataset(config, "eval")
    assert len(dataset) == 1 and dataset.labels == ["background", "roof"] and (dataset[0]["mask"] == 1).any()


def test_values_are_named_by_the_command_or_a_file_or_themselves(tmp_path):
    assert name_values(request(tmp_path), [0, 3, 7, 255]) == (["background", "class_3", "class_7"], [0, 3, 7])
    assert name_values(request(tmp_path, labels=["a", "b"]), [0, 255]) == (["a", "b"], [0, 255])
    with pytest.raises(DataError, match=r"2 names for the values 0, 1, 2 of the masks"):
        name_values(request(tmp_path, labels=["a", "b"]), [0, 1, 2])
    with pytest.raises(DataError, match=r"(?s)91 values.*others"):
        name_values(request(tmp_path), list(range(91)))
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    assert name_values(request(tmp_path), [0, 2]) == (["a", "b", "c"], [0, 1, 2])
