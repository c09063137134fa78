"""VOC XML: pixel conventions, lists, and problems that are repaired."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from common.errors import DataError
from PaddleCV.data.coco import CocoDetection
from PaddleCV.data.voc import VocDetection

OBJECT = """<object><name>{}</name><difficult>{}</difficult>
<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"""


def xml(objects, size=(100, 80), filename="whatever.jpg"):
    """objects: (name, difficult, xmin, ymin, xmax, ymax)."""
    size_xml = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>" if size else ""
    text = "\n".join(OBJECT.format(*item) for item in objects)
    return f"<annotation><filename>{filename}</filename>{size_xml}\n{text}</annotation>"


def write(root, files, size=(100, 80), suffix=".jpg"):
    """files: stem -> objects. Writes images, xml files and the list `ImageSets/Main/train.txt`."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for stem, objects in files.items():
        Image.new("RGB", size).save(root / f"JPEGImages/{stem}{suffix}")
        (root / f"Annotations/{stem}.xml").write_text(xml(objects, size), encoding="utf-8")
    (root / "ImageSets/Main/train.txt").write_text("".join(f"{stem}\n" for stem in files), encoding="utf-8")


FILES = {"图 one": [("dog", 0, 1, 1, 100, 80), ("cat", 1, 11, 21, 11, 30)], "two": []}


@pytest.fixture
def root(tmp_path):
    write(tmp_path, FILES)
    return tmp_path


def test_pixels_counted_from_one_become_edges_counted_from_zero(root):
    dataset = VocDetection(str(root))
    assert dataset.check(deep=True) == []
    assert dataset.labels == ["cat", "dog"] and len(dataset) == 2
    assert dataset[0]["boxes"].tolist() == [[0, 0, 100, 80], [10, 20, 11, 30]]
    assert dataset[0]["labels"].tolist() == [1, 0]
    assert dataset[0]["difficult"].tolist() == [False, True]
    assert dataset[1]["boxes"].shape == (0, 4)


def test_files_that_count_from_zero_are_read_as_they_are(root):
    assert VocDetection(str(root), one_based=False, bad_boxes="drop")[0]["boxes"].tolist() == [[1, 1, 100, 80]]


def test_a_zero_in_one_based_coordinates_is_a_warning(tmp_path):
    write(tmp_path, {"a": [("dog", 0, 0, 5, 50, 60)]})
    dataset = VocDetection(str(tmp_path))
    assert dataset[0]["boxes"].tolist() == [[0, 4, 50, 60]]
    assert [(issue.code, issue.severity) for issue in dataset.issues] == [("D107", "warning")]
    assert "one_based: false" in dataset.issues[0].fix


def test_difficult_boxes_are_kept_for_evaluation(root):
    dataset = VocDetection(str(root), with_difficult=False)
    assert dataset[0]["labels"].tolist() == [1]
    assert [item["difficult"] for item in dataset.annotations()["annotations"]] == [0, 1]
    assert dataset.annotations()["annotations"][1]["bbox"] == [10, 20, 1, 10]


def test_labels_come_from_the_file_next_to_the_data_or_from_the_configuration(root):
    (root / "label_list.txt").write_text("dog\ncat\nbird\n")
    assert VocDetection(str(root)).labels == ["dog", "cat", "bird"]
    assert VocDetection(str(root), labels=["cat", "dog"]).labels == ["cat", "dog"]
    assert VocDetection(str(root)).category_ids == [1, 2, 3]


@pytest.mark.parametrize("ending", ["\r\n", "\n\n\n", " \n", "\t\n"])
def test_line_endings_blank_lines_and_byte_order_marks_do_not_matter(root, ending):
    names = ["图 one", "two"]
    (root / "list.txt").write_bytes(b"\xef\xbb\xbf" + ending.join([*names, ""]).encode())
    assert len(VocDetection(str(root), list_file="list.txt")) == 2


def test_a_list_of_images_and_xml_files_is_read_with_tabs_or_spaces(root):
    os.rename(root / "JPEGImages/two.jpg", root / "JPEGImages/two 2.jpg")
    (root / "list.txt").write_text("JPEGImages/two 2.jpg\tAnnotations/two.xml\n", encoding="utf-8")
    os.rename(root / "JPEGImages/图 one.jpg", root / "JPEGImages/图.jpg")
    os.rename(root / "Annotations/图 one.xml", root / "Annotations/1.xml")
    with open(root / "list.txt", "a", encoding="utf-8") as file:
        file.write("JPEGImages/图.jpg   Annotations/1.xml\n")
    dataset = VocDetection(str(root), list_file="list.txt")
    assert [Path(path).name for path in dataset.paths()] == ["two 2.jpg", "图.jpg"]


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".jpeg", ".bmp"])
def test_the_image_may_have_another_suffix_than_in_the_xml_file(tmp_path, suffix):
    write(tmp_path, {"a": FILES["图 one"]}, suffix=".jpeg" if suffix == ".JPG" else suffix)
    if suffix == ".JPG":
        os.rename(tmp_path / "JPEGImages/a.jpeg", tmp_path / "JPEGImages/a.JPG")
    assert VocDetection(str(tmp_path)).paths()[0].endswith(f"a{suffix}")
    (tmp_path / "list.txt").write_text("JPEGImages/a.jpg Annotations/a.xml")
    assert VocDetection(str(tmp_path), list_file="list.txt").paths()[0].endswith(f"a{suffix}")


