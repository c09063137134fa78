"""Boxes in space: overlaps against a grid, points inside, calibration, scopes, scenes that turn with their boxes."""

import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import BadSample, DataError
from common.inference.tasks.point_detection import PointDetection
from common.vision import boxes_3d, image_frame, scene_changes
from common.vision.point_drawing import SIDE

CAR = np.array([1.0, 1.5, 10.0, 1.5, 2.0, 4.0, 0.4])


def moved(x=0.0, y=0.0, turn=0.0):
    return CAR + np.array([x, y, 0, 0, 0, 0, turn])


def random_boxes(count, seed=0):
    rng = random_for(seed)
    places = rng.uniform(-2, 2, (count, 3)) * [1, 0.3, 1]
    return np.concatenate([places, rng.uniform(1, 3, (count, 3)), rng.uniform(-4, 4, (count, 1))], 1)


def test_overlaps_are_those_of_the_cells_of_a_fine_grid():
    first, second = random_boxes(4), random_boxes(5, 1)
    ground, space = boxes_3d.overlaps_3d(first, second)
    cell = 0.2
    x, y, z = (np.arange(-5, 5, cell) + cell / 2 for _ in range(3))
    grid = np.stack(np.meshgrid(x, y[10:40], z, indexing="ij"), 3).reshape(-1, 3)
    inside = [boxes_3d.points_inside(grid, boxes) for boxes in (first, second)]
    for a, b in np.ndindex(4, 5):
        one, other = inside[0][a], inside[1][b]
        assert space[a, b] == pytest.approx((one & other).sum() / (one | other).sum(), abs=0.05)
    flat = [boxes.copy() for boxes in (first, second)]
    for boxes in flat:
        boxes[:, 1], boxes[:, 3] = 0, 1
    np.testing.assert_allclose(boxes_3d.overlaps_3d(*flat)[1], ground, atol=1e-9)


def test_a_box_overlaps_itself_completely_and_one_beside_it_not():
    boxes = np.stack([CAR, moved(turn=np.pi), moved(9), moved(0, -1.5)])
    ground, space = boxes_3d.overlaps_3d(CAR[None], boxes)
    np.testing.assert_allclose(ground[0], [1, 1, 0, 1], atol=1e-9)
    np.testing.assert_allclose(space[0], [1, 1, 0, 0], atol=1e-9)


def test_corners_lie_on_the_edge_and_length_lies_along_x_without_rotation():
    corners = boxes_3d.box_corners(CAR[None])[0]
    assert boxes_3d.points_inside(corners, CAR[None], 1e-6).all()
    assert not boxes_3d.points_inside(corners, CAR[None], -1e-6).any()
    straight = boxes_3d.box_corners((CAR * [1, 1, 1, 1, 1, 1, 0])[None])[0]
    np.testing.assert_allclose(np.ptp(straight, axis=0), [4, 1.5, 2])
    assert straight[:, 1].max() == 1.5


def test_of_overlapping_boxes_the_best_stay():
    boxes = np.stack([CAR, moved(0.2), moved(9)])
    assert boxes_3d.suppress_rotated(boxes, np.array([0.5, 0.9, 0.1]), 0.1, 10) == [1, 2]
    assert boxes_3d.suppress_rotated(boxes, np.array([0.5, 0.9, 0.1]), 0.99, 2) == [1, 0]


def test_boxes_are_found_above_the_threshold_and_drawn():
    outputs = {"scores": np.array([[0.9, 0.8, 0.2]]), "boxes": np.stack([CAR, CAR, CAR + 9])[None]}
    (found,) = PointDetection().records(outputs, [{}], ["Car"], 0.3)
    assert [item["score"] for item in found] == [0.9] and found[0]["box"] == CAR.tolist()
    points = random_for(0).uniform(-10, 10, (300, 3)) + np.array([0, 0, 12])
    bare, drawn = PointDetection().draw(points, []), PointDetection().draw(points, found)
    assert bare.shape == drawn.shape == (SIDE, SIDE, 3) and (bare != drawn).any(2).sum() > 50
    assert PointDetection().records(outputs, [{}], ["Car"], 0.95) == [[]]


