"""Metrics of keypoints: PCK by hand, average precision as pycocotools has it, people found twice or by a detector."""

import types

import numpy as np
import paddle
import pytest

from PaddleCV.data.keypoints import CATEGORY, KeypointDataset, People
from PaddleCV.metrics.keypoint_map import STATS, KeypointMap, sigma_of
from PaddleCV.metrics.pck import PCK, PCKh

NAMES = ["right_shoulder", "left_hip", "nose"]


def dataset(points, labels=NAMES, images=None, heads=None, box=(0, 0, 100, 100)):
    """A dataset of people, [P, K, 3], each in an image of its own unless `images` says otherwise."""
    found, points = KeypointDataset(), np.array(points, np.float64)
    count = len(points)
    found.labels, found.rows = list(labels), np.arange(count)
    numbers = np.arange(count) if images is None else np.array(images)
    found.images = [
        {"id": int(k) + 100, "file_name": f"{k}.jpg", "width": 200, "height": 200} for k in range(numbers.max() + 1)
    ]
    found.people = People(
        image=numbers,
        box=np.tile(np.float64(box), (count, 1)),
        points=points,
        crowd=np.zeros(count, bool),
        area=np.full(count, 5000.0),
        score=np.ones(count),
        head=np.full(count, np.nan) if heads is None else np.float64(heads),
        position=np.arange(count),
    )
    return found


def given(people, points, scores=None):
    """The outputs and the batch of some people."""
    scores = np.ones(len(people)) if scores is None else scores
    return {"keypoints": np.float32(points)}, {"person": np.array(people), "box_score": np.float32(scores)}


TRUTH = [
    [[10, 10, 2], [10, 60, 2], [30, 30, 1]],  # a torso of 50 pixels: 10 pixels are near enough
    [[10, 10, 2], [0, 0, 0], [30, 30, 2]],  # no torso
    [[0, 0, 2], [30, 40, 2], [0, 0, 0]],
]
FOUND = [
    [[19, 10, 1], [10, 71, 1], [38, 36, 1]],
    [[10, 10, 1], [10, 10, 1], [30, 30, 1]],
    [[0, 0, 1], [30, 49, 1], [5, 5, 1]],
]


def test_pck_is_the_share_of_labeled_keypoints_within_a_fifth_of_the_torso():
    metric = PCK(dataset(TRUTH))
    metric.update(*given([0, 1, 2], FOUND))
    assert metric.compute() == {"pck": pytest.approx(4 / 5)}  # nose 10 away, hips 11 and 9, shoulders 9 and 0
    table = metric.per_class()
    assert table["left_hip"] == {"keypoints": 2, "pck": 0.5} and table["nose"] == {"keypoints": 1, "pck": 1.0}


def test_pckh_takes_the_size_of_the_head_of_the_data_or_the_distance_to_the_neck():
    labels = ["head_top", "neck", "wrist"]
    points = [[[0, 0, 2], [0, 20, 2], [50, 50, 2]]] * 2
    metric = PCKh(dataset(points, labels, heads=[np.nan, 4]))
    near = [[0, 0, 1], [0, 20, 1], [50, 59, 1]]
    metric.update(*given([0, 1], [near, near]))
    assert metric.compute() == {"pckh": pytest.approx(5 / 6)}  # 9 pixels are less than 10, and more than 2
    with pytest.raises(ValueError, match=r"right_shoulder and left_hip; the data have head_top"):
        PCK(dataset(points, labels))
    assert PCK(dataset(points, labels), ends=["neck", "wrist"]).ends == [1, 2]


