"""The first stage of PointRCNN: bins of boxes, the contract, KITTI's files, average precision."""

import os
from pathlib import Path

import numpy as np
import paddle
import pytest

from common.data.pipeline import Pipeline
from common.data.transform import random_for
from common.errors import DataError
from common.inference.tasks.point_detection import PointDetection
from common.testing import check_model
from common.vision.boxes_3d import points_inside
from common.vision.image_frame import ChooseFarPoints, CropScope, LoadScan
from common.vision.scene_changes import PointBoxTargets
from PaddleCV.data.kitti_objects import KittiObjects
from PaddleCV.metrics.kitti_ap import Frame, KittiAP, average_precision, frame_of, judge, thresholds_of
from PaddleCV.models.points.bin_boxes import BinBoxes
from PaddleCV.models.points.point_rpn import PointRPN
from PaddleCV.models.points.pointnet2 import PointNet2
from PaddleCV.models.points.set_abstraction import SetAbstraction
from PaddleCV.tools.make_scenes import make_scenes

CODER = BinBoxes(3.0, 0.5, 12, [1.5, 1.6, 3.9])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "scenes"
    make_scenes(folder, 3, 2, points=200)
    return str(folder)


def test_a_box_is_encoded_as_worked_out_by_hand():
    box, point = [[1.3, 1.7, 10.0, 1.8, 1.6, 3.9, np.pi / 2 + 0.1]], [[1.0, 1.0, 10.2]]
    found = CODER.encode(paddle.to_tensor(box, "float32"), paddle.to_tensor(point, "float32"))
    # x: 0.3 + 3 = 3.3, bin 6, (3.3 - 3.25) / 0.5; z: -0.2 + 3 = 2.8, bin 5, (2.8 - 2.75) / 0.5; 12 bins of 30 degrees
    assert [found[f"{name}_bin"].item() for name in ("x", "z", "heading")] == [6, 5, 3]
    numbers = [found[name].item() for name in ("x", "z", "heading", "y")]
    assert numbers == pytest.approx([0.1, 0.1, 0.1 / (np.pi / 12), 0.7], abs=1e-4)
    np.testing.assert_allclose(found["size"].numpy(), [[0.2, 0, 0]], atol=1e-6)


def test_decoding_undoes_encoding():
    rng = random_for(0)
    points = rng.uniform(-5, 5, (50, 3))
    middle = points + rng.uniform(-2.9, 2.9, (50, 3))
    boxes = np.concatenate([middle, rng.uniform(1, 4, (50, 3)), rng.uniform(-np.pi, np.pi, (50, 1))], 1)
    points, boxes = (paddle.to_tensor(value, "float32") for value in (points, boxes))
    wanted = CODER.encode(boxes, points)
    parts = {}
    for name, count in (("x", CODER.bins), ("z", CODER.bins), ("heading", 12)):
        chosen = paddle.nn.functional.one_hot(wanted[f"{name}_bin"], count)
        parts[f"{name}_bin"], parts[name] = chosen, chosen * wanted[name].unsqueeze(1)
    parts |= {"y": wanted["y"].unsqueeze(1), "size": wanted["size"]}
    order = ("x_bin", "z_bin", "x", "z", "y", "heading_bin", "heading", "size")
    predictions = paddle.concat([parts[name] for name in order], 1)
    assert predictions.shape[1] == CODER.channels == 76
    found = CODER.decode(predictions.unsqueeze(0), points.unsqueeze(0))[0].numpy()
    np.testing.assert_allclose(found[:, :6], boxes.numpy()[:, :6], atol=1e-4)
    np.testing.assert_allclose(np.cos(found[:, 6] - boxes.numpy()[:, 6]), 1, atol=1e-5)
    losses = CODER.losses(predictions + 50 * (predictions == 1).astype("float32"), boxes, points)
    assert losses["bins"].item() < 1e-3 and losses["residuals"].item() < 1e-6


def test_bins_that_do_not_divide_the_scope_are_refused():
    with pytest.raises(ValueError, match=r"bins of 0\.7 do not divide 6\.0"):
        BinBoxes(3.0, 0.7, 12, [1, 1, 1])


def detector():
    paddle.seed(0)
    levels = [SetAbstraction(0, [[8, 8]], 12, [3.0], [6]), SetAbstraction(8, [[12]], 5, [6.0], [4])]
    own = PointNet2(levels, 0, [[8], [8]])
    return PointRPN(own, num_points=64, dropout=0.0)


def test_the_first_stage_keeps_the_contract(scenes, tmp_path):
    steps = [LoadScan(), CropScope(), ChooseFarPoints(64), PointBoxTargets()]
    data = KittiObjects(scenes)
    samples = [Pipeline(steps).sample(data, index, 0) for index in range(2)]
    batch = {name: np.stack([one[name] for one in samples]) for name in ("points", "point_label", "point_box")}
    assert (batch["point_label"] == 1).any(1).all()
    model = check_model(detector, batch, tmp_path)
    batch["point_label"][:] = 0
    losses = model.loss({name: paddle.to_tensor(value) for name, value in batch.items()})
    assert losses["loss_bin"].item() == 0 and np.isfinite(losses["loss_point"].item())


