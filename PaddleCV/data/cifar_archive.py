"""CIFAR-10 and CIFAR-100 from the published archives (https://www.cs.toronto.edu/~kriz/cifar.html).

Both formats are read without unpacking: the pickled one by a restricted unpickler that allows only arrays and plain
containers, and the binary one, whose records are the class (a byte; CIFAR-100: coarse, fine) and 3072 bytes of pixels.
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

from .labels import read_labels
from .packed_images import PackedImages

PIXELS = 3 * 32 * 32
MAX_FILE_SIZE = 1 << 28  # bytes, of one file of an archive
PARTS = {"train": r"(data_batch_\d|train)(\.bin)?", "test": r"(test_batch|test)(\.bin)?"}
NAMES = r"(batches\.meta(\.txt)?|meta|fine_label_names\.txt)"


class CifarArchive(PackedImages):
    """The images of CIFAR-10 or CIFAR-100 (fine classes), 32 x 32 pixels, in memory.

    Args:
        root (str): the published .tar.gz, or the folder it was unpacked to.
        split (str): train or test.
        labels (list[str] | str): class names in order, or a file with one per line; default those of the archive.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
        UnsafeFile: a pickled file needs more than arrays.
    """

    def __init__(self, root="dataset/cifar-10-python.tar.gz", split="train", labels=None, bad_samples="error"):
        if split not in PARTS:
            raise ValueError(f"split is {split!r}; it must be train or test")
        self.source = str(root)
        issues = IssueList(self.source)
        files = read_files(self.source, f"({PARTS[split]}|{NAMES})", issues)
        names = read_labels(labels, os.path.dirname(self.source))
        images, targets = [], []
        for name, data in sorted(files.items()):
            if re.fullmatch(NAMES, name):
                names = names or label_names(self.source, name, data)
            else:
                image, target = read_part(self.source, name, data, issues)
                images.append(image)
                targets.append(target)
        if not images and not issues.errors:
            issues.error("D117", f"holds no files of the split {split!r}", fix="set `root` to the published archive")
        if issues.errors:
            raise data_error(issues.errors)
        pixels = np.concatenate(images).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        self.store_packed(
            np.ascontiguousarray(pixels), np.concatenate(targets), names, issues, bad_samples, f"!{split}"
        )


def read_files(path, pattern, issues):
    """The files of a folder or an archive whose names match, {name: bytes}.

    Raises:
        DataError: D104 if it cannot be opened, D112 if it is not a valid archive.
    """
    try:
        if os.path.isdir(path):
            chosen = [entry for entry in os.scandir(path) if entry.is_file() and re.fullmatch(pattern, entry.name)]
            return {entry.name: open(entry.path, "rb").read() for entry in chosen}
        found = {}
        with tarfile.open(path) as archive:
            for member in archive:
                name = posixpath.basename(member.name)
                if member.isfile() and member.size <= MAX_FILE_SIZE and re.fullmatch(pattern, name):
                    found[name] = archive.extractfile(member).read()
        return found
    except (tarfile.TarError, EOFError, zlib.error) as error:
        issues.error("D112", f"is not a complete archive: {error}", fix="download it again")
    except OSError as error:
        issues.error("D104", f"cannot be opened: {error.strerror or error}", fix="set `root` to the archive")
    raise data_error(issues.errors)


def read_part(path, name, data, issues):
    """The pixels uint8 [n, 3072] and classes [n] of one file; empty after an error (D112, D113)."""
    nothing = np.zeros((0, PIXELS), np.uint8), np.zeros(0, np.int64)
    place = f"{path}!{name}"
    if name.endswith(".bin"):
        head = 2 if name in ("train.bin", "test.bin") else 1
        if not data or len(data) % (head + PIXELS):
            issues.error("D112", f"holds {len(data)} bytes, not a multiple of {head + PIXELS}", file=place)
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
        issues.error("D113", "has no `labels` or `fine_labels`, a list of class ids", file=place)
        return nothing
    return pixels, np.array(classes, np.int64)


def label_names(path, name, data):
    """The class names in an archive, or None."""
    if name.endswith(".txt"):
        return [line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()] or None
    tree = pdparams.parse_pickled(f"{path}!{name}", data)
    found = tree.get("fine_label_names", tree.get("label_names")) if isinstance(tree, dict) else None
    return [str(text) for text in found] if found else None
