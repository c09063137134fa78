"""The second stage of PointRCNN: overlaps and NMS in the program, points of boxes, drawn boxes, the contract."""

import os
from pathlib import Path

import numpy as np
import paddle
import pytest

from common.data.pipeline import Pipeline
from common.data.transform import random_for
from common.inference.tasks.point_detection import PointDetection
from common.testing import check_model, count_parameters
from common.vision.boxes_3d import in_frame_of, overlaps_3d, points_inside, suppress_rotated
from common.vision.image_frame import ChooseFarPoints, CropScope, LoadScan
from common.vision.scene_changes import PasteObjects, PointBoxTargets, RandomSceneChange
from PaddleCV.data.kitti_objects import KittiObjects
from PaddleCV.metrics.kitti_ap import KittiAP
from PaddleCV.models.points import oriented_boxes
from PaddleCV.models.points.bin_boxes import BinBoxes
from PaddleCV.models.points.box_sampler import BoxSampler, moved_at_random
from PaddleCV.models.points.point_proposals import PointProposals
from PaddleCV.models.points.point_rcnn import PointRCNN
from PaddleCV.models.points.point_rpn import PointRPN
from PaddleCV.models.points.pointnet2 import PointNet2
from PaddleCV.models.points.region_stage import RegionStage, points_of_boxes
from PaddleCV.models.points.set_abstraction import SetAbstraction
from PaddleCV.tools.make_scenes import make_scenes

CAR = np.array([2.0, 1.6, 10.0, 1.5, 1.6, 3.9, 0.3])


def boxes_around(count, seed=0, spread=3.0):
    rng = random_for(seed)
    boxes = np.tile(CAR, (count, 1))
    boxes[:, [0, 2]] += rng.uniform(-spread, spread, (count, 2))
    boxes[:, 3:6] *= rng.uniform(0.7, 1.3, (count, 3))
    boxes[:, 6] = rng.uniform(-4, 4, count)
    return boxes


def tensor(values):
    return paddle.to_tensor(np.asarray(values, np.float32))


def test_fine_bins_divide_the_quarter_turn_around_zero_as_worked_out_by_hand():
    coder = BinBoxes(1.5, 0.5, 9, [1.5, 1.6, 3.9], fine=True)
    assert coder.channels == 4 * 6 + 1 + 2 * 9 + 3 == 46
    degrees = np.array([0.0, 44.0, -41.0, 180.0, 7.5])  # bins of 10 degrees from -45; 180 points the other way
    boxes = np.tile([0, 0, 0, 1.5, 1.6, 3.9, 0.0], (5, 1))
    boxes[:, 6] = np.deg2rad(degrees)
    found = coder.encode(tensor(boxes), paddle.zeros([5, 3]))
    assert found["heading_bin"].tolist() == [4, 8, 0, 4, 5]
    np.testing.assert_allclose(found["heading"].numpy(), [0, 0.8, -0.2, 0, -0.5], atol=1e-4)
    assert found["x_bin"].tolist() == [3] * 5
    np.testing.assert_allclose(found["x"].numpy(), -0.5, atol=1e-6)
    parts = [
        *(paddle.nn.functional.one_hot(found[f"{k}_bin"], 6) for k in "xz"),
        *(found[k].unsqueeze(1).tile([1, 6]) for k in "xz"),
        found["y"].unsqueeze(1),
        paddle.nn.functional.one_hot(found["heading_bin"], 9),
        found["heading"].unsqueeze(1).tile([1, 9]),
        found["size"],
    ]
    again = coder.decode(paddle.concat(parts, 1).unsqueeze(0), paddle.zeros([1, 5, 3]))[0].numpy()
    boxes[3, 6] = 0
    np.testing.assert_allclose(again, boxes, atol=1e-4)


def test_overlaps_in_the_program_are_those_of_the_host():
    boxes = boxes_around(60)
    for row in (0, 17):
        expected = overlaps_3d(boxes[row : row + 1], boxes)[0]
        found = oriented_boxes.ground_overlaps(tensor(boxes[None, row : row + 1]), tensor(boxes[None])).numpy()
        np.testing.assert_allclose(found, expected, atol=5e-4)
        assert found[0, row] == pytest.approx(1, abs=5e-4)


def test_the_nms_in_the_program_keeps_the_boxes_that_the_host_keeps():
    boxes = np.stack([boxes_around(40), boxes_around(40, 1)])
    scores = random_for(2).normal(size=(2, 40))
    found, there = oriented_boxes.suppress(tensor(boxes), tensor(scores), 0.2, 30)
    for row in range(2):
        kept = found[row].numpy()[there[row].numpy()].tolist()
        assert kept == suppress_rotated(boxes[row], scores[row], 0.2, 30) and 1 < len(kept) < 30


