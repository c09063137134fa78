"""Datasets of keypoints: COCO's and MPII's files, what is wrong in them by file and place, boxes of a detector."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from common.data.issues import every_occurrence
from common.errors import DataError
from PaddleCV.data.coco_keypoints import CocoKeypoints
from PaddleCV.data.mpii_keypoints import JOINTS, MpiiKeypoints

NAMES = ["nose", "left_hip", "right_hip"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two images, 100 x 80 pixels."""
    place = tmp_path_factory.mktemp("keypoints")
    (place / "images").mkdir()
    for name in ("1.png", "17.png"):
        Image.fromarray(np.zeros((80, 100, 3), np.uint8)).save(place / "images" / name)
    return place


def person(number, image, points, **keys):
    """An annotation in COCO's format."""
    found = {"id": number, "image_id": image, "category_id": 1, "bbox": [10, 11, 20, 30], "area": 600, "iscrowd": 0}
    return found | {"keypoints": points} | keys


def coco(*people):
    return {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 100, "height": 80} for k in (17, 1)],
        "annotations": list(people),
        "categories": [{"id": 1, "name": "person", "keypoints": NAMES, "skeleton": []}, {"id": 2, "name": "dog"}],
    }


GOOD = coco(
    person(1, 17, [15, 16, 2, 20, 30, 1, 0, 0, 0]),
    person(2, 1, [0] * 9, iscrowd=1),
    person(3, 1, [12, 13, 2, 0, 0, 0, 99, 79, 2]),
)


def read_coco(folder, content, **keys):
    (folder / "a.json").write_text(json.dumps(content), encoding="utf-8")
    return CocoKeypoints(str(folder), "a.json", "images", **keys)


def test_a_sample_is_a_person_with_keypoints_at_the_centers_of_their_pixels(folder):
    dataset = read_coco(folder, GOOD)
    assert dataset.labels == NAMES and dataset.num_classes == 3 and len(dataset) == 2
    sample = dataset[1]
    assert sample["image_id"] == 1 and sample["person"] == 2 and sample["path"].endswith("1.png")
    assert sample["boxes"].tolist() == [[10, 11, 30, 41]] and sample["boxes"].dtype == np.float32
    assert sample["keypoints"].tolist() == [[[12.5, 13.5, 2], [0, 0, 0], [99.5, 79.5, 2]]]
    assert dataset.paths()[1] == sample["path"] and dataset.check(deep=True) == []


def test_annotations_are_those_of_the_file_also_crowds(folder):
    found = read_coco(folder, GOOD).annotations()
    assert [item["num_keypoints"] for item in found["annotations"]] == [2, 0, 2]
    assert [item["iscrowd"] for item in found["annotations"]] == [0, 1, 0]
    assert found["annotations"][0]["bbox"] == [10, 11, 20, 30] and found["categories"][0]["keypoints"] == NAMES


def test_keypoints_can_be_chosen_and_ordered_by_their_names(folder):
    dataset = read_coco(folder, GOOD, labels=["right_hip", "nose"])
    assert dataset[0]["keypoints"].tolist() == [[[0, 0, 0], [15.5, 16.5, 2]]]
    with pytest.raises(DataError, match=r"(?s)D109.*did you mean 'left_hip'"):
        read_coco(folder, GOOD, labels=["left_hipp"])


def test_a_labeled_keypoint_outside_its_image_is_found_by_file_and_place(folder):
    bad = coco(person(1, 17, [15, 16, 2, 100, 30, 1, 0, 0, 0]), person(9, 1, [15, 16, 2, 3, -1, 2, -5, 0, 0]))
    with pytest.raises(DataError) as error:
        read_coco(folder, bad)
    first, second = error.value.issues
    assert (first.code, first.place) == ("D107", "annotations[0] (id=1)") and first.file.endswith("a.json")
    assert first.value == "left_hip (100, 30) in 17.png (100x80)" and "annotations[1] (id=9)" in second.place
    assert second.value.startswith("left_hip (3, -1) in") and "bad_keypoints: drop" in first.fix
    dataset = read_coco(folder, bad, bad_keypoints="drop")
    assert dataset[0]["keypoints"][0, 1].tolist() == [0, 0, 0]
    (issue,) = dataset.issues
    assert issue.severity == "warning" and "2 times" in issue.message and issue.fix == "correct it"
    with every_occurrence():
        (issue,) = read_coco(folder, bad, bad_keypoints="drop").issues
    assert [one.value.split(" in ")[0] for one in issue.occurrences] == ["left_hip (100, 30)", "left_hip (3, -1)"]


def test_a_keypoint_that_is_not_finite_is_named_with_its_value(folder):
    for number, words in ((float("nan"), "left_hip (nan, 30) in 17.png"), (float("inf"), "left_hip (inf, 30)")):
        with pytest.raises(DataError) as error:
            read_coco(folder, coco(person(1, 17, [15, 16, 2, number, 30, 1, 0, 0, 0])))
        (issue,) = error.value.issues
        assert issue.code == "D119" and words in issue.value and "keypoint" in issue.message


@pytest.mark.parametrize(
    ("points", "keys", "words"),
    [
        ([1, 2], {}, "D113.*not a list of 9 numbers"),
        ([15, 16, 3, 0, 0, 0, 0, 0, 0], {}, "D113.*visibility that is not 0, 1 or 2"),
        ([15, "x", 2, 0, 0, 0, 0, 0, 0], {}, "D113.*no number"),
        ([15, 16, 2, 0, 0, 0, 0, 0, 0], {"bbox": [10, 10, 0, 5]}, "D106.*no area"),
        ([15, 16, 2, 0, 0, 0, 0, 0, 0], {"bbox": [200, 10, 5, 5]}, "D107.*outside the image"),
        ([0] * 9, {}, "D117.*person with keypoints"),
    ],
)
def test_what_is_wrong_with_a_person_is_an_error(folder, points, keys, words):
    with pytest.raises(DataError, match=f"(?s){words}"):
        read_coco(folder, coco(person(1, 17, points, **keys)))