CALIBRATION = {
    "P2": "700 0 600 0 0 700 180 0 0 0 1 0",
    "R0_rect": "1 0 0 0 1 0 0 0 1",
    "Tr_velo_to_cam": "0 -1 0 1 0 0 -1 2 1 0 0 3",
}


def calibration_file(path, **changed):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}: {text}\n" for name, text in {**CALIBRATION, **changed}.items() if text))
    return str(path)


def test_scans_are_moved_to_the_camera_with_their_calibration_or_without(tmp_path):
    calibration_file(tmp_path / "calib/7.txt")
    scan, load = np.array([[10, 1, 0.5, 0.25]], np.float32), image_frame.LoadScan(4)
    for path, expected in ((tmp_path / "velodyne/7.bin", [0, 1.5, 13]), (tmp_path / "other.npy", [-1, -0.5, 10])):
        found = load({"path": str(path), "points": scan}, None)
        assert found["points"].tolist() == [[*expected, 0.25]] and found["camera"]
        assert load(found, None)["points"].tolist() == [[*expected, 0.25]]
    matrices = image_frame.read_calibration(str(tmp_path / "calib/7.txt"))
    points = np.array([[0, 0, 10], [0, 0, -10], [100, 0, 10], [0, 100, 10]], np.float32)
    assert image_frame.visible(points, matrices, (1242, 375)).tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"P2": "1 2 3"}, "P2 is no 3x4 matrix"),
        ({"P2": ""}, "has no matrix P2"),
        ({"R0_rect": "1 0 0 0 1 0 0 0 nan"}, "R0_rect has numbers that are not finite"),
        ({"R0_rect": "1 0 0 0 1 0 0 0 x"}, "R0_rect is no 3x3 matrix"),
    ],
)
def test_a_bad_calibration_is_refused_by_its_file(tmp_path, changed, words):
    with pytest.raises(BadSample, match=words) as raised:
        image_frame.read_calibration(calibration_file(tmp_path / "7.txt", **changed))
    assert raised.value.issue.file.endswith("7.txt")
    with pytest.raises(DataError, match="no such file"):
        image_frame.read_calibration(str(tmp_path / "none.txt"))


def test_a_scope_without_a_point_is_refused_and_far_points_come_first():
    points = np.zeros((100, 3), np.float32)
    points[:, 2] = np.arange(100)
    found = image_frame.CropScope()({"points": points, "path": "a.bin"}, None)["points"]
    assert len(found) == 71
    with pytest.raises(BadSample, match="no point lies within"):
        image_frame.CropScope()({"points": points - 200, "path": "a.bin"}, None)
    for random in (False, True):
        chosen = image_frame.ChooseFarPoints(40, 40.0, random)({"points": found}, random_for(0))["points"]
        assert len(chosen) == 40 and set(range(41, 71)) <= set(chosen[:, 2].astype(int))
        assert len(np.unique(chosen[:, 2])) == 40
        assert len(image_frame.ChooseFarPoints(90, 40.0, random)({"points": found}, random_for(0))["points"]) == 90
        assert len(image_frame.ChooseFarPoints(7, 40.0, random)({"points": found}, random_for(0))["points"]) == 7


def test_points_have_the_box_around_them_and_those_just_outside_are_ignored():
    points = np.stack([moved(0, -0.5), moved(0, 0.1), moved(20)])[:, :3].astype(np.float32)
    sample = {"points": points, "boxes": np.stack([moved(50), CAR]).astype(np.float32)}
    found = scene_changes.PointBoxTargets()(dict(sample), None)
    assert found["point_label"].tolist() == [1, -1, 0]
    np.testing.assert_allclose(found["point_box"], [CAR, 0 * CAR, 0 * CAR], rtol=1e-6)
    none = scene_changes.PointBoxTargets()(sample | {"boxes": np.zeros((0, 7), np.float32)}, None)
    assert not none["point_label"].any()


