"""Each scalar of a valid annotation file in another spelling: read as the same, or reported with file and place."""

import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from common.errors import DataError
from PaddleCV.data.coco import CocoDetection
from PaddleCV.data.coco_keypoints import CocoKeypoints
from PaddleCV.data.image_folder import ImageFolder
from PaddleCV.data.imagenet_list import ImageNetList
from PaddleCV.data.mpii_keypoints import MpiiKeypoints
from PaddleCV.data.voc import VocDetection
from tests.made.spellings import contents, is_read_or_reported, replaced, scalars, spellings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two images, 100 x 80 pixels."""
    place = tmp_path_factory.mktemp("readers")
    for name in ("1.png", "17.png"):
        (place / "images").mkdir(exist_ok=True)
        Image.fromarray(np.zeros((80, 100, 3), np.uint8)).save(place / "images" / name)
    return place


COCO = {
    "images": [
        {"id": 17, "file_name": "17.png", "width": 100, "height": 80},
        {"id": 1, "file_name": "1.png", "width": 100, "height": 80},
    ],
    "annotations": [
        {"id": 1, "image_id": 17, "category_id": 3, "bbox": [10, 11.5, 20, 30], "area": 600, "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 17, "bbox": [1, 1, 17, 17], "area": 150.5, "iscrowd": 1},
        {"id": 3, "image_id": 1, "category_id": 17, "bbox": [1, 1, 17, 17], "area": 150.5, "iscrowd": 0},
    ],
    "categories": [{"id": 3, "name": "cat"}, {"id": 17, "name": "dog"}],
}


@pytest.mark.parametrize("path", scalars(COCO), ids=lambda path: ".".join(map(str, path)))
def test_a_scalar_of_a_coco_file_is_read_or_reported(folder, path):
    def construct(content):
        (folder / "a.json").write_text(json.dumps(content), encoding="utf-8")
        return CocoDetection(str(folder), "a.json", "images")

    value = COCO
    for key in path:
        value = value[key]
    expected = contents(construct(COCO))
    for other in spellings(value):
        if path[-1] == "name" and isinstance(other, str) and other.strip() not in ("", value):
            continue  # another name is another class
        assert is_read_or_reported(lambda o=other: construct(replaced(COCO, path, o)), expected, "a.json"), other


KEYPOINTS = {
    "images": COCO["images"],
    "annotations": [
        {"id": 1, "image_id": 17, "category_id": 3, "bbox": [10, 11.5, 20, 30], "area": 600, "iscrowd": 0}
        | {"num_keypoints": 1, "keypoints": [17, 11.5, 2, 0, 0, 0]}
    ],
    "categories": [{"id": 3, "name": "person", "keypoints": ["nose", "neck"], "skeleton": [[1, 2]]}],
}
PEOPLE = [
    {"image": "17.png", "center": [41, 40.5], "scale": 0.17, "joints": [[11.5, 17]] * 16, "joints_vis": [1] * 16}
    | {"joints": [[11.5, 17]] * 15 + [[-1, -1]], "joints_vis": [1] * 15 + [0]}
]
OF_KEYPOINTS = [(CocoKeypoints, KEYPOINTS, path) for path in scalars(KEYPOINTS) if path[0] != "images"]
OF_KEYPOINTS += [(MpiiKeypoints, PEOPLE, path) for path in scalars(PEOPLE) if path[1] not in ("joints", "joints_vis")]
SOME = [(0, "joints", 0, 1), (0, "joints", 15, 0), (0, "joints_vis", 0)]
OF_KEYPOINTS += [(MpiiKeypoints, PEOPLE, path) for path in SOME]
IGNORED = ("num_keypoints", "skeleton")  # what other programs derive or draw


@pytest.mark.parametrize(
    ("reader", "tree", "path"), OF_KEYPOINTS, ids=lambda value: str(value) if isinstance(value, tuple) else ""
)
def test_a_scalar_of_a_file_of_keypoints_is_read_or_reported(folder, reader, tree, path):
    def construct(content):
        (folder / "k.json").write_text(json.dumps(content), encoding="utf-8")
        return reader(str(folder), "k.json", "images")

    value = tree
    for key in path:
        value = value[key]
    expected = contents(construct(tree))
    for other in spellings(value):
        if "categories" in path and "id" not in path and isinstance(other, str) and other.strip() not in ("", value):
            continue  # another name is another keypoint
        if not set(IGNORED) & set(path):
            assert is_read_or_reported(lambda o=other: construct(replaced(tree, path, o)), expected, "k.json"), other


XML = """<annotation><filename>17.png</filename>
<size><width>100</width><height>80</height><depth>3</depth></size>
<object><name>cat</name><difficult>0</difficult>
<bndbox><xmin>11</xmin><ymin>12.5</ymin><xmax>40</xmax><ymax>50</ymax></bndbox></object>
<object><name>dog</name><difficult>1</difficult>
<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>17</xmax><ymax>17</ymax></bndbox></object></annotation>"""
ELEMENTS = [match.span(2) for match in re.finditer(r"<(\w+)>([^<\n]+)</\1>", XML)]


@pytest.mark.parametrize("span", ELEMENTS, ids=lambda span: XML[: span[0]].rsplit("<", 1)[1] + str(span[0]))
def test_a_text_of_a_voc_file_is_read_or_reported(folder, span):
    def construct(text):
        (folder / "17.xml").write_text(text, encoding="utf-8")
        (folder / "list.txt").write_text("17\n", encoding="utf-8")
        return VocDetection(str(folder), "list.txt", "images", "")

    expected, text = contents(construct(XML)), XML[slice(*span)]
    others, kind = ["", f" {text}\n", "<a>1</a>"], XML[: span[0]].rsplit("<", 1)[1]
    others += (
        [] if kind == "name>" else ["Unspecified", "nan", "inf", "1e400", "[17]", "17,0"]
    )  # another name is a class
    if text.replace(".", "").isdigit():
        others += [f"-{text}", f"{float(text)}", f"{float(text):e}", f"{text}_0"]
    for other in others:
        changed = XML[: span[0]] + other + XML[span[1] :]
        assert is_read_or_reported(lambda c=changed: construct(c), expected, "17.xml"), other


def test_an_element_that_is_there_twice_is_an_error(folder):
    for key in ("name", "bndbox", "difficult", "xmin"):
        first = re.search(rf"<{key}>.*?</{key}>", XML, re.DOTALL)[0]
        (folder / "17.xml").write_text(XML.replace(first, first + first, 1), encoding="utf-8")
        with pytest.raises(DataError, match="more than once"):
            VocDetection(str(folder), "list.txt", "images", "")


@pytest.mark.parametrize("number", ["-1", "1.0", '"1"', "1_0", "[1]", "null", "true", "1e0", "٣", "1,0", ""])
def test_a_class_id_of_an_image_list_is_read_or_reported(folder, number):
    lines = f"images/1.png 0\nimages/17.png {number}\n"
    (folder / "list.txt").write_text(lines, encoding="utf-8")
    with pytest.raises(DataError) as error:
        ImageNetList(str(folder), "list.txt")
    assert all("list.txt" in issue.file and issue.place == "line 2" for issue in error.value.issues)


def test_another_spelling_of_a_class_id_in_a_list_is_the_same_class(folder):
    (folder / "list.txt").write_text("images/1.png\t 0\r\nimages/17.png +1\n", encoding="utf-8")
    assert ImageNetList(str(folder), "list.txt").targets.tolist() == [0, 1]


def test_names_that_differ_in_case_or_blanks_are_reported(tmp_path):
    for name in ("cat", "Cat", "dog"):
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "train" / name / "1.png")
    issues = ImageFolder(str(tmp_path)).issues
    assert [issue.code for issue in issues] == ["D109"] and "'Cat', 'cat'" in issues[0].value


def test_a_class_folder_whose_name_is_not_utf_8_is_refused(tmp_path):
    for name in (b"cat", b"\xd5\xc5"):
        folder = os.path.join(os.fsencode(tmp_path), b"train", name)
        os.makedirs(folder)
        with open(os.path.join(folder, b"1.png"), "wb") as file:
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, format="png")
    with pytest.raises(DataError, match=r"D123.*class name is not UTF-8"):
        ImageFolder(str(tmp_path))