def test_a_category_without_keypoints_is_refused(folder):
    with pytest.raises(DataError, match=r"(?s)D109.*categories with keypoints: person"):
        read_coco(folder, GOOD, category="dog")
    with pytest.raises(DataError, match="no category has"):
        read_coco(folder, GOOD | {"categories": [{"id": 1, "name": "person"}]})
    with pytest.raises(ValueError, match="bad_keypoints"):
        read_coco(folder, GOOD, bad_keypoints="skip")


def test_boxes_of_a_detector_take_the_place_of_the_annotated_people(folder):
    box = {"image_id": 17, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.75}
    others = [box | {"category_id": 2}, box | {"image_id": 3}, box | {"score": 0.1}]
    (folder / "boxes.json").write_text(json.dumps([*others, box]))
    dataset = read_coco(folder, GOOD, detections="boxes.json", min_score=0.5)
    (sample,) = (dataset[k] for k in range(len(dataset)))
    assert sample["boxes"].tolist() == [[1, 2, 31, 42]] and sample["box_score"] == 0.75
    assert "keypoints" not in sample and len(dataset.annotations()["annotations"]) == 3
    assert dataset.paths() == [sample["path"]]
    for content, words in (([box | {"bbox": [1, 2, 3]}], "is no box"), ([], "has no box"), ({}, "is no box")):
        (folder / "boxes.json").write_text(json.dumps(content))
        with pytest.raises(DataError, match=words):
            read_coco(folder, GOOD, detections="boxes.json")
    (folder / "boxes.json").write_text("{")
    with pytest.raises(DataError, match="D112"):
        read_coco(folder, GOOD, detections="boxes.json")
    with pytest.raises(DataError, match="D104"):
        read_coco(folder, GOOD, detections="none.json")


def mpii_person(**keys):
    joints = [[20.0 + k, 30.0 + k] for k in range(len(JOINTS))]
    visible = [1] * (len(JOINTS) - 1) + [0]
    found = {"image": "17.png", "center": [40.0, 40.0], "scale": 0.2, "joints": joints, "joints_vis": visible}
    return found | keys


def read_mpii(folder, content, **keys):
    (folder / "m.json").write_text(json.dumps(content))
    return MpiiKeypoints(str(folder), "m.json", "images", **keys)


def test_a_person_of_mpii_has_a_square_box_below_the_center_and_coordinates_from_one(folder):
    dataset = read_mpii(folder, [mpii_person(), mpii_person(image="1.png"), mpii_person()])
    sample = dataset[2]
    assert len(dataset) == 3 and sample["image_id"] == 0 and [image["id"] for image in dataset.images] == [0, 1]
    # scale 0.2 is 40 pixels, 3 of which it is moved down; pixel 1 has its center at 0.5
    assert sample["boxes"].tolist() == [[19.5, 22.5, 59.5, 62.5]]
    assert sample["keypoints"][0, 0].tolist() == [19.5, 29.5, 2] and sample["keypoints"][0, -1].tolist() == [0, 0, 0]
    assert dataset.issues == [] and dataset.images[0]["width"] == 100


def test_a_person_of_mpii_without_a_center_has_a_box_around_the_joints(folder):
    dataset = read_mpii(folder, [mpii_person(center=[-1, -1])])
    assert dataset[0]["boxes"].tolist() == [[19.5, 29.5, 33.5, 43.5]]
    assert [issue.code for issue in dataset.issues] == ["D114"]


def test_heads_of_mpii_are_six_tenths_of_their_diagonal(folder):
    boxes = np.zeros((2, 2, 2))
    boxes[1] = [[3, 30], [4, 40]]
    savemat(folder / "gt.mat", {"headboxes_src": boxes})
    dataset = read_mpii(folder, [mpii_person(), mpii_person()], heads="gt.mat")
    np.testing.assert_allclose(dataset.people.head, [3, 30])
    with pytest.raises(DataError, match=r"D111.*2x2x1"):
        read_mpii(folder, [mpii_person()], heads="gt.mat")
    (folder / "gt.mat").write_text("no file of MATLAB")
    with pytest.raises(DataError, match="D112"):
        read_mpii(folder, [mpii_person()], heads="gt.mat")
    with pytest.raises(DataError, match="D104"):
        read_mpii(folder, [mpii_person()], heads="none.mat")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"joints": [[1, 2]]}, "16 pairs of numbers"),
        ({"joints_vis": [2] * 16}, "0 and 1"),
        ({"center": ["x", 1]}, "'center' or 'scale'"),
        ({"image": ""}, "'image' is no name"),
        ({"image": "none.png"}, "D104"),
        ({"joints": [[200.0, 30.0]] * 16}, r"D107.*\[0\].*\(200, 30\) in"),
    ],
)
def test_what_is_wrong_with_a_person_of_mpii_is_an_error(folder, keys, words):
    with pytest.raises(DataError, match=f"(?s){words}"):
        read_mpii(folder, [mpii_person(**keys)])


def test_a_file_of_mpii_that_is_none_is_refused(folder):
    for content, words in (({}, "no list"), ([{"image": "1.png"}], "has no 'center'"), ([3], "no object")):
        with pytest.raises(DataError, match=words):
            read_mpii(folder, content)
    (folder / "m.json").write_text("[")
    with pytest.raises(DataError, match="D112"):
        MpiiKeypoints(str(folder), "m.json", "images")
    with pytest.raises(DataError, match="D104"):
        MpiiKeypoints(str(folder), "none.json", "images")
