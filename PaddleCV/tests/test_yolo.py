"""YOLO text files: layouts, boxes and polygons, and problems that are reported."""

import numpy as np
import pytest
from PIL import Image

from common.errors import DataError
from PaddleCV.data.yolo import YoloDetection
from tests.made.spellings import contents, is_read_or_reported

LINES = "1 0.5 0.25 0.2 0.1\n0 0.1 0.1 0.9 0.1 0.9 0.5\n"  # a box, and a triangle
YAML = "path: /home/somebody/datasets/set\ntrain: images/train\nval: images/val\nnc: 2\nnames: [cat, dog]\n"


def write(root, lines=LINES, yaml=YAML, size=(100, 80), folder="images/{}", label="labels/{}", **save):
    """A dataset with one image with boxes and one without a text file in `train`, and one image in `val`."""
    for split, name in (("train", "1"), ("train", "2"), ("val", "3")):
        image = root / folder.format(split) / f"{name}.jpg"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (90, 120, 30)).save(image, **save)
        if name != "2":
            (root / label.format(split)).mkdir(parents=True, exist_ok=True)
            (root / label.format(split) / f"{name}.txt").write_text(lines)
    if yaml:
        (root / "data.yaml").write_text(yaml)
    return root


def boxes_of(dataset):
    """The boxes of the first sample, rounded."""
    return np.round(dataset[0]["boxes"], 3).tolist()


BOXES = [[40, 16, 60, 24], [10, 8, 90, 40]]


def test_boxes_and_polygons_are_read_in_pixels(tmp_path):
    dataset = YoloDetection(str(write(tmp_path)))
    assert (dataset.labels, dataset.category_ids, len(dataset)) == (["cat", "dog"], [0, 1], 2)
    assert boxes_of(dataset) == BOXES and dataset[0]["labels"].tolist() == [1, 0]
    assert len(dataset[1]["boxes"]) == 0
    assert [issue.message for issue in dataset.check(deep=True)] == ["image without a text file, taken as background"]


@pytest.mark.parametrize(
    ("folder", "label", "yaml"),
    [
        ("{}/images", "{}/labels", "train: ../train/images\nval: ../valid/images\nnames: {0: cat, 1: dog}\n"),
        ("images/{}", "labels/{}", "path: .\ntrain: [images/train]\nval: images/val\nnames:\n  0: cat\n  1: dog\n"),
        ("images/{}", "labels/{}", "train: ./images/train/\nval: images/val\nnames: ['cat', \"dog\"]\n"),
        ("images/{}", "images/{}", YAML),
        ("images/{}", "labels/{}", ""),
        ("{}/images", "{}/labels", ""),
    ],
)
def test_the_layouts_of_other_programs_are_read(tmp_path, folder, label, yaml):
    write(tmp_path, folder=folder, label=label, yaml=yaml)
    if not yaml:
        (tmp_path / "classes.txt").write_text("cat\ndog\n")
    dataset = YoloDetection(str(tmp_path))
    assert dataset.labels == ["cat", "dog"] and len(dataset) == 2 and boxes_of(dataset) == BOXES


def test_a_list_of_images_takes_the_place_of_a_split(tmp_path):
    write(tmp_path)
    (tmp_path / "some.txt").write_text("./images/val/3.jpg\nimages/train/1.jpg\n")
    dataset = YoloDetection(str(tmp_path), images="some.txt")
    assert [path.rsplit("/", 1)[1] for path in dataset.paths()] == ["3.jpg", "1.jpg"] and dataset.issues == []
    (tmp_path / "data.yaml").write_text(YAML.replace("images/train", "some.txt"))
    assert len(YoloDetection(str(tmp_path))) == 2
    assert len(YoloDetection(str(tmp_path), images="images/val")) == 1


def test_fractions_are_of_the_upright_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    dataset = YoloDetection(str(write(tmp_path, size=(80, 100), exif=exif)))
    assert boxes_of(dataset) == BOXES and dataset.check()[0].code == "D114"


def test_classes_can_be_selected_by_name(tmp_path):
    dataset = YoloDetection(str(write(tmp_path)), labels=["dog"])
    assert dataset.labels == ["dog"] and boxes_of(dataset) == BOXES[:1]
    assert "box of a class that is not in `labels`; left out" in [issue.message for issue in dataset.issues]


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("2 0.5 0.5 0.1 0.1", "D109", "there are 2 classes, 0 to 1"),
        ("-1 0.5 0.5 0.1 0.1", "D109", "class -1 is unknown"),
        ("0 0.5 0.5 0.1 0.1 0.9", "D118", "a prediction with its score?"),
        ("0 0.5 0.5 0.1", "D118", "has 4 fields"),
        ("0 0.5 0.5 x 0.1", "D118", "field 4 is not a number"),
        ("0 0.5 0.5 nan 0.1", "D118", "field 4 is not a number"),
        ("0 50 40 20 20", "D108", "look like pixels"),
        ("0 0.5 0.5 0 0.1", "D106", "no area"),
        ("0 1.5 0.5 0.1 0.1", "D107", "outside"),
    ],
)
def test_an_invalid_line_is_reported_with_its_place(tmp_path, line, code, words):
    with pytest.raises(DataError) as error:
        YoloDetection(str(write(tmp_path, f"\n{line}\n")))
    (issue,) = error.value.issues
    assert issue.code == code and words in str(issue) and issue.place == "line 2" and issue.file.endswith("train/1.txt")


@pytest.mark.parametrize(
    ("yaml", "code", "words"),
    [
        (YAML.replace("nc: 2", "nc: 3"), "D113", "`nc` is 3, but there are 2 names"),
        (YAML.replace("[cat, dog]", "{1: cat, 2: dog}"), "D113", "are not 0, 1, 2"),
        (YAML.replace("[cat, dog]", "[cat, cat]"), "D115", "appears twice"),
        (YAML.replace("[cat, dog]", "[cat, null]"), "D113", "is not a text"),
        (YAML.replace("train: images/train", "train: images/trian"), "D104", "no such folder"),
        (YAML.replace("train: images/train\n", ""), "D113", "has no 'train'"),
        (YAML + "names: [a]\n", "D112", "names"),
        ("", "D104", "no class names"),
    ],
)
def test_a_wrong_data_file_is_reported(tmp_path, yaml, code, words):
    with pytest.raises(DataError) as error:
        YoloDetection(str(write(tmp_path, yaml=yaml)))
    assert error.value.issues[0].code == code and words in str(error.value)


def test_text_files_without_an_image_are_counted(tmp_path):
    write(tmp_path)
    (tmp_path / "labels/train/9.txt").write_text(LINES)
    (tmp_path / "labels/train/classes.txt").write_text("cat\ndog\n")
    messages = [issue.message for issue in YoloDetection(str(tmp_path)).issues]
    assert "text file without an image; left out" in messages


@pytest.mark.parametrize("field", range(12))
def test_each_number_is_read_or_reported(tmp_path, field):
    expected = contents(YoloDetection(str(write(tmp_path))))
    fields = LINES.replace("\n", " \n ").split(" ")
    places = [k for k, text in enumerate(fields) if text.strip()]
    text = fields[places[field]]
    for other in (f"-{text}", f"{float(text)}", f"{float(text):e}", f"'{text}'", f"[{text}]", "", "null", "inf", "1_0"):
        changed = " ".join([*fields[: places[field]], other, *fields[places[field] + 1 :]])
        (tmp_path / "labels/train/1.txt").write_text(changed)
        assert is_read_or_reported(lambda: YoloDetection(str(tmp_path)), expected, "1.txt"), other