def test_a_person_counts_once_and_processes_are_merged():
    one, other = PCK(dataset(TRUTH)), PCK(dataset(TRUTH))
    one.update(*given([0, 0], [FOUND[0], FOUND[1]]))
    other.update(*given([2, 0], [FOUND[2], FOUND[1]]))
    whole = PCK(dataset(TRUTH))
    whole.merge([one.state(), other.state()])
    assert whole.table()[0].tolist() == [0, 2] and whole.compute() == {"pck": pytest.approx(4 / 5)}
    whole.reset()
    assert whole.compute() == {"pck": -1.0} and whole.undefined == -1
    with pytest.raises(ValueError, match="gives 1 keypoints"):
        whole.update(*given([0], [[[1, 2, 3]]]))


@pytest.fixture(scope="module")
def crowd():
    """Six people with COCO's keypoints in four images, and noisy predictions of them."""
    from PaddleCV.tools.make_people import JOINTS

    rng = np.random.default_rng(0)
    points = rng.uniform(20, 180, (6, 17, 3))
    points[:, :, 2] = rng.integers(0, 3, (6, 17))
    points[points[:, :, 2] == 0] = 0
    found = points + rng.normal(0, 1, points.shape) * [4, 4, 0]
    found[:, :, 2] = rng.uniform(0, 1, (6, 17))
    return dataset(points, JOINTS, images=[0, 0, 1, 2, 2, 3]), found


def test_average_precision_is_that_of_pycocotools(crowd):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    data, found = crowd
    metric = KeypointMap(data)
    metric.update(*given(range(6), found, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]))
    truth = COCO()
    truth.dataset = data.annotations()
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(metric.results()), "keypoints")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    got = metric.compute()
    np.testing.assert_allclose([got[name] for name in STATS], evaluation.stats, atol=1e-12)
    assert 0.05 < got["AP"] < 0.95 and list(metric.sigmas) == pytest.approx(evaluation.params.kpt_oks_sigmas.tolist())


def test_the_score_of_a_person_is_the_mean_of_the_sure_keypoints_times_that_of_the_box(crowd):
    data, found = crowd
    metric = KeypointMap(data)
    metric.update(*given([4], found[4:5], [0.5]))
    (item,) = metric.results()
    sure = np.float32(found[4, :, 2])[found[4, :, 2] >= 0.2]
    assert item["score"] == pytest.approx(0.5 * sure.mean()) and item["image_id"] == 102
    assert len(item["keypoints"]) == 51 and item["category_id"] == CATEGORY["id"]


def test_people_whom_the_detector_missed_count(crowd):
    data, _ = crowd
    half = types.SimpleNamespace(**vars(data), annotations=data.annotations)
    half.found = data.people.select(np.arange(3))
    metric = KeypointMap(half)
    metric.update(*given([0, 1, 2], data.people.points[:3] * [1, 1, 0.5]))
    assert metric.compute()["AR"] == pytest.approx(0.5)  # three of six
    metric.reset()
    assert set(metric.compute().values()) == {-1.0}


def test_sigmas_are_those_of_the_part_of_the_body():
    names = ["l_wrist", "left_ear", "head_top", "forearm"]
    assert [sigma_of(name) for name in names] == [0.062, 0.035, 0.079, 0.079]
    with pytest.raises(ValueError, match="2 sigmas for 3"):
        KeypointMap(dataset(TRUTH), sigmas=[0.1, 0.2])
    with pytest.raises(ValueError, match="primary"):
        KeypointMap(dataset(TRUTH), primary="mAP")


def test_with_flip_the_metric_asks_the_model_for_both_images():
    class Model:
        def predict_mirrored(self, image, order):
            assert order == [0, 1, 2]  # no two of these names differ in their side alone
            return image

        def locate(self, heatmaps, crop):
            return paddle.to_tensor(np.float32(FOUND[:1]))

    metric = PCK(dataset(TRUTH), flip=True)
    assert metric.needs == "model" and PCK(dataset(TRUTH)).needs == "predictions"
    _, batch = given([0], FOUND[:1])
    metric.update(Model(), batch | {"image": np.zeros((1, 3, 4, 4), "f4"), "crop": np.zeros((1, 4), "f4")})
    assert metric.compute() == {"pck": pytest.approx(2 / 3)}
