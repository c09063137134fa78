"""COCO metrics against pycocotools, and the contract of metrics."""

import contextlib
import io
import json
import time

import numpy as np
import pytest

from PaddleCV.metrics.coco_map import STATS, CocoMap


class Truth:
    """A dataset as far as a metric uses it."""

    def __init__(self, images, annotations, categories):
        self.content = {"images": images, "annotations": annotations, "categories": categories}
        self.category_ids = [category["id"] for category in categories]
        self.labels = [category["name"] for category in categories]

    def annotations(self):
        return self.content


def random_truth(rng, images=12, classes=3, crowds=0.15, size=300):
    """Boxes of all three size ranges; some crowds, images without boxes, and a class without any."""
    annotations = []
    for image in range(images):
        for _ in range(int(rng.integers(0, 7))):
            x, y = rng.uniform(0, size * 0.6, 2)
            w, h = rng.uniform(4, size * 0.4, 2)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image * 3 + 5,
                    "category_id": int(rng.integers(classes)) * 7 + 2,
                    "bbox": [x, y, w, h],
                    "area": w * h * rng.uniform(0.5, 1),
                    "iscrowd": int(rng.random() < crowds),
                }
            )
    images = [
        {"id": image * 3 + 5, "file_name": f"{image}.jpg", "width": size, "height": size} for image in range(images)
    ]
    categories = [{"id": k * 7 + 2, "name": f"class {k}"} for k in range(classes + 1)]
    return Truth(images, annotations, categories)


def random_detections(rng, truth, ties=True):
    """Image id -> rows (label, score, x1, y1, x2, y2): perturbed annotations, duplicates and false positives."""
    answer = {}
    for image in truth.content["images"]:
        rows = []
        for item in truth.content["annotations"]:
            if item["image_id"] == image["id"]:
                for _ in range(int(rng.integers(0, 4))):
                    x, y, w, h = np.array(item["bbox"]) + rng.normal(0, 6, 4)
                    label = truth.category_ids.index(item["category_id"])
                    label = label if rng.random() < 0.8 else int(rng.integers(len(truth.labels)))
                    rows.append([label, rng.random(), x, y, x + max(w, 1), y + max(h, 1)])
        for _ in range(int(rng.integers(0, 5))):
            x, y, w, h = rng.uniform(1, 150, 4)
            rows.append([int(rng.integers(len(truth.labels))), rng.random(), x, y, x + w, y + h])
        rows = np.array(rows, np.float32).reshape(-1, 6)
        if ties:
            rows[:, 1] = np.round(rows[:, 1], 1)
        answer[image["id"]] = rows
    return answer


def feed(metric, answer, ids=None, batch_size=5):
    ids = list(answer) if ids is None else list(ids)
    for start in range(0, len(ids), batch_size):
        part = ids[start : start + batch_size]
        boxes = np.concatenate([answer[i] for i in part])
        counts = np.array([len(answer[i]) for i in part], np.int32)
        metric.update({"boxes": boxes, "num_boxes": counts}, {"image_id": np.array(part)})
    return metric


def by_pycocotools(truth, results, kind="bbox"):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = json.loads(json.dumps(truth.annotations()))
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(results), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("seed", range(8))
def test_the_twelve_metrics_equal_pycocotools(seed):
    rng = np.random.default_rng(seed)
    truth = random_truth(rng, crowds=(0, 0.15, 0.5)[seed % 3])
    metric = feed(CocoMap(truth), random_detections(rng, truth))
    reference = by_pycocotools(truth, json.loads(json.dumps(metric.results())))
    assert np.abs(np.array(list(metric.compute().values())) - reference.stats[:12]).max() < 1e-6
    precision = reference.eval["precision"][0, :, :, 0, -1]
    for k, name in enumerate(truth.labels):
        assert np.allclose(metric.curves()[name][1] if name in metric.curves() else -1, precision[:, k], atol=1e-6)


def test_processes_are_merged_in_any_order_and_a_duplicate_image_counts_once():
    rng = np.random.default_rng(1)
    truth = random_truth(rng)
    answer = random_detections(rng, truth)
    whole = feed(CocoMap(truth), answer).compute()
    ids = list(answer)
    shards = [feed(CocoMap(truth), answer, [*ids[k::3], ids[0]], batch_size=2) for k in range(3)]
    for order in ([0, 1, 2], [2, 0, 1]):
        merged = CocoMap(truth)
        merged.merge([shards[k].state() for k in order])
        assert merged.compute() == whole
    shards[1].merge([shard.state() for shard in shards])  # a process merges its own state with the others'
    assert shards[1].compute() == whole


def test_perfect_boxes_score_one_and_none_score_zero():
    rng = np.random.default_rng(2)
    truth = random_truth(rng, crowds=0)
    perfect = {image["id"]: [] for image in truth.content["images"]}
    for item in truth.content["annotations"]:
        x, y, w, h = item["bbox"]
        perfect[item["image_id"]].append([truth.category_ids.index(item["category_id"]), 0.9, x, y, x + w, y + h])
    perfect = {key: np.array(rows).reshape(-1, 6) for key, rows in perfect.items()}
    scores = feed(CocoMap(truth), perfect).compute()
    assert scores["AP"] == pytest.approx(1) and scores["AP50"] == pytest.approx(1)
    nothing = {key: np.zeros((0, 6), np.float32) for key in perfect}
    scores = feed(CocoMap(truth), nothing).compute()
    assert scores["AP"] == 0 and scores["AR100"] == 0


def test_no_image_no_box_and_no_detection_do_not_crash():
    truth = random_truth(np.random.default_rng(0))
    assert list(CocoMap(truth).compute()) == list(STATS)
    empty = Truth(truth.content["images"], [], truth.content["categories"])
    metric = feed(CocoMap(empty), random_detections(np.random.default_rng(0), empty))
    assert metric.compute()["AP"] == -1
    assert metric.curves() == {} and set(metric.per_class()) == set(truth.labels)


def test_non_finite_and_padded_boxes_are_left_out():
    truth = random_truth(np.random.default_rng(4), images=2)
    ids = [image["id"] for image in truth.content["images"]]
    rows = np.array([[0, np.nan, 1, 1, 9, 9], [1, 0.5, 1, np.inf, 9, 9], [-1, 0, 0, 0, 0, 0], [1, 0.4, 1, 1, 9, 9]])
    metric = CocoMap(truth)
    metric.update({"boxes": rows, "num_boxes": np.array([3, 1])}, {"image_id": np.array(ids)})
    assert [result["score"] for result in metric.results()] == [0.4]
    assert metric.compute()["AP"] <= 1


def test_inconsistent_counts_are_refused():
    metric = CocoMap(random_truth(np.random.default_rng(0)))
    with pytest.raises(ValueError, match="num_boxes is"):
        metric.update({"boxes": np.zeros((1, 6)), "num_boxes": np.array([2])}, {"image_id": np.array([5])})
    with pytest.raises(ValueError, match="primary is 'mAP'"):
        CocoMap(metric.dataset, primary="mAP")


def test_reset_forgets():
    rng = np.random.default_rng(5)
    truth = random_truth(rng)
    answer = random_detections(rng, truth)
    metric = feed(CocoMap(truth), answer)
    before = metric.compute()
    metric.reset()
    assert metric.results() == []
    assert feed(metric, answer).compute() == before


def test_a_thousand_images_take_seconds():
    rng = np.random.default_rng(0)
    truth = random_truth(rng, images=1000, classes=79)
    answer = random_detections(rng, truth)
    start = time.process_time()
    feed(CocoMap(truth), answer, batch_size=64).compute()
    assert time.process_time() - start < 20
