"""Instance masks of COCO files and of PNGs: what is read, what is refused, and the score of masks."""

import copy
import json

import numpy as np
import pytest
from PIL import Image

from common.build.data import build_dataset
from common.config import load_config
from common.data.transform import random_for
from common.errors import DataError
from common.vision.affine import RandomFlip
from common.vision.decode import Decode
from PaddleCV.data.coco import CocoDetection
from PaddleCV.data.instance_masks import InstanceMaskDetection
from PaddleCV.metrics.coco_mask_map import CocoMaskMap
from PaddleCV.tests.test_coco_map import by_pycocotools

POLYGON = [10, 10, 30, 10, 30, 25, 10, 25]
RUNS = {"size": [40, 50], "counts": [40 * 20 + 5, 10, 30, 10, 40 * 28 + 25]}
CONTENT = {
    "images": [{"id": 7, "file_name": "1.png", "width": 50, "height": 40}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 1, "bbox": [10, 10, 20, 15], "area": 300, "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 1, "bbox": [20, 5, 2, 10], "area": 20, "iscrowd": 0},
    ],
    "categories": [{"id": 1, "name": "cell"}],
}
CONTENT["annotations"][0]["segmentation"] = [POLYGON]
CONTENT["annotations"][1]["segmentation"] = RUNS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("masks")
    Image.new("RGB", (50, 40), (90, 120, 30)).save(root / "1.png")
    return root


def read(root, segment=None, content=None):
    content = copy.deepcopy(content or CONTENT)
    if segment is not None:
        content["annotations"][0]["segmentation"] = segment
    (root / "a.json").write_text(json.dumps(content), encoding="utf-8")
    return CocoDetection(str(root), "a.json", "", with_masks=True)


def test_polygons_and_runs_become_masks_that_follow_the_image(folder):
    dataset = read(folder)
    sample = dataset[0]
    first, second = np.zeros((2, 40, 50), np.uint8)
    first[10:25, 10:30] = 1
    second[5:15, 20:22] = 1
    assert sample["masks"].tolist() == [first.tolist(), second.tolist()]
    flipped = RandomFlip(1.0)(Decode()(sample, random_for(0)), random_for(0))
    assert flipped["masks"][0].tolist() == first[:, ::-1].tolist()
    assert dataset.issues == []
    as_text = {"size": ["40", 50.0], "counts": dataset.annotations()["annotations"][1]["segmentation"]["counts"]}
    assert read(folder, as_text)[0]["masks"][0].tolist() == second.tolist()
    assert read(folder, [[str(value) for value in POLYGON]])[0]["masks"][0].tolist() == first.tolist()


@pytest.mark.parametrize(
    "segment",
    [
        [],
        [[]],
        {},
        "text",
        [POLYGON[:5]],
        [POLYGON[:4]],
        [[*POLYGON[:-1], None]],
        [[*POLYGON[:-1], 1e9]],
        POLYGON,
        {"size": [50, 40], "counts": RUNS["counts"]},
        {"size": [40, 50], "counts": RUNS["counts"][:-1]},
        {"size": [40, 50], "counts": [-5, 2005]},
        {"size": [40, 50], "counts": "0:1W10YO0]20_N0j9"},
        {"size": [40, 50], "counts": "\u0000"},
        {"size": [40, 50]},
    ],
)
def test_an_invalid_segmentation_is_named(folder, segment):
    with pytest.raises(DataError, match=r"(?s)D130.*annotations\[0\]"):
        read(folder, segment)


