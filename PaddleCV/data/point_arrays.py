"""Files of many point clouds of equal size: HDF5, or .npz with the same arrays.

An array `data` float [I, P, D], and `label`: a class for each cloud, [I] or [I, 1], or for each point, [I, P].
"""

import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.data.refusals import bad_file, unreadable_file
from common.errors import BadSample, EnvironmentProblem
from common.files import read_lines
from common.regular import check_regular
from common.vision.feature_files import read_npz
from common.vision.point_files import MOST_VALUES


def read_point_lists(root, list_file):
    """The arrays of the files that a list names, in its order.

    Args:
        root (str): folder of the list and of the files; of the paths in the list the base name counts, as the original
            lists begin with a folder of their own machine. Beside NAME.h5 that is not there NAME.npz is taken.
        list_file (str): the list, a path on each line.

    Returns:
        tuple[ndarray, ndarray, list[tuple[str, int]]]: data [I, P, D], label [I] or [I, P], and of each cloud its file
            and its place there.

    Raises:
        DataError: a file is missing, damaged, or of another form, with the line of the list.
    """
    source, issues, found = os.path.join(root, list_file), IssueList(os.path.join(root, list_file)), []
    for number, line in enumerate(read_lines(source), 1):
        if not line.strip():
            continue
        path = os.path.join(root, os.path.basename(line.strip().replace("\\", "/")))
        other = os.path.splitext(path)[0] + ".npz"
        path = other if not os.path.exists(path) and os.path.exists(other) else path
        try:
            found.append((path, *read_point_arrays(path)))
        except BadSample as error:
            issues.error(error.issue.code, error.issue.message, f"line {number}", path, error.issue.fix)
    shapes = {(data.shape[1:], label.ndim) for _, data, label in found}
    if len(shapes) > 1:
        sizes = ", ".join(f"{os.path.basename(path)} {list(data.shape[1:])}" for path, data, _ in found[:4])
        issues.error("D113", "the files have clouds of different sizes", value=sizes)
    if not found and not issues.errors:
        issues.error("D117", "names no file")
    if issues.errors:
        raise data_error(issues.errors)
    places = [(path, row) for path, data, _ in found for row in range(len(data))]
    return np.concatenate([data for _, data, _ in found]), np.concatenate([label for *_, label in found]), places


def read_point_arrays(path):
    """The arrays `data` float32 [I, P, D] and `label` int64 [I] or [I, P] of a file; raises BadSample."""
    try:
        check_regular(path)
        with open(path, "rb") as file:
            start = file.read(8)
            content = start + file.read() if start[:2] == b"PK" or path.endswith(".npz") else b""
    except (OSError, ValueError) as error:
        raise unreadable_file(error, path, "a file of point clouds") from None
    if not start:
        raise bad_file("D117", path, "the file is empty (0 bytes)", fix="create it again")
    arrays = read_npz(content, path) if content else read_hdf5(path, ("data", "label"))
    if missing := [key for key in ("data", "label") if key not in arrays]:
        raise bad_file("D113", path, f"has no array '{missing[0]}'")
    data, label = np.asarray(arrays["data"]), np.asarray(arrays["label"])
    if data.ndim != 3 or not 3 <= data.shape[2] <= MOST_VALUES or data.dtype.kind not in "fiu" or not data.size:
        raise bad_file("D113", path, f"'data' is {data.dtype} {list(data.shape)}; expected numbers [clouds, points, 3]")
    label = label[:, 0] if label.ndim == 2 and label.shape[1] == 1 else label
    if label.dtype.kind not in "iu" or label.shape not in (data.shape[:1], data.shape[:2]):
        expected = f"expected whole numbers {list(data.shape[:1])} or {list(data.shape[:2])}"
        raise bad_file("D113", path, f"'label' is {label.dtype} {list(label.shape)}; {expected}")
    return data.astype(np.float32, copy=False), label.astype(np.int64)


def read_hdf5(path, names):
    """The arrays of an HDF5 file by name; those that are not there, or are no numbers, are left out.

    Raises:
        BadSample: D101 or D102.
        EnvironmentProblem: h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        fix = "pip install h5py"
        raise EnvironmentProblem(f"{path}: reading HDF5 needs the package h5py\n  fix: {fix}") from None
    if not h5py.is_hdf5(path):
        raise bad_file("D101", path, "is not an HDF5 file")
    try:
        with h5py.File(path, "r") as file:
            known = [name for name in names if isinstance(file.get(name), h5py.Dataset)]
            return {name: file[name][()] for name in known if file[name].dtype.kind in "fiu"}
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise bad_file("D102", path, f"the file is damaged: {error}") from None
