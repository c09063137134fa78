"""Point clouds: files of every format, bad files by name, transforms, drawings, the classes of points not chosen."""

import struct

import numpy as np
import pytest

from common.data.pipeline import Pipeline
from common.data.transform import random_for
from common.errors import BadSample, ConfigError, DataError
from common.inference.tasks.point_classification import PointClassification, synthetic_points
from common.inference.tasks.point_segmentation import PointSegmentation
from common.vision import point_clouds
from common.vision.instance_masks import decode_masks
from common.vision.point_drawing import SIDE, draw_cloud, turned
from common.vision.point_files import LoadPoints, open_points, read_points

POINTS = np.array([[0, 1, 2, 9], [3.5, -4, 5, 8], [6, 7, -8, 7]], np.float32)
PROPERTIES = ["property float nx", "property double x", "property float y", "property uchar red", "property float z"]


def ply(form, count=3):
    head = ["ply", f"format {form} 1.0", "comment made", f"element vertex {count}", *PROPERTIES]
    return "\n".join([*head, "element face 1", "property list uchar int vertex_indices", "end_header", ""]).encode()


def written(folder):
    """The same three points in every format, path by name."""
    x = POINTS
    files = {
        "scan.bin": x.astype("<f4").tobytes(),
        "lines.txt": b"# x y z i\n" + "\n".join(" ".join(map(str, row)) for row in x.tolist()).encode() + b"\n",
        "table.csv": "\r\n".join(",".join(map(str, row)) for row in x.tolist()).encode(),
        "ascii.ply": ply("ascii") + b"".join(b"0 %f %f 5 %f\n" % tuple(row[:3]) for row in x) + b"3 0 1 2\n",
        "little.ply": ply("binary_little_endian") + b"".join(struct.pack("<fdfBf", 0, r[0], r[1], 5, r[2]) for r in x),
        "big.ply": ply("binary_big_endian") + b"".join(struct.pack(">fdfBf", 0, r[0], r[1], 5, r[2]) for r in x),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    np.save(folder / "array.npy", x)
    np.savez(folder / "array.npz", points=x)
    return sorted(folder.iterdir())


def test_every_format_holds_the_same_points_from_a_path_and_from_bytes(tmp_path):
    paths = written(tmp_path)
    assert len(paths) == 8
    for path in paths:
        for sample in ({"path": str(path)}, {"path": "sent", "data": path.read_bytes()}):
            found = LoadPoints()(sample, random_for(0))["points"]
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, POINTS[:, :3])
    assert read_points(str(tmp_path / "little.ply"), "a")[0].tolist() == [0, 1, 2, 0, 5]  # others after x, y, z


def test_lines_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf1,2,3\r\n4,5,6\r\n")
    assert read_points(str(tmp_path / "a.csv"), "a.csv").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_points_in_the_columns_of_an_array_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 500), np.float32))
    with pytest.raises(BadSample, match=r"D113.* are float32 \[3, 500\]; expected numbers \[points, 3 or more\]"):
        LoadPoints()({"path": str(tmp_path / "a.npy")}, random_for(0))


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "D117", "the file is empty"),
        (b"# nothing\n\n", "D117", "has no point"),
        (ply("ascii", 0), "D117", "has no point"),
        (b"1 2 3\n1 2 x\n", "D102", "line 2: '1 2 x' are not numbers"),
        (b"1 2 3\n1 2\n", "D102", "line 2 has 2 numbers, the lines before have 3"),
        (b"1 2\n", "D113", "expected numbers"),
        (b"1 2 3\n1 nan 3\n", "D119", "1 of 2 points are not finite, the first is point 1"),
        (ply("binary_little_endian") + b"1234", "D102", "truncated: 0 of 3 vertices"),
        (ply("ascii").replace(b"float y", b"float v"), "D113", "have no y"),
        (ply("ascii").replace(b"element vertex", b"element edge"), "D102", "does not begin with its vertices"),
        (ply("utf9"), "D102", "format of the PLY file is 'utf9'"),
        (b"\x00\x01\x02", "D102", "3 bytes are no whole number of points"),
        (b"\x93NUMPY\x01\x00", "D102", "damaged"),
        (b"PK\x03\x04", "D102", "damaged"),
    ],
)
def test_a_bad_file_is_refused_by_its_name(data, code, words):
    with pytest.raises(BadSample, match=words) as raised:
        read = read_points(data, "cloud.x") if data else read_points(b"", "cloud.x")
        LoadPoints()({"path": "cloud.x", "points": read}, random_for(0))
    assert (raised.value.issue.code, raised.value.issue.file) == (code, "cloud.x")


