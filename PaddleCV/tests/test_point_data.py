"""Datasets of point clouds: lists, HDF5, bad files with their place, parts of shapes, the IoU of parts."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from common.errors import DataError, EnvironmentProblem
from PaddleCV.data import point_arrays
from PaddleCV.data.point_sets import ModelNet, RoomBlocks
from PaddleCV.data.shape_parts import PARTS, ShapeNetParts, categories_of_parts, part_names
from PaddleCV.metrics.part_iou import PartIoU
from PaddleCV.tools.make_clouds import make_blocks, make_shapes, read_splits, write_clouds


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "shapes"
    write_clouds(folder, *make_shapes(8, 16))
    return folder


def test_shapes_are_read_with_their_classes(shapes):
    data = ModelNet(str(shapes))
    assert len(data) == 8 and data.labels == ["ball", "box", "cylinder", "ring"] and data[5]["label"] == 1
    assert data[5]["points"].shape == (16, 3) and data[5]["path"].endswith("train.npz#5")
    np.testing.assert_array_equal(data.image_of(data[5]["path"]), data[5]["points"])
    assert data.check() == [] and len(ModelNet(str(shapes), "test_files.txt")) == 4


def rewrite(folder, shapes, **arrays):
    folder.mkdir()
    for name in ("train_files.txt", "shape_names.txt"):
        (folder / name).write_bytes((shapes / name).read_bytes())
    with np.load(shapes / "train.npz") as given:
        np.savez(folder / "train.npz", **{key: arrays.get(key, given[key]) for key in ("data", "label")})
    return str(folder)


def broken(data):
    data[2, 3, 1] = np.nan
    return data


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"label": np.full(8, 7)}, r"\[D109\].*train.npz: cloud 0: class 7 is unknown: there are 4 classes"),
        ({"data": broken(np.zeros((8, 16, 3)))}, r"(?s)\[D119\] point 3 is not finite.*train.npz: cloud 2"),
        (
            {"data": np.zeros((8, 16, 2))},
            r"(?s)\[D113\] 'data' is float64 \[8, 16, 2\].*train_files.txt: line 1.*train.npz",
        ),
        ({"data": np.zeros((8, 3, 500))}, r"'data' is float64 \[8, 3, 500\]"),
        ({"data": np.zeros((8, 0, 3))}, r"'data' is float64 \[8, 0, 3\]"),
        ({"label": np.zeros(5, int)}, r"'label' is int64 \[5\]; expected whole numbers \[8\] or \[8, 16\]"),
        ({"label": np.zeros((8, 16), int)}, "have a class for each point, not for each cloud"),
        ({"data": np.full((8, 16, 3), {}, object)}, "damaged"),
    ],
)
def test_bad_arrays_are_refused_with_their_file_and_cloud(shapes, tmp_path, arrays, words):
    with pytest.raises(DataError, match=words):
        ModelNet(rewrite(tmp_path / "bad", shapes, **arrays))


def test_files_that_are_missing_are_named_with_the_line_of_the_list(shapes, tmp_path):
    folder = rewrite(tmp_path / "bad", shapes)
    (tmp_path / "bad/train_files.txt").write_text("data/modelnet/train.h5\nother/none.h5\n")  # train.npz is there
    with pytest.raises(DataError, match=r"(?s)\[D104\] there is no such file.*train_files.txt: line 2.*none.h5"):
        ModelNet(folder)


@pytest.mark.parametrize(("data", "words"), [(b"", "the file is empty"), (b"hello", "damaged")])
def test_a_file_that_is_no_hdf5_does_not_ask_for_h5py(tmp_path, data, words):
    (tmp_path / "train.npz").write_bytes(data)
    with pytest.raises(DataError, match=words):
        point_arrays.read_point_arrays(str(tmp_path / "train.npz"))


def test_hdf5_is_read_where_h5py_is_and_asked_for_where_not(shapes, tmp_path, monkeypatch):
    path = tmp_path / "train.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(EnvironmentProblem, match=r"train.h5: reading HDF5 needs the package h5py"):
        point_arrays.read_point_arrays(str(path))


def test_hdf5_holds_the_same_arrays(shapes, tmp_path):
    h5py = pytest.importorskip("h5py")
    folder = rewrite(tmp_path / "hdf5", shapes)
    with np.load(shapes / "train.npz") as given, h5py.File(tmp_path / "hdf5/train.h5", "w") as file:
        file["data"], file["label"] = given["data"], given["label"][:, None]
    (tmp_path / "hdf5/train_files.txt").write_text("data/hdf5/train.h5\n")
    (tmp_path / "hdf5/train.npz").unlink()
    np.testing.assert_array_equal(ModelNet(folder).data, ModelNet(str(shapes)).data)
    whole = (tmp_path / "hdf5/train.h5").read_bytes()
    for data, words in ((whole[:900], "damaged"), (b"not HDF5", "is not an HDF5 file")):
        (tmp_path / "hdf5/train.h5").write_bytes(data)
        with pytest.raises(DataError, match=words):
            ModelNet(folder)


def test_blocks_of_rooms_are_divided_by_area(tmp_path):
    write_clouds(tmp_path / "blocks", *make_blocks(6, 20))
    names = ["floor", "wall", "box", "ball"]
    given = {"root": str(tmp_path / "blocks"), "area": "test_", "labels": names}
    train, test = RoomBlocks(**given), RoomBlocks(**given, held_out=True)
    assert (len(train), len(test)) == (6, 2) and all(room.startswith("test_") for room in test.rooms)
    assert train[0]["points"].shape == (20, 9) and train[0]["mask"].dtype == np.uint8
    (tmp_path / "blocks/room_filelist.txt").write_text("test_1\n")
    with pytest.raises(DataError, match="has 1 lines for 8 blocks"):
        RoomBlocks(**given)


def parts_folder(folder, lines, entries=("shape_data/04379243/a",)):
    (folder / "04379243").mkdir(parents=True)
    (folder / "train_test_split").mkdir()
    (folder / "04379243/a.txt").write_text("\n".join(lines) + "\n")
    (folder / "train_test_split/shuffled_train_file_list.json").write_text(json.dumps(list(entries)))
    return str(folder)


def test_parts_of_shapes_are_read_and_bad_lines_named(tmp_path):
    data = ShapeNetParts(parts_folder(tmp_path / "good", ["0 1 2 1 0 0 47.0", "3 4 5 0 1 0 49.0"]))
    assert data[0]["points"].shape == (2, 6) and data[0]["mask"].tolist() == [47, 49] and data.check(deep=True) == []
    assert data.labels[47] == "Table 1" and data.num_classes == 50 == len(part_names())
    for number, (line, words) in enumerate({"0 1 2 1 0 0 50": "part 50 is unknown", "0 1 2": "has 3 numbers"}.items()):
        data = ShapeNetParts(parts_folder(tmp_path / str(number), [line]))
        assert [words in issue.message for issue in data.check(deep=True)] == [True]
    with pytest.raises(DataError, match=r"(?s)lists a shape that is not there.*shape_data/04379243/b"):
        ShapeNetParts(parts_folder(tmp_path / "missing", ["0 1 2 1 0 0 47"], ["shape_data/04379243/b"]))


def test_the_iou_of_parts_is_the_mean_over_the_parts_of_a_category():
    metric = PartIoU(type("Data", (), {"labels": part_names()}))
    first = int(np.flatnonzero(categories_of_parts() == list(PARTS).index("Table"))[0])
    mug = int(np.flatnonzero(categories_of_parts() == list(PARTS).index("Mug"))[0])
    truth = np.array([[first, first, first + 1, first + 1], [mug] * 4])
    found = np.array([[first, first + 1, first + 1, first + 1], [mug, mug, mug, 0]])
    metric.update({"label_map": found}, {"mask": truth.astype("uint8")})
    table, cup = (1 / 2 + 2 / 3 + 1) / 3, (3 / 4 + 1) / 2
    assert metric.compute() == pytest.approx({"instance_mIoU": (table + cup) / 2, "category_mIoU": (table + cup) / 2})
    metric.merge([metric.state(), metric.state()])
    assert metric.per_class()["Table"] == {"shapes": 2, "mIoU": pytest.approx(table)}
    assert metric.per_class()["Bag"]["mIoU"] == -1


def test_the_points_of_modelnet10_become_a_set(tmp_path):
    source = Path(os.environ.get("KIT_TEST_DATA", "/nowhere")) / "modelnet10/modelnet10_points.npz"
    if not source.is_file():
        pytest.skip("KIT_TEST_DATA has no modelnet10")
    write_clouds(tmp_path / "set", *read_splits(str(source)))
    counts = {split: len(ModelNet(str(tmp_path / "set"), f"{split}_files.txt")) for split in ("train", "val", "test")}
    assert counts == {"train": 640, "val": 160, "test": 400}
    assert np.bincount(ModelNet(str(tmp_path / "set"), "val_files.txt").targets).tolist() == [16] * 10


def test_the_blocks_of_parks_and_forests_become_a_set(tmp_path):
    source = Path(os.environ.get("KIT_TEST_DATA", "/nowhere")) / "outdoor_seg/outdoor_seg.npz"
    if not source.is_file():
        pytest.skip("KIT_TEST_DATA has no outdoor_seg")
    write_clouds(tmp_path / "set", *read_splits(str(source)))
    given = {"root": str(tmp_path / "set"), "labels": ["ground", "tree", "clutter"]}
    train = RoomBlocks(**given, area=["val_", "test_"])
    held, test = (RoomBlocks(**given, area=area, held_out=True) for area in ("val_", "test_"))
    assert (len(train), len(held), len(test)) == (88, 21, 60)
    shares = np.bincount(test.label.ravel(), minlength=3) / test.label.size
    np.testing.assert_allclose(shares, [0.132, 0.844, 0.024], atol=1e-3)
    assert all(np.bincount(part.label.ravel(), minlength=3)[2] > 0 for part in (train, held))


def test_shapes_of_shapenet_have_known_parts():
    root = Path(os.environ.get("KIT_TEST_DATA", "/nowhere")) / "shapenetpart_sample"
    if not root.is_dir():
        pytest.skip("KIT_TEST_DATA has no shapenetpart_sample")
    for path in sorted(root.rglob("[0-9]*/*.txt")):
        from common.vision.point_files import read_points
        from PaddleCV.data.shape_parts import split_parts

        points, mask = split_parts(read_points(str(path), str(path)), str(path), 50)
        category = categories_of_parts()[mask]
        assert len(points) == len(mask) and len(set(category)) == 1


def test_every_fifth_block_of_a_room_is_for_validation(tmp_path):
    rooms = np.array(["park"] * 6 + ["wood"] * 5)
    arrays = {"names": np.array(["ground", "tree"]), "train_room": rooms}
    for split, count in (("train", 11), ("test", 2)):
        arrays[f"{split}_xyz_mm"] = np.arange(count)[:, None, None] + np.zeros((1, 4, 3), np.int16)
        arrays[f"{split}_norm"] = np.zeros((count, 4, 3), np.uint8)
        arrays[f"{split}_labels"] = np.zeros((count, 4), np.uint8)
    np.savez(tmp_path / "given.npz", **arrays)
    write_clouds(tmp_path / "set", *read_splits(str(tmp_path / "given.npz")))
    given = {"root": str(tmp_path / "set"), "labels": ["ground", "tree"]}
    held = RoomBlocks(**given, area="val_", held_out=True)
    np.testing.assert_allclose(held.data[:, 0, 0] * 1000, [4, 10])
    assert len(RoomBlocks(**given, area=["val_", "test_"])) == 9 and len(RoomBlocks(**given, area="test_")) == 11