def test_made_frames_have_points_in_each_of_their_boxes(scenes):
    data = KittiObjects(scenes)
    assert len(data) == 3 and data.check(deep=True) == [] and data.labels == ["Car"]
    for index in range(3):
        sample = data[index]
        assert (points_inside(sample["points"], sample["boxes"]).sum(1) > 5).all()
        assert sample["truth"].shape == (len(sample["boxes"]), 15) and (sample["truth"][:, 8] >= 0).all()
    np.testing.assert_array_equal(data.image_of(data[1]["path"]), data[1]["points"])


@pytest.mark.parametrize(
    ("part", "text", "words"),
    [
        ("label_2", "Car 0 0 0 1 2 3 4 1.5 1.6 3.9 1 2\n", "line 1 is no object"),
        ("label_2", "Tram x\nCar 0 0 0 1 2 3 4 1.5 0 3.9 1 2 9 0\n", "line 2 is no object"),
        (
            "label_2",
            "Carr 0 0 0 1 2 3 4 1.5 1.6 3.9 1 2 9 0\n",
            "'Carr' is unknown; did you mean 'Car'",
        ),
        ("calib", "P2: 1 2\n", "P2 is no 3x4 matrix"),
        ("calib", None, "a file of the frame cannot be read"),
        ("velodyne", None, "whose scan is not there"),
    ],
)
def test_bad_frames_are_named_with_the_line_of_the_list(tmp_path, part, text, words):
    make_scenes(tmp_path / "set", 2, 1, points=50)
    end = ".bin" if part == "velodyne" else ".txt"
    path = tmp_path / f"set/training/{part}/000001{end}"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=rf"(?s){words}.*train.txt: line 2.*{part}/000001"):
        KittiObjects(str(tmp_path / "set"))
    assert len(KittiObjects(str(tmp_path / "set"), bad_samples="skip")) == 1


def test_an_empty_scan_is_an_issue_of_its_frame(tmp_path):
    make_scenes(tmp_path / "set", 2, 1, points=50)
    (tmp_path / "set/training/velodyne/000000.bin").write_bytes(b"")
    (issue,) = KittiObjects(str(tmp_path / "set")).check(deep=True)
    assert issue.code == "D117" and issue.place == "line 1" and issue.value.endswith("000000.bin")


def frame(scores, overlap, heights=None, unlabeled=None, objects=((0, 2, 0.0), (0, 2, 0.0)), alphas=None):
    count = len(scores)
    columns = [scores, heights or [50] * count, alphas or [0.0] * count, unlabeled or [0] * count]
    overlaps = np.array(overlap, float).reshape(count, len(objects))
    return Frame(np.array(columns, float).T.reshape(count, 4), np.array(objects, float), np.stack([overlaps] * 3))


def test_thresholds_are_the_scores_at_evenly_spaced_recalls():
    # of 2 objects: recall 1/2 passes the first of the 40 steps, the last score is always taken
    assert thresholds_of(np.array([0.9, 0.4]), 2) == [0.9, 0.4]
    scores = np.linspace(1, 0.01, 400)
    found = thresholds_of(scores, 400)
    assert len(found) == 41 and found[0] == 1.0 and found[-1] == scores[-1]
    assert found[20] == pytest.approx(scores[199], abs=0.005) and not thresholds_of(np.zeros(0), 3)


def test_detections_are_judged_as_worked_out_by_hand():
    # right, a double of it, wrong; of two objects the second is missed
    one = frame([0.9, 0.8, 0.7], [[0.8, 0], [0.75, 0], [0.1, 0.2]], alphas=[np.pi / 2, 0, 0])
    assert judge(one, 2, 2, 40, 0.7, 0.0) == (1, 2, pytest.approx(0.5))
    assert judge(one, 2, 2, 40, 0.7, 0.85) == (1, 0, pytest.approx(0.5))
    # too small, or in a region without labels, which counts in the image alone
    one = frame([0.9, 0.8, 0.7], np.zeros((3, 2)), heights=[39, 50, 50], unlabeled=[0, 1, 0])
    assert judge(one, 0, 2, 40, 0.7, 0.0)[:2] == (0, 1) and judge(one, 2, 2, 40, 0.7, 0.0)[:2] == (0, 2)
    # an object that is harder, and one of a class that is nearly the same: neither right nor wrong
    one = frame([0.9, 0.8], [[0.8, 0], [0, 0.8]], objects=((0, 0, 0.0), (-1, 2, 0.0)))
    assert judge(one, 2, 2, 40, 0.7, 0.0)[:2] == (0, 0) and judge(one, 2, 0, 25, 0.7, 0.0)[:2] == (1, 0)
    # a large detection is taken before a small one that overlaps more
    one = frame([0.9, 0.8], [[0.9, 0], [0.75, 0]], heights=[30, 50])
    assert judge(one, 2, 2, 40, 0.7, 0.0)[:2] == (1, 0)


