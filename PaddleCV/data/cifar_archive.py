"""Reads CIFAR-10 and CIFAR-100 as they are published (https://www.cs.toronto.edu/~kriz/cifar.html).

Both forms are read, from the archive as it is: the pickled one through the restricted reader, which knows arrays and
plain containers alone, and the binary one, whose records are a byte of the class (CIFAR-100: coarse, fine) and 3072 of
pixels.
"""

import os
import posixpath
import re
import tarfile
import zlib

import numpy as np

from common.data.issues import IssueList, data_error
from common.errors import EnvironmentProblem
from common.weights import pdparams

from .coco import read_labels
from .packed_pictures import PackedPictures

PIXELS = 3 * 32 * 32
LARGEST = 1 << 28  # bytes of one file of an archive
PARTS = {"train": r"(data_batch_\d|train)(\.bin)?", "test": r"(test_batch|test)(\.bin)?"}
NAMES = r"(batches\.meta(\.txt)?|meta|fine_label_names\.txt)"


class CifarArchive(PackedPictures):
    """Pictures of 32 x 32 pixels of CIFAR-10 or CIFAR-100 (its fine classes), held in memory.

    Args:
        root (str): the .tar.gz as it is published, or the folder it was unpacked to.
        split (str): train or test.
        labels (list[str] | str): class names in order, or a file with one a line; default: those of the archive.
        bad_samples (str): `error`, or `skip` a few images with errors.

    Raises:
        DataError: with every error found, each with a code of `common.data.issues`.
        UnsafeFile: a file asks for more than arrays.
    """

    def __init__(self, root="dataset/cifar-10-python.tar.gz", split="train", labels=None, bad_samples="error"):
        if split not in PARTS:
            raise ValueError(f"split is {split!r}; it is train or test")
        self.source = str(root)
        issues = IssueList(self.source)
        files = read_files(self.source, f"({PARTS[split]}|{NAMES})", issues)
        names = read_labels(labels, os.path.dirname(self.source))
        pictures, targets = [], []
        for name, data in sorted(files.items()):
            if re.fullmatch(NAMES, name):
                names = names or label_names(self.source, name, data)
            else:
                picture, target = read_part(self.source, name, data, issues)
                pictures.append(picture)
                targets.append(target)
        if not pictures and not issues.errors:
            issues.error("D117", f"holds no files of the split {split!r}", fix="give the archive as it is published")
        if issues.errors:
            raise data_error(issues.errors)
        pixels = np.concatenate(pictures).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        self.settle_packed(
            np.ascontiguousarray(pixels), np.concatenate(targets), names, issues, bad_samples, f"!{split}"
        )


def read_files(path, pattern, issues):
    """The content of the files whose names match, by name, of a folder or an archive.

    Raises:
        DataError: D104 when it cannot be opened, D112 when it is no archive.
    """
    try:
        if os.path.isdir(path):
            chosen = [entry for entry in os.scandir(path) if entry.is_file() and re.fullmatch(pattern, entry.name)]
            return {entry.name: open(entry.path, "rb").read() for entry in chosen}
        found = {}
        with tarfile.open(path) as archive:
            for member in archive:
                name = posixpath.basename(member.name)
                if member.isfile() and member.size <= LARGEST and re.fullmatch(pattern, name):
                    found[name] = archive.extractfile(member).read()
        return found
    except (tarfile.TarError, EOFError, zlib.error) as error:
        issues.error("D112", f"is not a whole archive: {error}", fix="fetch it again")
    except OSError as error:
        issues.error("D104", f"cannot be opened: {error.strerror or error}", fix="set `root` to the archive")
    raise data_error(issues.errors)


def read_part(path, name, data, issues):
    """Pixels uint8 [n, 3072] and classes [n] of one file; nothing after an error (D112, D113)."""
    nothing = np.zeros((0, PIXELS), np.uint8), np.zeros(0, np.int64)
    place = f"{path}!{name}"
    if name.endswith(".bin"):
        head = 2 if name in ("train.bin", "test.bin") else 1
        if not data or len(data) % (head + PIXELS):
            issues.error("D112", f"holds {len(data)} bytes, no multiple of {head + PIXELS}", file=place)
            return nothing
        records = np.frombuffer(data, np.uint8).reshape(-1, head + PIXELS)
        return records[:, head:], records[:, head - 1]
    try:
        tree = pdparams.parse_pickled(place, data)
    except pdparams.UnsafeFile:
        raise
    except EnvironmentProblem as error:
        issues.error("D112", str(error).removeprefix(f"{place}: "), file=place)
        return nothing
    tree = tree if isinstance(tree, dict) else {}
    pixels, classes = tree.get("data"), tree.get("fine_labels", tree.get("labels"))
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (PIXELS,):
        issues.error("D113", f"has no `data` of bytes [n, {PIXELS}]", file=place)
        return nothing
    if not isinstance(classes, list) or not all(isinstance(value, int) for value in classes):
        issues.error("D113", "has no `labels` or `fine_labels`, a list of class numbers", file=place)
        return nothing
    return pixels, np.array(classes, np.int64)


def label_names(path, name, data):
    """The class names that an archive holds, or None."""
    if name.endswith(".txt"):
        return [line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()] or None
    tree = pdparams.parse_pickled(f"{path}!{name}", data)
    found = tree.get("fine_label_names", tree.get("label_names")) if isinstance(tree, dict) else None
    return [str(text) for text in found] if found else None
