"""Datasets of images in one array: IDX files, CIFAR archives."""

import gzip
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest

from common.errors import DataError
from common.weights.pdparams import UnsafeFile
from PaddleCV.data.cifar_archive import CifarArchive
from PaddleCV.data.idx_images import IdxImages


def idx(array):
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}i", *array.shape)
    return head + array.tobytes()


def test_idx_files_are_read_plain_and_gzipped(tmp_path):
    images = np.arange(2 * 4 * 5, dtype=np.uint8).reshape(2, 4, 5)
    (tmp_path / "images").write_bytes(idx(images))
    (tmp_path / "classes.gz").write_bytes(gzip.compress(idx(np.array([3, 1], np.uint8))))
    found = IdxImages(str(tmp_path), "images", "classes.gz")
    assert found.targets.tolist() == [3, 1] and found.num_classes == 4
    (tmp_path / "labels.txt").write_text("shirt\nboot\nbag\ncoat\n")
    assert IdxImages(str(tmp_path), "images", "classes.gz").labels == ["shirt", "boot", "bag", "coat"]
    assert (found[1]["image"] == images[1][..., None]).all() and found[1]["image"].shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is not such an IDX file"),
        (idx(np.zeros((2, 4, 5), np.uint8))[:-1], "39 bytes, but its header says 2 x 4 x 5"),
        (idx(np.zeros(3, np.uint8)), "is not such an IDX file"),
        (gzip.compress(idx(np.zeros((2, 4, 5), np.uint8)), mtime=0)[:-9], "is not a complete gzip file"),
        (struct.pack(">BBBBiii", 0, 0, 8, 3, -1, -1, 4), "-1 x -1 x 4"),
    ],
)
def test_a_damaged_idx_file_is_reported(tmp_path, data, words):
    (tmp_path / "images").write_bytes(data)
    (tmp_path / "classes").write_bytes(idx(np.zeros(2, np.uint8)))
    with pytest.raises(DataError, match=rf"D112[\s\S]*images|{words}") as refused:
        IdxImages(str(tmp_path), "images", "classes")
    assert words in str(refused.value)


def test_more_classes_than_images_are_refused(tmp_path):
    (tmp_path / "images").write_bytes(idx(np.zeros((2, 4, 5), np.uint8)))
    (tmp_path / "classes").write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(DataError, match="2 images, but there are 3 classes"):
        IdxImages(str(tmp_path), "images", "classes")


def archive(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            about = tarfile.TarInfo(f"cifar/{name}")
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))
    return str(path)


PIXELS = np.arange(2 * 3072, dtype=np.int64).astype(np.uint8).reshape(2, 3072)


def test_cifar_is_read_from_its_pickled_and_its_binary_archive(tmp_path):
    part = {"data": PIXELS, "labels": [1, 0], "filenames": ["a", "b"], "batch_label": "x"}
    meta = {"label_names": ["plane", "car"]}
    pickled = {"data_batch_1": pickle.dumps(part, 2), "batches.meta": pickle.dumps(meta, 2), "readme.html": b""}
    rows = b"".join(bytes([c]) + row.tobytes() for c, row in zip((1, 0), PIXELS))
    binary = {"data_batch_1.bin": rows, "batches.meta.txt": b"plane\ncar\n\n"}
    hundred = {"train.bin": b"".join(bytes([9, c]) + row.tobytes() for c, row in zip((1, 0), PIXELS))}
    for name, files in (("python", pickled), ("binary", binary), ("hundred", hundred)):
        found = CifarArchive(archive(tmp_path / f"{name}.tar.gz", files))
        assert found.targets.tolist() == [1, 0]
        assert found.labels == (["0", "1"] if name == "hundred" else ["plane", "car"])
        assert (found[1]["image"].transpose(2, 0, 1).ravel() == PIXELS[1]).all()


def test_a_cifar_archive_with_code_is_refused_and_not_run(tmp_path):
    class Gadget:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = archive(tmp_path / "bad.tar.gz", {"data_batch_1": pickle.dumps({"data": Gadget(), "labels": []})})
    with pytest.raises(UnsafeFile, match="data_batch_1"):
        CifarArchive(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"data_batch_1.bin": b"123"}, "3 bytes, not a multiple of 3073"),
        ({"data_batch_1": b"123"}, "D112"),
        ({"data_batch_1": pickle.dumps({"labels": [1]}, 2)}, "has no `data`"),
        ({"data_batch_1": pickle.dumps({"data": PIXELS, "labels": "ab"}, 2)}, "has no `labels`"),
        ({"data_batch_1": pickle.dumps({"data": PIXELS, "labels": [1]}, 2)}, "2 images, but there are 1 classes"),
        ({"other": b""}, "no files of the split 'train'"),
    ],
)
def test_a_damaged_cifar_archive_is_reported(tmp_path, files, words):
    with pytest.raises(DataError, match=words):
        CifarArchive(archive(tmp_path / "cifar.tar.gz", files))