def test_precision_is_averaged_at_eleven_of_forty_one_recalls():
    # right at 0.9, wrong at 0.8, right at 0.7: two thresholds, of which the first is averaged and the others are 0
    frames = [frame([0.9, 0.8, 0.7], [[0.8, 0], [0.1, 0], [0, 0.8]], alphas=[0, 0, np.pi])]
    assert average_precision(frames, 2, 2, 40, 0.7) == pytest.approx((1 / 11, 1 / 11))
    many = [frame([0.5 + k / 100, 0.1], [[0.8, 0], [0, 0]]) for k in range(41)]  # half of the objects, none wrong above
    found = average_precision(many, 2, 2, 40, 0.7)[0]
    assert found == pytest.approx(6 / 11)  # precision 1 up to recall 1/2
    assert average_precision([frame([0.9], [[0, 0]])], 2, 2, 40, 0.7) == (0, 0)
    assert average_precision([frame([0.9], [[0, 0]], objects=((0, 0, 0.0), (-1, 2, 0.0)))], 2, 2, 40, 0.7) == (-1, -1)


def score(data, shift=(0.0,) * 7):
    metric = KittiAP(data, PointDetection())
    for index in range(len(data)):
        sample = data[index]
        boxes = sample["boxes"] + np.array(shift, np.float32)
        outputs = {"scores": np.linspace(0.9, 0.8, len(boxes))[None], "boxes": boxes[None]}
        batch = {"truth": [sample["truth"]], "path": ["a"], "projection": sample["projection"][None]}
        metric.update(outputs, batch)
    alone = metric.compute()
    metric.merge([metric.state(), metric.state()])
    assert len(metric.frames) == 2 * len(data)
    return alone


def test_the_true_boxes_score_all_that_there_are_recalls_for_and_shifted_ones_nothing(tmp_path):
    make_scenes(tmp_path / "set", 30, 1, points=60)
    data = KittiObjects(str(tmp_path / "set"))
    found = score(data)
    assert len(found) == 12 and found["AP_3D_hard"] == found["AP_BEV_hard"] == 1
    assert found["AP_bbox_hard"] > 0.99  # a few cars stand beside the image
    assert found["AOS_hard"] == pytest.approx(found["AP_bbox_hard"], abs=1e-3)
    turned = score(data, (0, 0, 0, 0, 0, 0, np.pi))  # the same places, the other way round
    assert turned["AP_3D_hard"] == 1 and turned["AOS_hard"] < 0.01
    assert set(score(data, (4.0, 0, 0, 0, 0, 0, 0)).values()) == {0.0}


def test_states_of_several_processes_become_one(scenes):
    data = KittiObjects(scenes)
    metric = KittiAP(data, PointDetection())
    sample = data[0]
    boxes = np.concatenate([sample["boxes"], sample["boxes"] + 0.1])
    batch = {"truth": [sample["truth"]], "path": ["a"], "projection": sample["projection"][None]}
    metric.update({"scores": np.linspace(0.9, 0.3, len(boxes))[None], "boxes": boxes[None]}, batch)
    before = metric.frames[0]
    metric.update({"scores": np.zeros((1, 0)), "boxes": np.zeros((1, 0, 7))}, batch)
    expected = metric.compute()
    metric.merge([metric.state()])
    assert metric.compute() == expected
    for name in ("detections", "objects", "overlaps"):
        np.testing.assert_array_equal(getattr(metric.frames[0], name), getattr(before, name))


def test_frames_of_kitti_have_as_many_points_in_their_cars_as_are_known():
    root = Path(os.environ.get("KIT_TEST_DATA", "/nowhere")) / "kitti_mini"
    if not root.is_dir():
        pytest.skip("KIT_TEST_DATA has no kitti_mini")
    data = KittiObjects(str(root), "val")
    frame = next(data[k] for k in range(len(data)) if data[k]["path"].endswith("000008.bin"))
    counts = points_inside(frame["points"], frame["boxes"]).sum(1)
    np.testing.assert_allclose(counts, [1424, 1940, 878, 668, 53, 164], rtol=0.1)


def test_boxes_and_rotations_in_the_image_are_those_of_the_labels_of_kitti():
    root = Path(os.environ.get("KIT_TEST_DATA", "/nowhere")) / "kitti_mini"
    if not root.is_dir():
        pytest.skip("KIT_TEST_DATA has no kitti_mini")
    data = KittiObjects(str(root), "val")
    for index in range(len(data)):
        sample = data[index]
        truth = sample["truth"]
        found = frame_of(sample["boxes"], np.ones(len(sample["boxes"])), truth, sample["projection"], [1242, 375], 0.7)
        cars = truth[truth[:, 7] == 0]
        near = found.objects[:, 0] == 0
        assert (found.overlaps[0][:, near].diagonal() > 0.8).all()  # the labels were drawn by hand
        assert (found.overlaps[2][:, near].diagonal() > 0.999).all()
        turn = found.detections[:, 2] - cars[:, 14]
        assert np.abs(np.arctan2(np.sin(turn), np.cos(turn))).max() < 0.05
    assert (data.frames[0]["truth"][:, 7] == -2).sum() == 4  # DontCare of 000008
    scores = score(data)
    assert scores["AP_3D_hard"] > 0 and scores["AP_bbox_hard"] > 0