def test_a_missing_size_is_read_from_the_file(root):
    (root / "Annotations/two.xml").write_text(xml([("dog", 0, 1, 1, 100, 80)], size=None))
    dataset = VocDetection(str(root))
    assert dataset.images[1]["width"] == 100
    assert [issue.code for issue in dataset.check()] == ["D114"]


def test_what_is_kept_can_be_written_as_coco(root):
    VocDetection(str(root)).write_fixed(root / "all.json")
    again, dataset = CocoDetection(str(root), "all.json", "JPEGImages"), VocDetection(str(root))
    assert again.labels == dataset.labels and again.check(deep=True) == []
    assert all(np.array_equal(a["boxes"], b["boxes"]) for a, b in zip(again, dataset))


number = st.integers(1, 60)
objects = st.lists(
    st.tuples(st.sampled_from(["a", "b", "ü"]), st.integers(0, 1), number, number, number, number), max_size=5
)


@settings(max_examples=25, deadline=None)
@given(images=st.lists(objects, min_size=1, max_size=3))
def test_what_is_written_is_read_again(tmp_path_factory, images):
    root = tmp_path_factory.mktemp("voc")
    images = [[(name, hard, x, y, x + w, y + h) for name, hard, x, y, w, h in items] for items in images]
    write(root, {str(index): items for index, items in enumerate(images)}, size=(130, 130))
    if not any(images):
        with pytest.raises(DataError, match="D117"):
            VocDetection(str(root))
        return
    dataset = VocDetection(str(root), labels=["a", "b", "ü"])
    for index, items in enumerate(images):
        expected = np.array([[x1 - 1, y1 - 1, x2, y2] for _, _, x1, y1, x2, y2 in items]).reshape(-1, 4)
        assert np.array_equal(dataset[index]["boxes"], expected)
        assert [dataset.labels[k] for k in dataset[index]["labels"]] == [item[0] for item in items]
        assert dataset[index]["difficult"].tolist() == [bool(item[1]) for item in items]


def test_the_blood_cell_dataset_is_read_without_an_error():
    folder = Path(os.environ.get("KIT_TEST_DATA", "/nowhere")) / "bccd"
    if not folder.is_dir():
        pytest.skip("KIT_TEST_DATA has no bccd")
    train, test = (VocDetection(str(folder), f"ImageSets/Main/{split}.txt") for split in ("trainval", "test"))
    assert train.labels == test.labels == ["Platelets", "RBC", "WBC"]
    assert (len(train), len(test)) == (292, 72)
    boxes = np.concatenate([sample["labels"] for dataset in (train, test) for sample in dataset])
    assert np.bincount(boxes).tolist() == [361, 4155, 372]
    assert not [issue for issue in train.check() + test.check() if issue.severity == "error"]


def one_file(root, text, encoding="utf-8"):
    """A folder with one image, its XML file and a list of it; returns what reads it."""
    (root / "a.xml").write_bytes(text.encode(encoding))
    (root / "a.txt").write_text("a\n")
    Image.new("RGB", (40, 30)).save(root / "a.png")
    return lambda **keywords: VocDetection(str(root), "a.txt", "", "", **keywords)


def of(name, difficult=0):
    """The text of an XML file with one object."""
    return xml([(name, difficult, 1, 2, 9, 9)], (40, 30))


def test_xml_in_other_encodings_is_read_as_it_declares_or_as_configured(tmp_path):
    for name in ("gb2312", "GBK", "big5", "utf-16", "latin-1"):
        word = {"latin-1": "é", "big5": "貓"}.get(name, "猫")
        text = f'<?xml version="1.0" encoding="{name}"?>\n' + of(word)
        assert one_file(tmp_path, text, name)().labels == [word]
    assert one_file(tmp_path, of("张"), "gbk")(encoding="gbk").labels == ["张"]
    with pytest.raises(DataError, match=r"D112.*is not utf-8[\s\S]*encoding: gbk") as error:
        one_file(tmp_path, of("张"), "gbk")()
    assert [issue.code for issue in error.value.issues] == ["D112"]  # and nothing of what was not read
    with pytest.raises(ValueError, match="encoding 'klingon' is unknown"):
        one_file(tmp_path, of("a"))(encoding="klingon")


def test_difficult_is_read_in_any_spelling_and_an_unknown_word_is_a_warning(tmp_path):
    for word in ("1", "TRUE", "yes", "1.0", "True"):
        dataset = one_file(tmp_path, of("cat", word))()
        assert dataset.boxes.difficult.tolist() == [True] and dataset.issues == []
    for word in ("Unspecified", "2", ""):
        dataset = one_file(tmp_path, of("cat", word))()
        assert dataset.boxes.difficult.tolist() == [False]
        assert [(issue.code, issue.severity) for issue in dataset.issues] == [("D113", "warning")]