def test_masks_that_are_missing_or_elsewhere_are_reported(folder):
    content = copy.deepcopy(CONTENT)
    del content["annotations"][1]["segmentation"]
    with pytest.raises(DataError, match=r"(?s)D130.*annotations\[1\]"):
        read(folder, content=content)
    moved = read(folder, [[value + 12 for value in POLYGON]])
    assert [issue.message for issue in moved.issues] == ["the mask lies elsewhere than its box"]


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Two images; the PNG of the first has the objects 3 and 300 (16 bits), that of the second none."""
    root = tmp_path_factory.mktemp("instances")
    for name, pixels in (("a", np.zeros((40, 50), np.uint16)), ("b", np.zeros((40, 50), np.uint16))):
        for kind in ("images", "instances"):
            (root / kind).mkdir(exist_ok=True)
        if name == "a":
            pixels[4:10, 5:15], pixels[20:30, 40:50] = 3, 300
        Image.new("RGB", (50, 40)).save(root / f"images/{name}.jpg")
        Image.fromarray(pixels).save(root / f"instances/{name}.png")
    return root


def test_pngs_of_instance_numbers(numbered):
    dataset = InstanceMaskDetection(str(numbered))
    assert dataset[0]["boxes"].tolist() == [[5, 4, 15, 10], [40, 20, 50, 30]] and len(dataset[1]["boxes"]) == 0
    assert dataset[0]["masks"].sum((1, 2)).tolist() == [60, 100] and dataset[1]["masks"].shape == (0, 40, 50)
    assert dataset[0]["masks"][0, 4:10, 5:15].all() and dataset.check(deep=True) == []
    options = {"labels": ["car", "bus"], "class_ids": [3, 2], "unit": 100}
    dataset = InstanceMaskDetection(str(numbered), **options)  # 3 is a crowd of cars, 300 is the first car
    assert dataset.boxes.crowd.tolist() == [True, False] and dataset.boxes.label.tolist() == [0, 0]
    assert dataset[0]["boxes"].tolist() == [[40, 20, 50, 30]] and dataset[0]["masks"].sum() == 100


def test_faults_of_pngs_are_named(numbered, tmp_path):
    with pytest.raises(DataError, match=r"a\.jpg has no mask"):
        InstanceMaskDetection(str(numbered), instances="nowhere")
    for name in "ab":
        Image.new("RGB", (50, 40)).save(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match=r"(?s)D110.*a\.png"):
        InstanceMaskDetection(str(numbered), instances=str(tmp_path))
    with pytest.raises(ValueError, match="unit"):
        InstanceMaskDetection(str(numbered), labels=["a", "b"])


def test_the_score_of_masks_equals_pycocotools(folder):
    rng = np.random.default_rng(0)
    content = {"images": [], "annotations": [], "categories": CONTENT["categories"]}
    for number in range(6):
        Image.new("RGB", (60, 50)).save(folder / f"s{number}.png")
        content["images"].append({"id": number, "file_name": f"s{number}.png", "width": 60, "height": 50})
        for _ in range(3):
            x, y = rng.uniform(0, 30, 2)
            w, h = rng.uniform(6, 20, 2)
            segment = [[x, y, x + w, y, x + w / 2, y + h]]
            item = {"image_id": number, "category_id": 1, "bbox": [x, y, w, h], "area": w * h / 2, "iscrowd": 0}
            content["annotations"].append({"id": len(content["annotations"]) + 1, **item, "segmentation": segment})
    metric = CocoMaskMap(read(folder, content=content))
    states = []
    for number in range(6):
        truth = [item for item in content["annotations"] if item["image_id"] == number]
        rows, cells = [], []
        for item in truth:
            x, y, w, h = np.array(item["bbox"]) + rng.normal(0, 1, 4)
            rows.append([0, rng.random(), x, y, x + w, y + h])
            cells.append(np.abs(np.arange(14) - 6.5) < np.linspace(7, rng.uniform(0, 3), 14)[:, None])
        outputs = {"boxes": np.array(rows), "num_boxes": [len(rows)], "masks": np.float32(cells)}
        metric.update(outputs, {"image_id": [number]})
        if number == 3:
            states.append(metric.state())
            metric.reset()
    metric.merge([metric.state(), *states])
    scores = metric.compute()
    results = [{k: v for k, v in result.items() if k != "bbox"} for result in metric.results()]
    reference = by_pycocotools(metric.dataset, json.loads(json.dumps(results)), "segm")
    assert list(scores)[:12] == [f"mask_{name}" for name in list(scores)[12:]]
    assert np.abs(np.array(list(scores.values())[:12]) - reference.stats[:12]).max() < 1e-6
    assert 0.1 < scores["mask_AP50"] <= 1 and scores["mask_AP50"] != scores["AP50"]
    with pytest.raises(ValueError, match="with_masks"):
        CocoMaskMap(CocoDetection(str(folder), "a.json", ""))


def test_a_configuration_needs_no_class_names_of_a_dataset_with_a_default(numbered):
    node = {"type": "InstanceMaskDetection", "root": str(numbered), "transforms": []}
    dataset = build_dataset(load_config({"kit": "PaddleCV", "data": {"eval": node}}), "eval")
    assert dataset.labels == ["object"] and len(dataset) == 2
