"""MNIST and Fashion-MNIST in the IDX format (http://yann.lecun.com/exdb/mnist).

A file is a magic number of four bytes (0, 0, type, axes), the size of each axis as a big-endian int32, and the values.
"""

import gzip
import os
import zlib

import numpy as np

from common.data.issues import IssueList, data_error
from common.regular import check_regular

from .classification import class_names
from .packed_images import PackedImages

UNSIGNED_BYTE = 8
MAX_BYTES = 1 << 32


class IdxImages(PackedImages):
    """The images of an IDX file, plain or gzipped, in memory; grayscale images become RGB.

    Args:
        root (str): the folder of the files.
        images (str): the file of the images.
        classes (str): the file of the classes.
        labels (list[str] | str): class names in order, or a file with one per line; default `labels.txt` in `root` if
            it exists, else the class ids.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
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
        pixels = read_idx(self.source, 3, issues)
        targets = read_idx(os.path.join(root, classes), 1, issues)
        if issues.errors:
            raise data_error(issues.errors)
        self.store_packed(pixels, targets, class_names(labels, root), issues, bad_samples)


def read_idx(path, axes, issues):
    """The values of an IDX file, uint8; an empty array with the same number of axes after an error (D104, D112)."""
    nothing = np.zeros((0,) * axes, np.uint8)
    try:
        check_regular(path)
        with open(path, "rb") as file:
            start = file.read(2)
            file.seek(0)
            data = (gzip.GzipFile(fileobj=file) if start == b"\x1f\x8b" else file).read(MAX_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        issues.error("D112", f"is not a complete gzip file: {error}", file=path, fix="download it again")
        return nothing
    except OSError as error:
        fix = "set `root` to the folder of the IDX files"
        issues.error("D104", f"file cannot be opened: {error.strerror}", file=path, fix=fix)
        return nothing
    if len(data) < 4 * (axes + 1) or data[:2] != b"\0\0" or data[2] != UNSIGNED_BYTE or data[3] != axes:
        fix = f"an IDX file of bytes with {axes} axes starts with 00 00 08 {axes:02d}"
        issues.error("D112", f"is not such an IDX file: it starts with {data[:4].hex(' ')}", file=path, fix=fix)
        return nothing
    shape = np.frombuffer(data, ">i4", axes, 4).astype(np.int64)
    there = len(data) - 4 * (axes + 1)
    if (shape < 0).any() or np.prod(shape.astype(float)) != there:
        sizes = " x ".join(map(str, shape))
        issues.error("D112", f"holds {there} bytes, but its header says {sizes}", file=path, fix="download it again")
        return nothing
    return np.frombuffer(data, np.uint8, there, 4 * (axes + 1)).reshape(shape)