def test_sources_are_a_file_or_a_folder(tmp_path):
    paths = written(tmp_path)
    source = open_points(str(tmp_path))
    assert [sample["path"] for sample in source] == list(map(str, paths)) and source.many
    assert [sample["name"] for sample in open_points(str(paths[0]))] == [str(paths[0])]
    (tmp_path / "empty").mkdir()
    (tmp_path / "image.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    for path, kind, words in (
        (str(tmp_path / "empty"), DataError, "contains no clouds of points"),
        (str(tmp_path / "none.ply"), BadSample, "there is no such file"),
        (str(tmp_path / "image.jpg"), BadSample, "not a cloud of points"),
        (None, ConfigError, "--input FILE"),
    ):
        with pytest.raises(kind, match=words):
            open_points(path)


def test_points_are_chosen_evenly_and_those_of_small_clouds_repeat():
    given = {"points": np.arange(30, dtype=np.float32).reshape(10, 3), "mask": np.arange(10, dtype=np.uint8)}
    found = point_clouds.ChoosePoints(4)(dict(given), random_for(0))
    assert found["chosen"].tolist() == [0, 2, 5, 7] == found["mask"].tolist() and len(found["cloud"]) == 10
    found = point_clouds.ChoosePoints(13)(dict(given), random_for(0))
    assert found["mask"].tolist() == [*range(10), 0, 1, 2]
    found = point_clouds.ChoosePoints(13, random=True)(dict(given), random_for(0))
    assert set(found["mask"]) == set(range(10))
    np.testing.assert_array_equal(found["points"][:, 0], 3.0 * found["mask"])


def test_clouds_are_centered_and_scaled():
    given = random_for(0).normal(5, 2, (50, 6)).astype("float32")
    found = point_clouds.CenterPoints()({"points": given}, None)["points"]
    np.testing.assert_allclose(found[:, :3].mean(0), 0, atol=1e-5)
    assert np.linalg.norm(found[:, :3], axis=1).max() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(found[:, 3:], given[:, 3:])
    one = point_clouds.CenterPoints()({"points": given[:1]}, None)["points"]
    assert np.isfinite(one).all()


