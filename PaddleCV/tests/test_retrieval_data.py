"""Data of metric learning: product lists, classes within folders, turned classes, queries and galleries."""

import pickle
import zipfile

import cv2
import numpy as np
import pytest

from common.errors import ConfigError, DataError
from PaddleCV.data.image_folder import ImageFolder
from PaddleCV.data.image_zip import ImageZip
from PaddleCV.data.imagenet_list import ImageNetList
from PaddleCV.data.online_products import OnlineProducts
from PaddleCV.data.retrieval_set import RetrievalSet
from PaddleCV.data.rotated_classes import RotatedClasses

HEADER = "image_id class_id super_class_id path\n"


def write(folder, names):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.full((6, 8, 3), 255, np.uint8)
        image[number % 6, 0] = (0, number, 9)
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())


def products(folder, text, name="Ebay_test.txt", **given):
    (folder / name).write_text(text, encoding="utf-8")
    return OnlineProducts(str(folder), name, **given)


def folders(root, *classes, count=2):
    write(root, [f"{name}/{k}.png" for name in classes for k in range(count)])
    return ImageFolder(str(root), "")


def test_a_product_list_gives_paths_and_classes_in_the_order_of_their_ids(tmp_path):
    write(tmp_path, ["chair final/b 1.png", "a.png", "c.png"])
    found = products(tmp_path, HEADER + "1 300 2 chair final/b 1.png\r\n\n2 21 1 a.png\n3\t300\t2\tc.png\n")
    assert found.labels == ["21", "300"] and found.targets.tolist() == [1, 0, 1]
    assert found[0] == {"path": str(tmp_path / "chair final/b 1.png"), "label": 1}
    assert not found.check(deep=False)


@pytest.mark.parametrize(
    "line, message",
    [
        ("2 1 a.png", "has 3 of 4 columns"),
        ("2 one 1 a.png", "begins with ids that are not integers"),
        ("2 0 1 a.png", "has an id below 1"),
        ("2 5 1 b.png", "b.png"),  # not there
    ],
)
def test_a_bad_row_of_a_product_list_is_named_by_file_and_line(tmp_path, line, message):
    write(tmp_path, ["a.png"])
    with pytest.raises(DataError, match=r"Ebay_test\.txt.*line 3") as error:
        products(tmp_path, f"{HEADER}1 1 1 a.png\n{line}\n")
    assert message in str(error.value)


def test_a_class_that_the_labels_lack_is_refused(tmp_path):
    write(tmp_path, ["a.png"])
    with pytest.raises(DataError, match=r"class 7 is not in the labels\n.*line 1"):
        products(tmp_path, "1 7 1 a.png\n", labels=["6"])


@pytest.mark.parametrize("in_memory", [False, True])
def test_classes_of_a_zip_file_are_named_for_several_folders(tmp_path, in_memory):
    write(tmp_path, names := ["all/Greek/a/0.png", "all/Greek/b/0.png", "all/Latin/a/x/1.png"])
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in names:
            archive.write(tmp_path / name, name)
    found = ImageZip(str(tmp_path / "set.zip"), "all", levels=2, in_memory=in_memory)
    assert found.labels == ["Greek/a", "Greek/b", "Latin/a"] and found.targets.tolist() == [0, 1, 2]
    first = found[0]["image"]
    first[:] = 0  # as a transform may
    assert found[0]["image"].any() and pickle.loads(pickle.dumps(found))[0]["image"].any()
    with pytest.raises(ValueError, match="levels is 0"):
        ImageZip(str(tmp_path / "set.zip"), levels=0)


def test_each_quarter_turn_is_a_class(tmp_path):
    images = folders(tmp_path, "a", "b")
    found = RotatedClasses(images)
    assert len(found) == 16 and found.num_classes == 8 and found.labels[:5] == ["a", "a +90", "a +180", "a +270", "b"]
    assert found.targets.tolist()[4:12] == [0, 1, 2, 3, 4, 5, 6, 7]
    upright, turned = found[4]["image"], found[5]["image"]
    assert upright.shape == (6, 8, 3) and turned.shape == (8, 6, 3) and found[5]["label"] == 1
    assert (np.rot90(upright) == turned).all()
    with pytest.raises(ConfigError, match="one class per image"):
        RotatedClasses(RetrievalSet(images))


def test_a_gallery_alone_searches_within_itself(tmp_path):
    found = RetrievalSet(folders(tmp_path, "b", "a"))
    assert len(found) == 4 and not hasattr(found, "labels") and found.names == ["a", "b"]
    assert [found[i]["role"] for i in range(4)] == [2] * 4 and [found[i]["label"] for i in range(4)] == [0, 0, 1, 1]
    assert len(found.paths()) == len(set(found.digests())) == 4 and found.check(deep=True) == []


def test_queries_and_gallery_share_the_names_of_their_classes(tmp_path):
    gallery, queries = folders(tmp_path / "g", "a", "b"), folders(tmp_path / "q", "b", "c", count=1)
    found = RetrievalSet(gallery, queries)
    assert [(found[i]["role"], found[i]["label"]) for i in range(6)] == [(0, 0), (0, 0), (0, 1), (0, 1), (1, 1), (1, 2)]
    assert found.findable()[4:].tolist() == [True, False]
    (issue,) = found.check()
    assert issue.code == "D157" and "1 of 2 queries have no image of their class" in issue.message
    (issue,) = RetrievalSet(gallery, folders(tmp_path / "g", "a")).check()
    assert issue.code == "D150" and "4 images are among the queries" in issue.message


def test_classes_that_training_has_seen_are_left_out(tmp_path, caplog):
    gallery, seen = folders(tmp_path / "g", "a", "b"), folders(tmp_path / "s", "a", "z")
    found = RetrievalSet(gallery, seen=seen)
    assert found.names == ["b"] and len(found) == 2
    assert all("/b/" in path for path in found.paths())
    with pytest.raises(DataError, match="no image left"):
        RetrievalSet(gallery, seen=gallery)


def test_lists_of_numbered_classes_can_be_searched(tmp_path):
    write(tmp_path, ["a.png", "b.png", "c.png"])
    (tmp_path / "list.txt").write_text("a.png 4\nb.png 4\nc.png 7\n")
    found = RetrievalSet(ImageNetList(str(tmp_path), "list.txt"))
    assert found.names[found.targets[0]] == "4" and found.findable().tolist() == [True, True, False]
    several = ImageNetList(str(tmp_path), "list.txt", form="classes")
    with pytest.raises(ConfigError, match="ImageNetList does not have one class per image"):
        RetrievalSet(several)