@pytest.mark.parametrize("seed", range(4))
def test_points_stay_in_their_boxes_when_a_scene_is_turned_scaled_and_mirrored(seed):
    local = random_for(9).uniform(-0.45, 0.45, (50, 3)) * [4.0, 1.4, 2.0] - [0, 0.75, 0]
    points = scene_changes.turned_about_y(local, CAR[6]) + CAR[:3]
    assert boxes_3d.points_inside(points, CAR[None]).all()
    change = scene_changes.RandomSceneChange(40.0, [0.8, 1.2], 0.5)
    sample = {"points": points.astype(np.float32), "boxes": CAR[None].astype(np.float32)}
    found = change(sample, random_for(seed))
    assert boxes_3d.points_inside(found["points"], found["boxes"]).all()
    assert not boxes_3d.points_inside(found["points"], found["boxes"], -0.3).all()
    assert np.abs(found["boxes"] - CAR).max() > 0.05


def test_objects_of_other_scenes_stand_where_nothing_else_does():
    scene = {"points": random_for(0).uniform(-30, 30, (300, 4)).astype(np.float32), "boxes": CAR[None]}
    place = CAR + 12 * (np.arange(7) == 2)
    inside = (place[:3] - [0, 0.5, 0] + 0.2 * random_for(1).normal(size=(8, 3))).astype(np.float32)
    scene["points"][:3, :3] = inside[:3] + 0.1  # they stand where the object will
    own = np.concatenate([inside, np.ones((8, 1), np.float32)], 1)
    far = moved(20)  # an object without points
    other = {"points": own, "boxes": np.stack([moved(0.5), place, far]).astype(np.float32)}
    paste = scene_changes.PasteObjects()
    found = paste(dict(scene), random_for(2), [other])
    np.testing.assert_allclose(found["boxes"], [CAR, place], rtol=1e-6)
    held = boxes_3d.points_inside(found["points"], place[None])[0]
    assert held.sum() == 8 and (found["points"][held, 3] == 1).all() and len(found["points"]) <= 305
    again = paste(dict(scene), random_for(2), [other, other])
    assert len(again["boxes"]) == 2  # the place is taken now
    few = scene_changes.PasteObjects(least_points=9)(dict(scene), random_for(2), [other])
    assert len(few["boxes"]) == 1 and few["points"] is scene["points"]
    with pytest.raises(ValueError, match="each is 1 or more"):
        scene_changes.PasteObjects(0)


def test_boxes_in_the_image_are_as_worked_out_by_hand():
    projection = np.array([[100.0, 0, 50, 0], [0, 100, 40, 0], [0, 0, 1, 0]])
    box = np.array([[0.0, 1, 10, 2, 2, 4, 0]])  # z from 9 to 11, x from -2 to 2, y from -1 to 1
    near = 100 / 9
    np.testing.assert_allclose(
        image_frame.image_boxes(box, projection, [200, 100]), [[50 - 2 * near, 40 - near, 50 + 2 * near, 40 + near]]
    )
    assert image_frame.image_boxes(box, projection, [60, 45])[0, 2:].tolist() == [59, 44]
    behind = box - [0, 0, 30, 0, 0, 0, 0]
    assert np.isfinite(image_frame.image_boxes(behind, projection, [200, 100])).all()
    sides = np.array([[0, 1, 10, 2, 2, 4, 0.5], [10, 1, 10, 2, 2, 4, 0], [10, 1, 10, 2, 2, 4, -3]])
    expected = [0.5, -np.pi / 4, 2 * np.pi - 3 - np.pi / 4]
    np.testing.assert_allclose(image_frame.observation_angles(sides), expected)