def test_a_rotation_keeps_lengths_and_its_axis_and_turns_normals():
    given = random_for(0).normal(size=(20, 6)).astype("float32")
    turn = point_clouds.RandomRotatePoints("z", sigma=0.0, normals=True)
    found = turn({"points": given}, random_for(1))["points"]
    np.testing.assert_allclose(found[:, [2, 5]], given[:, [2, 5]], rtol=1e-5)
    np.testing.assert_allclose(*(np.linalg.norm(x[:, 3:], axis=1) for x in (found, given)), rtol=1e-5)
    np.testing.assert_allclose(found[:, :3] @ found[:, 3:].T, given[:, :3] @ given[:, 3:].T, atol=1e-5)
    assert np.abs(found - given).max() > 0.1
    np.testing.assert_allclose(point_clouds.rotation(2, np.pi / 2) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(point_clouds.rotation(1, np.pi / 2) @ [0, 0, 1], [1, 0, 0], atol=1e-12)


def test_dropped_points_become_the_first_one_with_its_class():
    given = {"points": random_for(0).normal(size=(200, 3)).astype("float32"), "mask": np.arange(200, dtype=np.uint8)}
    found = point_clouds.RandomDropPoints(0.9)(dict(given), random_for(4))
    kept = found["mask"] == given["mask"]
    assert 0 < kept.sum() < 200 and not found["mask"][~kept].any()
    np.testing.assert_array_equal(found["points"], given["points"][found["mask"]])


def test_random_changes_stay_within_their_limits():
    given = np.ones((100, 4), np.float32)
    found = point_clouds.RandomScalePoints([2, 3], 0.5)({"points": given}, random_for(0))["points"]
    assert np.ptp(found[:, 0]) == 0 and found[:, :3].min() >= 1.5 and found[:, :3].max() <= 3.5
    found = point_clouds.RandomJitterPoints(0.1, 0.15)({"points": given}, random_for(0))["points"]
    assert np.abs(found - given).max() == pytest.approx(0.15, abs=1e-6) and (found[:, 3] == 1).all()


def test_points_that_were_not_chosen_have_the_class_of_the_nearest(tmp_path):
    cloud = np.array([[0, 0, 0], [0.1, 0, 0], [5, 0, 0], [5.1, 0, 0], [9, 0, 0]], np.float32)
    sample = {"cloud": cloud, "chosen": np.array([0, 2, 0])}
    task = PointSegmentation()
    (found,) = task.records({"label_map": np.array([[1, 0, 1]])}, [sample], ["ground", "tree"], 0.0)
    assert [(item["label"], item["share"]) for item in found] == [("ground", 0.6), ("tree", 0.4)]
    assert decode_masks([found[0]["mask"]], 1, 5)[0, 0].tolist() == [0, 0, 1, 1, 1]
    drawn = task.draw(cloud, found)
    assert drawn.shape == (SIDE, SIDE, 3) and len(np.unique(drawn.reshape(-1, 3), axis=0)) > 3


def test_a_cloud_is_drawn_within_its_image_whatever_its_size_and_its_axis():
    given = synthetic_points({"points": ([None, 8, 3], "float32")}, 500)["points"]
    first = draw_cloud(given)
    np.testing.assert_array_equal(draw_cloud(1000 * given + 7), first)
    assert (first != 250).any(2).sum() > 500
    assert draw_cloud(np.zeros((1, 3))).shape == (SIDE, SIDE, 3)
    np.testing.assert_array_equal(turned([[1, 2, 3]], "y"), [[3, 1, 2]])
    np.testing.assert_array_equal(turned([[1, 2, 3]], "-y"), [[3, -1, -2]])
    with pytest.raises(ValueError, match="up is 'w'"):
        PointClassification(up="w")


def test_the_transforms_of_a_pipeline_may_be_random_in_training_alone():
    transforms = [LoadPoints(), point_clouds.ChoosePoints(3, random=True)]
    assert LoadPoints.examine(transforms, {}) == (1, None)
    assert len(Pipeline(transforms).sample([{"points": POINTS}], 0, 0)["points"]) == 3


def test_heights_are_those_above_the_lowest_point_of_each_cell():
    points = np.array([[0.1, 0.1, 5], [0.9, 0.9, 7], [1.5, 0.2, 1], [1.6, 0.3, 4]], np.float32)
    found = point_clouds.AddHeight([1.0, 10.0])({"points": points}, random_for(0))["points"]
    # cells begin at the lowest x and y, 0.1 each: the first two points share one, as do the other two
    np.testing.assert_allclose(found[:, 3], [0, 2, 0, 3])
    np.testing.assert_allclose(found[:, 4], [4, 6, 0, 3])
    np.testing.assert_array_equal(found[:, :3], points)
    with pytest.raises(ValueError, match="one or more lengths above 0"):
        point_clouds.AddHeight([0.0])