def test_boxes_come_back_from_the_frame_of_others():
    boxes, frames = tensor(boxes_around(9)), tensor(boxes_around(9, 1))
    seen = oriented_boxes.into_frame_of(boxes, frames)
    np.testing.assert_allclose(oriented_boxes.out_of_frame_of(seen, frames).numpy(), boxes.numpy(), atol=1e-5)
    for row in range(9):
        own = in_frame_of(boxes.numpy()[row : row + 1], frames.numpy()[row : row + 1])[0, 0]
        np.testing.assert_allclose(seen.numpy()[row, :3], own, atol=1e-5)
    itself = oriented_boxes.into_frame_of(frames, frames).numpy()
    np.testing.assert_allclose(itself[:, [0, 1, 2, 6]], 0, atol=1e-5)


def test_near_and_far_proposals_have_their_shares():
    boxes = np.tile(CAR, (1, 30, 1))
    boxes[0, :, 2] = np.repeat([10, 60, 90], 10) + np.tile(np.arange(10) * 0.01, 3)
    boxes[0, :10, 0] = np.arange(10) * 9 - 40  # ten cars apart, of which there is room for seven
    scores = np.tile(np.arange(30.0), (1, 1))
    proposals = PointProposals(candidates=20, keep=10, keep_training=10)
    found, there = proposals(tensor(boxes), tensor(scores))
    assert there.numpy()[0].tolist() == [True] * 8 + [False] * 2  # the far ones are one car
    assert found.numpy()[0, :7, 0].tolist() == boxes[0, 9:2:-1, 0].tolist() and found[0, 7, 2].item() > 60.08
    (host,) = proposals.on_host(boxes, scores)
    np.testing.assert_allclose(host, found.numpy()[0, :8], atol=1e-5)


@pytest.mark.parametrize("count", [3, 60])
def test_a_box_gets_its_first_points_and_repeats_them_in_order(count):
    points = random_for(1).uniform([-1, -2, 7], [5, 4, 13], (2, 90, 3))
    boxes = np.stack([boxes_around(3), boxes_around(3, 1)])
    boxes[1, 2, 0] = 200.0  # nothing is there
    index, filled = points_of_boxes(tensor(points), tensor(boxes), 0.5, count)
    assert filled.numpy().tolist() == [[True] * 3, [True, True, False]]
    for n, r in np.ndindex(2, 3):
        inside = np.flatnonzero(points_inside(points[n].astype("float32"), boxes[n, r : r + 1], 0.5)[0])
        first = inside[:count] if len(inside) else [0]
        assert index[n, r].numpy().tolist() == np.resize(first, count).tolist()


def test_half_of_the_drawn_boxes_hold_an_object_and_most_of_the_others_are_near_one():
    sampler, rng = BoxSampler(), random_for(0)
    near = np.stack([moved_at_random(CAR, rng) for _ in range(200)])
    far = boxes_around(40)
    far[:, 0] += 30
    boxes, overlaps, targets = sampler(np.concatenate([near, far]), CAR[None], rng)
    assert boxes.shape == targets.shape == (64, 7) and (targets == CAR).all()
    np.testing.assert_allclose(overlaps, overlaps_3d(boxes, CAR[None])[1][:, 0], atol=1e-9)
    assert (overlaps[:32] >= 0.55).mean() > 0.9 and (overlaps[32:] < 0.55).mean() > 0.8
    assert (np.abs(boxes[:, 0] - CAR[0]) > 20).sum() == 64 - 32 - round(0.8 * 32)
    boxes, overlaps, targets = sampler(far, np.zeros((0, 7)), rng)
    assert not overlaps.any() and not targets.any() and (boxes[:, 0] > 20).all()
    assert not sampler(np.zeros((0, 7)), np.zeros((0, 7)), rng)[0].any()


def test_moves_stay_within_a_meter_and_sixty_degrees():
    rng = random_for(1)
    moved = np.stack([moved_at_random(CAR, rng) for _ in range(500)])
    change = np.abs(moved - CAR).max(0)
    assert (change[:3] <= 1).all() and (change[3:6] <= 0.15 * CAR[3:6]).all() and np.pi / 6 < change[6] <= np.pi / 3
    assert (change[:3] > 0.8).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PointProposals(near=50, far=40), "near 50, far 40"),
        (lambda: PointProposals(keep=1), "keeps 2 boxes or more"),
        (lambda: BoxSampler(negative=0.7), r"negative 0\.7, regress 0\.55"),
        (lambda: BoxSampler(tries=0), "by 1 try or more"),
        (lambda: RegionStage(4, [SetAbstraction(4, [[4]], 2, [1.0], [2])]), "the last of which has no centers"),
    ],
)
def test_settings_that_do_not_fit_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def detector(points=64):
    paddle.seed(0)
    levels = [SetAbstraction(0, [[8, 8]], 12, [3.0], [6]), SetAbstraction(8, [[12]], 5, [6.0], [4])]
    first = PointRPN(PointNet2(levels, 0, [[8], [8]]), num_points=points, dropout=0.0)
    levels = [SetAbstraction(8, [[12]], 6, [1.0], [4], "none"), SetAbstraction(12, [[16]], norm="none")]
    second = RegionStage(8, levels, points=24, widths=[8, 8], hidden=[16])
    return PointRCNN(first, second, PointProposals(60, 8, keep_training=12), BoxSampler(12))


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "scenes"
    make_scenes(folder, 4, 1, points=200)
    data, steps = KittiObjects(str(folder)), [LoadScan(), CropScope(), ChooseFarPoints(64), PointBoxTargets(keep=True)]
    samples = [Pipeline(steps).sample(data, index, 0) for index in range(4)]
    found = {name: np.stack([one[name] for one in samples]) for name in ("points", "point_label", "point_box")}
    return found | {"boxes": [one["boxes"] for one in samples]}


