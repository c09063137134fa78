"""Boxes of a detector for a model of keypoints: files, places of faults, images that they do not name."""

import json
import re

import numpy as np
import pytest

from common.errors import BadSample, ConfigError, DataError
from common.inference.boxes import Boxed, read_boxes
from common.inference.tasks.detection import Detection
from common.inference.tasks.keypoint_detection import KeypointDetection
from common.vision.sources import Images

PERSON = {"label": "person", "category_id": 0, "score": 0.75, "box": [1, 2, 3.5, 4]}
DOG = PERSON | {"label": "dog"}
FOUND = [{"image": "a.jpg", "predictions": [PERSON, DOG]}, {"image": "b.jpg", "predictions": []}]
IMAGES = Images(["a.jpg", "b.jpg"], "images", True)


def written(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def test_a_list_and_lines_of_json_are_the_same_boxes(tmp_path):
    lines = "\n".join(json.dumps(item) for item in FOUND) + "\n\n"
    boxes = read_boxes(written(tmp_path / "a.json", FOUND))
    assert boxes == read_boxes(written(tmp_path / "a.jsonl", lines))
    expected = [{key: item[key] for key in ("box", "score", "label")} for item in (PERSON, DOG)]
    assert boxes == {"a.jpg": expected, "b.jpg": []}


def test_an_image_has_the_boxes_of_the_label_of_the_task(tmp_path, caplog):
    source = Boxed(IMAGES, written(tmp_path / "a.json", FOUND[:1]), KeypointDetection())
    first, second = source
    assert [item["box"] for item in first["found"]] == [PERSON["box"]] and second["found"] == []
    assert "1 of 2 images are not named" in caplog.text and source.many
    (part,) = KeypointDetection().split(first | {"image": np.zeros((8, 8, 3), np.uint8)})
    assert part["boxes"].tolist() == [PERSON["box"]] and part["box_score"] == 0.75
    assert not {"found", "found_in"} & set(part)
    assert KeypointDetection().split({"image": 0}) == [{"image": 0}]


@pytest.mark.parametrize("box", [[6, 1, 9, 3], [1, 4, 2, 9], [-5, 1, 0, 3], [1, -5.5, 3, 0]])
def test_a_box_outside_of_its_image_is_refused_with_its_file_and_the_sizes(box):
    sample = {"image": np.zeros((4, 6, 3), np.uint8), "path": "a.jpg", "found": [PERSON, {"box": box}]}
    words = re.escape(f"[{', '.join(map(str, box))}] lies outside of its image of 6x4 pixels")
    for more, place in (({}, "a.jpg"), ({"found_in": "b.json"}, "b.json: a.jpg")):
        with pytest.raises(BadSample, match=f"(?s)D113.*{words}; boxes of another size.*{place}"):
            KeypointDetection().split(sample | more)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[", "D112"),
        ('{"image": "a.jpg", "predictions": []}\n{', "D112.*line 2"),
        ([{"image": 3}], r"D113.*needs 'image'.*\[0\]"),
        ([{"image": "a.jpg"}], "no 'box'"),
        ([{"image": "a.jpg", "predictions": [PERSON | {"box": [3, 2, 1, 4]}]}], "no 'box'"),
        ([{"image": "a.jpg", "predictions": [PERSON | {"box": [1, 2, True, 4]}]}], "no 'box'"),
        ([{"image": "a.jpg", "predictions": [DOG]}], r"D109.*there are dog"),
    ],
)
def test_a_file_that_holds_no_boxes_is_refused_with_the_place(content, words, tmp_path):
    with pytest.raises(DataError, match=f"(?s){words}"):
        Boxed(IMAGES, written(tmp_path / "a.json", content), KeypointDetection())


def test_boxes_of_other_images_or_for_another_task_are_refused(tmp_path):
    path = written(tmp_path / "a.json", [{"image": "c.jpg", "predictions": [PERSON]}])
    with pytest.raises(DataError, match="names none of these images"):
        list(Boxed(IMAGES, path, KeypointDetection()))
    with pytest.raises(ConfigError, match="the task of this one is Detection"):
        Boxed(IMAGES, path, Detection())
    with pytest.raises(DataError, match="D104"):
        read_boxes(str(tmp_path / "none.json"))
