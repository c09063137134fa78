"""Reads pictures and classes in the idx files of MNIST and Fashion-MNIST (http://yann.lecun.com/exdb/mnist).

A file is a magic number of four bytes (0, 0, type, axes), each axis as a big-endian int32, and the numbers.
"""

import gzip
import os
import zlib

import numpy as np

from common.data.issues import IssueList, data_error

from .classification import class_names
from .packed_pictures import PackedPictures

UNSIGNED_BYTE = 8
MOST_BYTES = 1 << 32


class IdxImages(PackedPictures):
    """Pictures of an idx file, plain or gzipped, held in memory; grey ones become RGB.

    Args:
        root (str): the folder of the files.
        images (str): the file of the pictures.
        classes (str): the file of their classes.
        labels (list[str] | str): class names in order, or a file with one a line; default `labels.txt` in `root` when
            there is one, else the numbers.
        bad_samples (str): `error`, or `skip` a few images with errors.

    Raises:
        DataError: with every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self,
        root="/usr/share/datasets/fashion-mnist",
        images="train-images-idx3-ubyte.gz",
        classes="train-labels-idx1-ubyte.gz",
        labels=None,
        bad_samples="error",
    ):
        self.source = os.path.join(root, images)
        issues = IssueList(self.source)
        pictures = read_idx(self.source, 3, issues)
        targets = read_idx(os.path.join(root, classes), 1, issues)
        if issues.errors:
            raise data_error(issues.errors)
        self.settle_packed(pictures, targets, class_names(labels, root), issues, bad_samples)


def read_idx(path, axes, issues):
    """The numbers of an idx file, uint8; after an error (D104, D112) an empty array of as many axes."""
    nothing = np.zeros((0,) * axes, np.uint8)
    try:
        with open(path, "rb") as file:
            start = file.read(2)
            file.seek(0)
            data = (gzip.GzipFile(fileobj=file) if start == b"\x1f\x8b" else file).read(MOST_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        issues.error("D112", f"is not a whole gzip file: {error}", file=path, fix="fetch it again")
        return nothing
    except OSError as error:
        fix = "set `root` to the folder of the idx files"
        issues.error("D104", f"file cannot be opened: {error.strerror}", file=path, fix=fix)
        return nothing
    if len(data) < 4 * (axes + 1) or data[:2] != b"\0\0" or data[2] != UNSIGNED_BYTE or data[3] != axes:
        fix = f"an idx file of bytes with {axes} axes begins with 00 00 08 {axes:02d}"
        issues.error("D112", f"is no such idx file: it begins with {data[:4].hex(' ')}", file=path, fix=fix)
        return nothing
    shape = np.frombuffer(data, ">i4", axes, 4).astype(np.int64)
    there = len(data) - 4 * (axes + 1)
    if (shape < 0).any() or np.prod(shape.astype(float)) != there:
        sizes = " x ".join(map(str, shape))
        issues.error("D112", f"holds {there} bytes where its head says {sizes}", file=path, fix="fetch it again")
        return nothing
    return np.frombuffer(data, np.uint8, there, 4 * (axes + 1)).reshape(shape)
