"""Semantic masks of outlined objects: polygons, circles and masks of labelme, polygons and run-length codes of COCO."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from common.data.transform import random_for
from common.errors import DataError
from common.vision.decode import Decode
from common.vision.instance_masks import encode_mask
from PaddleCV.data.object_masks import CocoSegmentation, LabelmeSegmentation
from PaddleCV.data.outlines import encode_outlines, outline_of_shape, place_mask

SQUARE = [[2, 1], [6, 1], [6, 5], [2, 5]]


def shape(label, points, kind="polygon", **more):
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, **more}


def labelme(root, *shapes):
    """An image of 12 x 8 pixels and its JSON file."""
    Image.new("RGB", (12, 8)).save(root / "a.png")
    about = {"shapes": list(shapes), "imagePath": "a.png", "imageWidth": 12, "imageHeight": 8}
    (root / "a.json").write_text(json.dumps(about))
    return str(root)


def png_text(mask):
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_later_shapes_of_labelme_lie_over_earlier_ones(tmp_path):
    inner = shape("cat", [[3, 2], [5, 4]], "rectangle")
    dataset = LabelmeSegmentation(labelme(tmp_path, shape("dog", SQUARE), inner))
    assert dataset.labels == ["background", "cat", "dog"] and dataset.num_classes == 3
    mask = Decode()(dataset[0], random_for(0))["mask"]
    expected = np.zeros((8, 12), np.uint8)
    expected[1:5, 2:6], expected[2:4, 3:5] = 2, 1
    assert mask.tolist() == expected.tolist() and dataset.check(deep=True) == []
    hidden = LabelmeSegmentation(labelme(tmp_path, inner, shape("dog", SQUARE)))
    assert 1 not in hidden[0]["mask"]
    assert [issue.code for issue in hidden.check(deep=True)] == ["D117"]


def test_the_background_is_a_class_of_any_name_and_number_or_ignored(tmp_path):
    root = labelme(tmp_path, shape("dog", SQUARE), shape("__ignore__", [[8, 0], [12, 0], [12, 8], [8, 8]]))
    dataset = LabelmeSegmentation(root, labels=["dog", "ground"], background="ground", ignored=["__ignore__"])
    mask = dataset[0]["mask"]
    assert dataset.labels == ["dog", "ground"] and (mask[0, 0], mask[2, 3], mask[4, 9]) == (1, 0, 255)
    mask = LabelmeSegmentation(root, background=None, ignored=["__ignore__"])[0]["mask"]
    assert set(np.unique(mask)) == {0, 255} and (mask == 0).sum() == 16
    with pytest.raises(ValueError, match="background 'x' is in ignored"):
        LabelmeSegmentation(root, background="x", ignored=["x", "__ignore__"])
    with pytest.raises(DataError, match=r"(?s)D109.*a\.json.*shapes\[0\].*dog"):
        LabelmeSegmentation(root, labels=["cat", "__ignore__"])


def test_masks_and_circles_of_labelme_are_filled_to_the_pixel(tmp_path):
    part = np.array([[255, 0, 255], [0, 255, 0]], np.uint8)
    item = shape("dot", [[4, 3], [6, 4]], "mask", mask=png_text(part))
    mask = LabelmeSegmentation(labelme(tmp_path, item))[0]["mask"]
    assert np.argwhere(mask).tolist() == [[3, 4], [3, 6], [4, 5]]
    left = {"text": png_text(part), "left": -1.0, "top": 7.0}
    assert np.argwhere(place_mask(left, 8, 12)).tolist() == [[7, 1]]
    circle = outline_of_shape("circle", [[50, 50], [50, 80]], [20, 20, 80, 80])
    area = 2 * sum(x1 * y2 - x2 * y1 for x1, y1, x2, y2 in zip(*roll(circle))) / 4
    assert area == pytest.approx(np.pi * 900, rel=0.002)
    bad = shape("dot", [[4, 3], [6, 4]], "mask", mask="no base64!")
    with pytest.raises(DataError, match=r"(?s)D130.*'mask' is not a text in base64.*a\.json"):
        LabelmeSegmentation(labelme(tmp_path, bad))


def roll(polygon):
    """The coordinates of each corner of a polygon and of the next one, four arrays."""
    points = np.reshape(polygon, (-1, 2))
    return *points.T, *np.roll(points, -1, 0).T


def test_parts_of_one_group_are_one_outline():
    parts = [[0, 0, 4, 0, 4, 4, 0, 4], [6, 0, 8, 0, 8, 4, 6, 4]]
    both = encode_outlines(parts, 8, 12)
    expected = np.zeros((8, 12), bool)
    expected[:4, :4] = expected[:4, 6:8] = True
    assert both == encode_mask(expected)


@pytest.fixture
def coco(tmp_path):
    """An image of 12 x 8 pixels: a cat of 4 x 4 pixels, listed first, within a dog of 8 x 6, and a crowd of dogs."""
    Image.new("RGB", (12, 8)).save(tmp_path / "a.png")
    crowd = np.zeros((8, 12), bool)
    crowd[7] = True
    small, large = [3, 2, 7, 2, 7, 6, 3, 6], [1, 1, 9, 1, 9, 7, 1, 7]
    outlines = [(7, [small], [3, 2, 4, 4], 0), (9, [large], [1, 1, 8, 6], 0), (9, encode_mask(crowd), [0, 7, 12, 1], 1)]
    records = [
        {"id": k, "image_id": 1, "category_id": c, "segmentation": s, "bbox": b, "area": b[2] * b[3], "iscrowd": crowd}
        for k, (c, s, b, crowd) in enumerate(outlines, 1)
    ]
    content = {"images": [{"id": 1, "file_name": "a.png", "width": 12, "height": 8}], "annotations": records}
    content["categories"] = [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}]
    (tmp_path / "a.json").write_text(json.dumps(content))
    return str(tmp_path)


def test_smaller_objects_of_coco_lie_over_larger_ones_and_crowds_count(coco):
    dataset = CocoSegmentation(coco, "a.json", "")
    mask = dataset[0]["mask"]
    expected = np.zeros((8, 12), np.uint8)
    expected[1:7, 1:9], expected[7], expected[2:6, 3:7] = 2, 2, 1
    assert dataset.labels == ["background", "cat", "dog"] and mask.tolist() == expected.tolist()
    assert dataset.check(deep=True) == [] and dataset.groups().tolist() == [1]


def test_categories_of_coco_are_chosen_and_ignored_by_name(coco):
    mask = CocoSegmentation(coco, "a.json", "", labels=["cat", "background"], ignored=["dog"])[0]["mask"]
    assert (mask[0, 0], mask[3, 4], mask[1, 1]) == (1, 0, 255)
    mask = CocoSegmentation(coco, "a.json", "", labels=["background", "dog"])[0]["mask"]
    assert set(np.unique(mask)) == {0, 1} and mask[3, 4] == 1