def test_both_stages_keep_the_contract_for_one_cloud_and_for_four(batch, tmp_path):
    model = check_model(detector, batch, tmp_path)
    scores, boxes = model(paddle.to_tensor(batch["points"]))
    assert scores.shape == [4, 8] and boxes.shape == [4, 8, 7]
    assert ((scores.numpy() >= 0) & (scores.numpy() <= 1)).all()


def test_a_frozen_first_stage_gets_no_gradient_and_no_losses(batch):
    model = detector()
    for parameter in model.rpn.parameters():
        parameter.stop_gradient = True
    model.train()
    model.rpn.eval()
    losses = model.loss({name: paddle.to_tensor(v) if name != "boxes" else v for name, v in batch.items()})
    assert set(losses) == {"loss_region", "loss_region_bin", "loss_region_box"}
    assert losses["loss_region_bin"].item() > 0
    sum(losses.values()).backward()
    assert all(parameter.grad is None for parameter in model.rpn.parameters())
    assert all(np.any(parameter.grad.numpy()) for parameter in model.region.parameters())


def test_boxes_without_points_or_between_the_limits_do_not_count():
    model = detector()
    logits, bins = tensor([0.0, 3.0, -2.0, 5.0]), tensor(np.zeros((4, model.region.coder.channels)))
    boxes, filled = tensor(np.tile(CAR, (1, 4, 1))), paddle.to_tensor([True, True, True, False])
    losses = model.region_losses(logits, bins, filled, boxes, tensor([[0.9, 0.5, 0.1, 0.9]]), boxes)
    expected = (np.log(2) + np.log1p(np.exp(-2))) / 2  # the first holds the object, the third is background
    assert losses["loss_region"].item() == pytest.approx(expected, rel=1e-5)
    # of the first alone: two times 6 bins and once 9 bins, all equal; in bin 3 of x and z the residual is -0.5
    assert losses["loss_region_bin"].item() == pytest.approx(2 * np.log(6) + np.log(9), rel=1e-5)
    mean = np.array([1.526, 1.629, 3.883])
    size = 0.5 * (((CAR[3:6] - mean) / mean) ** 2).mean()
    assert losses["loss_region_box"].item() == pytest.approx(2 * 0.5 * 0.5**2 + size, rel=1e-4)


def test_weights_of_the_first_stage_become_those_of_the_detector():
    first, whole = detector().rpn.state_dict(), detector()
    found = whole.convert_weights({name: value.numpy() for name, value in first.items()})
    assert set(found) == {name for name in whole.state_dict() if name.startswith("rpn.")}
    assert whole.convert_weights(found) is found


def test_frames_of_kitti_go_through_both_stages():
    root = Path(os.environ.get("KIT_TEST_DATA", "/nowhere")) / "kitti_mini"
    if not root.is_dir():
        pytest.skip("KIT_TEST_DATA has no kitti_mini")
    steps = [LoadScan(), CropScope(), PasteObjects(), ChooseFarPoints(1024, random=True), RandomSceneChange()]
    data = KittiObjects(str(root), "train")
    samples = [Pipeline([*steps, PointBoxTargets(keep=True)]).sample(data, index, 0) for index in range(3)]
    assert sum(len(sample["boxes"]) for sample in samples) > sum(len(frame["boxes"]) for frame in data.frames)
    model = detector(1024)
    model.train()
    stacked = {name: np.stack([one[name] for one in samples]) for name in ("points", "point_label", "point_box")}
    batch = {name: paddle.to_tensor(value) for name, value in stacked.items()}
    losses = model.loss(batch | {"boxes": [one["boxes"] for one in samples]})
    assert len(losses) == 6 and all(np.isfinite(value.item()) for value in losses.values())
    model.eval()
    held = KittiObjects(str(root), "val")
    metric = KittiAP(held, PointDetection())
    for index in range(len(held)):
        sample = Pipeline([*steps[:2], ChooseFarPoints(1024)]).sample(held, index, 0)
        outputs = dict(zip(model.outputs, model(paddle.to_tensor(sample["points"][None]))))
        batch = {"truth": [sample["truth"]], "projection": sample["projection"][None], "path": [sample["path"]]}
        metric.update({name: value.numpy() for name, value in outputs.items()}, batch)
    assert all(0 <= value <= 1 for value in metric.compute().values())


def test_the_second_stage_has_the_parameters_of_the_paper():
    levels = [
        SetAbstraction(128, [[128, 128, 128]], 128, [0.2], [64], "none"),
        SetAbstraction(128, [[128, 128, 256]], 32, [0.4], [64], "none"),
        SetAbstraction(256, [[256, 256, 512]], norm="none"),
    ]
    assert count_parameters(RegionStage(128, levels))[0] == 836_783
