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
from PaddleCV.metrics.kitti_ap import KittiAP, judge_boxes, precision_at_recalls
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
        assert sample["truth"].shape == (len(sample["boxes"]), 10) and (sample["truth"][:, 8] >= 0).all()
    np.testing.assert_array_equal(data.image_of(data[1]["path"]), data[1]["points"])


@pytest.mark.parametrize(
    ("part", "text", "words"),
    [
        ("label_2", "Car 0 0 0 1 2 3 4 1.5 1.6 3.9 1 2\n", "line 1 is no object"),
        ("label_2", "Van x\nCar 0 0 0 1 2 3 4 1.5 0 3.9 1 2 9 0\n", "line 2 is no object"),
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


def test_precision_is_averaged_at_eleven_recalls():
    # right, wrong, right of 4 objects: precision 1 to recall .25, 2/3 to .5
    assert precision_at_recalls([(0.9, 1), (0.8, 0), (0.7, 1)], 4) == pytest.approx((3 * 1 + 3 * 2 / 3) / 11)
    assert precision_at_recalls([], 2) == 0 and precision_at_recalls([(0.5, 0)], 0) == -1
    overlap = np.array([[0.8, 0.9], [0.8, 0.0], [0.8, 0.0]])
    assert judge_boxes(overlap, np.array([True, False]), 0.7).tolist() == [1, 0, 0]
    assert judge_boxes(overlap[:, ::-1], np.array([False, False]), 0.7).tolist() == [-1, -1, 0]


def test_the_true_boxes_score_one_and_shifted_ones_nothing(scenes):
    data = KittiObjects(scenes)
    scores = []
    for shift in (0.0, 4.0):
        metric = KittiAP(data, PointDetection())
        for index in range(3):
            sample = data[index]
            boxes = sample["boxes"] + np.array([shift, 0, 0, 0, 0, 0, 0], np.float32)
            metric.update(
                {"scores": np.full((1, len(boxes)), 0.9), "boxes": boxes[None]},
                {"truth": [sample["truth"]], "path": ["a"]},
            )
        metric.merge([metric.state(), metric.state()])
        scores.append(metric.compute())
    assert len(scores[0]) == 6 and scores[0]["AP_3D_hard"] == scores[0]["AP_BEV_hard"] == 1
    assert set(scores[1].values()) == {0.0}


def test_frames_of_kitti_have_as_many_points_in_their_cars_as_are_known():
    root = Path(os.environ.get("KIT_TEST_DATA", "/nowhere")) / "kitti_mini"
    if not root.is_dir():
        pytest.skip("KIT_TEST_DATA has no kitti_mini")
    data = KittiObjects(str(root), "val")
    frame = next(data[k] for k in range(len(data)) if data[k]["path"].endswith("000008.bin"))
    counts = points_inside(frame["points"], frame["boxes"]).sum(1)
    np.testing.assert_allclose(counts, [1424, 1940, 878, 668, 53, 164], rtol=0.1)
