"""Segmentation datasets: pairs of images and masks of lists and folders, class ids, faults named by file and place."""

import numpy as np
import pytest
from PIL import Image

from common.data.transform import random_for
from common.errors import BadSample, DataError
from common.vision.decode import Decode
from PaddleCV.data.segmentation import SegmentationFolder, SegmentationList

LABELS = ["sky", "road", "car"]


@pytest.fixture
def root(tmp_path):
    """Two images of 10 x 8 pixels with masks: the left half of the first is 1, its last pixel 255; the second is 2."""
    for name, value in (("a/one.jpg", 1), ("two.jpg", 2)):
        mask = np.zeros((8, 10), np.uint8)
        mask[:, :5], mask[-1, -1] = value, 255
        for folder, pixels in (("images", np.zeros((8, 10, 3), np.uint8)), ("masks", mask)):
            path = tmp_path / folder / name
            path = path if folder == "images" else path.with_suffix(".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    (tmp_path / "list.txt").write_text("images/a/one.jpg masks/a/one.png\n\nimages/two.jpg masks/two.png\n")
    return tmp_path


def readers(root, **options):
    yield SegmentationFolder(str(root), labels=LABELS, **options)
    yield SegmentationList(str(root), "list.txt", labels=LABELS, **options)


def test_pairs_are_found_and_masks_follow_their_image(root):
    for dataset in readers(root):
        assert len(dataset) == 2 and dataset.num_classes == 3
        mask = Decode()(dataset[0], random_for(0))["mask"]
        assert mask[:, :5].tolist() == [[1] * 5] * 8 and mask[0, 5] == 0 and mask[-1, -1] == 255
        assert dataset[1]["mask"][0, 0] == 2 and dataset.check(deep=True) == []
    (root / "ids.txt").write_text("two\r\na/one\r\n")
    dataset = SegmentationFolder(str(root), list_file="ids.txt", labels=LABELS)
    assert [image["file_name"] for image in dataset.images] == ["two.jpg", "a/one.jpg"]


def test_values_are_mapped_to_classes(root):
    for dataset in readers(root, class_ids=[0, 2, 1]):
        assert dataset[0]["mask"][0, 0] == 2 and dataset[1]["mask"][0, 0] == 1
    options = {"labels": ["road", "car"], "class_ids": [1, 2], "ignored": [0, 255]}
    assert SegmentationFolder(str(root), **options)[0]["mask"][0].tolist() == [0] * 5 + [255] * 5
    wide = np.full((8, 10), 26001, np.uint16)
    Image.fromarray(wide).save(root / "masks/two.png")
    dataset = SegmentationFolder(str(root), labels=["x"], class_ids=[26001], ignored=[0, 1, 255])
    assert not dataset[1]["mask"].any()


def test_numbers_of_instances_may_all_be_of_one_class(root):
    Image.fromarray(np.arange(80, dtype=np.uint16).reshape(8, 10) * 9).save(root / "masks/two.png")
    for dataset in readers(root, others="car"):
        mask = dataset[1]["mask"].ravel()
        assert mask[0] == 0 and set(mask[1:]) == {2}
        assert dataset.check(deep=True) == [] and dataset[0]["mask"][0, 0] == 1
    with pytest.raises(ValueError, match="others is 'cars'"):
        SegmentationFolder(str(root), labels=LABELS, others="cars")


def test_a_value_that_is_no_class_is_named_with_its_place(root):
    Image.fromarray(np.pad(np.array([[7, 9]], np.uint8), ((3, 4), (2, 6)))).save(root / "masks/two.png")
    for dataset in readers(root):
        with pytest.raises(BadSample, match=r"(?s)D109.*7, 9.*row 3, column 2.*two\.png.*values 0 to 2"):
            dataset[1]
        found = dataset.check(deep=True)
        assert [issue.code for issue in found if issue.severity == "error"] == ["D109"]


def test_sizes_colors_and_absent_classes_are_found(root):
    dataset = SegmentationFolder(str(root), labels=LABELS)
    Image.fromarray(np.zeros((10, 8), np.uint8)).save(root / "masks/two.png")
    for deep in (False, True):
        assert "D111" in [issue.code for issue in dataset.check(deep=deep)]
    with pytest.raises(BadSample, match="D111"):
        Decode()(dataset[1], random_for(0))
    Image.fromarray(np.zeros((8, 10, 3), np.uint8)).save(root / "masks/two.png")
    assert "D110" in [issue.code for issue in dataset.check(deep=True)]
    Image.fromarray(np.zeros((8, 10), np.uint8)).save(root / "masks/two.png")
    (issue,) = dataset.check(deep=True)
    assert (issue.code, issue.value) == ("D117", "car")


def test_a_palette_read_as_rgb_is_named_with_its_first_color(root):
    mask = np.zeros((8, 10, 3), np.uint8)
    mask[2, 3:] = [128, 0, 0]
    Image.fromarray(mask).save(root / "masks/two.png")
    (issue,) = (i for i in SegmentationFolder(str(root), labels=LABELS).check(deep=True) if i.severity == "error")
    assert issue.code == "D110" and issue.file.endswith("two.png") and "palette" in issue.fix
    assert "2 colors, the first one (128, 0, 0) in row 2, column 3" in issue.message
    Image.fromarray(np.full((8, 10, 3), 2, np.uint8)).save(root / "masks/two.png")
    (issue,) = (i for i in SegmentationFolder(str(root), labels=LABELS).check(deep=True) if i.severity == "error")
    assert "its channels are equal" in issue.fix


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("images/two.jpg", "D118.*line 3"),
        ("images/two.jpg masks/two.png 7", "D118.*line 3"),
        ("images/zwei.jpg masks/two.png", "D104.*line 3.*did you mean"),
        ("images/two.jpg masks/to.png", "D104.*line 3.*two.png"),
    ],
)
def test_a_fault_of_a_list_is_named_by_its_line(root, line, text):
    (root / "list.txt").write_text(f"images/a/one.jpg masks/a/one.png\n\n{line}\n")
    with pytest.raises(DataError, match=f"(?s){text}") as error:
        SegmentationList(str(root), "list.txt", labels=LABELS)
    assert len(error.value.issues) == 1
    if "D118" in text:
        assert len(SegmentationList(str(root), "list.txt", labels=LABELS, bad_samples="skip")) == 1


def test_options_that_cannot_be_are_refused(root):
    for options in ({"class_ids": [0, 1]}, {"class_ids": [0, 1, 1]}, {"class_ids": [0, 1, 255]}, {"ignored": [70000]}):
        with pytest.raises(ValueError, match="class_ids"):
            SegmentationFolder(str(root), labels=LABELS, **options)
    with pytest.raises(DataError, match="D104"):
        SegmentationFolder(str(root), "nowhere", labels=LABELS)
    with pytest.raises(DataError, match="mask is missing"):
        SegmentationFolder(str(root), labels=LABELS, suffixes=("", "_ids"))


def test_palette_masks_of_pascal_voc_are_read_as_class_ids(tmp_path):
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (tmp_path / folder).mkdir(parents=True)
    Image.new("RGB", (4, 2)).save(tmp_path / "JPEGImages/2007_000032.jpg")
    mask = Image.fromarray(np.array([[0, 1, 2, 255], [2, 2, 0, 0]], np.uint8), "P")
    mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, *[7] * 759])
    mask.save(tmp_path / "SegmentationClass/2007_000032.png")
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("2007_000032\n")
    folders = {"images": "JPEGImages", "masks": "SegmentationClass", "list_file": "ImageSets/Segmentation/train.txt"}
    dataset = SegmentationFolder(str(tmp_path), labels=LABELS, **folders)
    assert dataset[0]["mask"].tolist() == [[0, 1, 2, 255], [2, 2, 0, 0]] and dataset.check(deep=True) == []


@pytest.mark.parametrize("way", ["list", "folders"])
def test_cityscapes_is_read_by_its_list_and_by_its_folders(tmp_path, way):
    name, image, label = "train/aachen/aachen_000000_000019", "_leftImg8bit.png", "_gtFine_labelTrainIds.png"
    for folder in ("leftImg8bit", "gtFine"):
        (tmp_path / folder / "train/aachen").mkdir(parents=True)
    Image.new("RGB", (4, 2)).save(tmp_path / f"leftImg8bit/{name}{image}")
    Image.fromarray(np.array([[0, 1, 2, 255]] * 2, np.uint8)).save(tmp_path / f"gtFine/{name}{label}")
    if way == "list":
        (tmp_path / "train.list").write_text(f"leftImg8bit/{name}{image} gtFine/{name}{label}\n")
        dataset = SegmentationList(str(tmp_path), "train.list", labels=LABELS)
    else:
        suffixes = ("_leftImg8bit", "_gtFine_labelTrainIds")
        dataset = SegmentationFolder(str(tmp_path), "leftImg8bit", "gtFine", labels=LABELS, suffixes=suffixes)
    assert dataset[0]["mask"].tolist() == [[0, 1, 2, 255]] * 2 and dataset.check(deep=True) == []
