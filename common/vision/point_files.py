"""Files of point clouds: reading them, the transform that does, and where clouds come from for inference.

    .bin            float32 x, y, z, intensity, as KITTI's laser scanner has them
    .npy, .npz      an array [P, D], in .npz named `points`; nothing in it is unpickled
    .ply            vertices, ASCII or binary
    .txt .xyz .pts .csv   a point on each line, numbers divided by spaces or commas

Shapes in this file:
    P points of D values: x, y, z, and others such as intensity, normal or color.

Issues raised here (`BadSample`):
    D101  not such a file
    D102  truncated or corrupt
    D104  no such file, a folder, or no permission
    D113  too few values of a point, or points in columns
    D117  no point
    D119  a value is not finite
"""

import codecs
import io
from pathlib import Path

import numpy as np

from common.data.refusals import add_list_line, bad_file, first_bytes, unreadable_file
from common.data.transform import Transform
from common.errors import BadSample, ConfigError
from common.files import files_below
from common.regular import check_regular
from common.vision.feature_files import read_npz
from common.vision.point_drawing import CloudWriter
from common.vision.sources import SampleFiles

TEXTS = (".txt", ".xyz", ".pts", ".csv")
SUFFIXES = (".bin", ".npy", ".npz", ".ply", *TEXTS)
MOST_BYTES = 2**30  # of a file
SCAN = 4  # values of a point of .bin
MOST_VALUES = 64  # of a point; an array of more has its points in columns
PLY_TYPES = {
    "char": "i1",
    "int8": "i1",
    "uchar": "u1",
    "uint8": "u1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
    "float": "f4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
}


class LoadPoints(Transform):
    """Reads the points of a cloud from the file at `path`, or from its content, `data`; or takes those of the sample.

    Sets `points`, float32 [P, values].

    Args:
        values (int): D, the first values of each point that are taken; 3 for x, y, z alone.
    """

    def __init__(self, values=3):
        if values < 3:
            raise ValueError(f"LoadPoints got values {values}; a point has 3 or more, x, y and z")
        self.values = values

    @staticmethod
    def examine(transforms, inputs):
        """See :func:`common.vision.inverse.examine_pipeline`: points are never those of an image."""
        return next((number for number, transform in enumerate(transforms) if transform.augments), None), None

    def __call__(self, sample, rng):
        name = sample.get("path", "points")
        try:
            points = sample.get("points")
            if points is None:
                points = read_points(sample.pop("data", None) or sample["path"], name)
            sample["points"] = as_points(points, self.values, name)
        except BadSample as error:
            raise add_list_line(error, sample) from None
        return sample


def read_points(source, name):
    """The points of a file, float32 or float64 [P, D].

    Args:
        source (str | bytes): path of the file, or its content; what it holds is known by its first bytes.
        name (str): name of the file for messages.

    Raises:
        BadSample: D101, D102, D104 or D117.
    """
    data = source if isinstance(source, bytes) else read_whole(source, name)
    if not data:
        raise bad_file("D117", name, "the file is empty (0 bytes): there is no point")
    if len(data) > MOST_BYTES:
        raise bad_file("D103", name, f"has more than {MOST_BYTES} bytes")
    if data[:2] == b"PK":
        arrays = read_npz(data, name)
        if "points" not in arrays:
            raise bad_file("D113", name, f"has no array 'points'; it has {', '.join(arrays) or 'none'}")
        return arrays["points"]
    if data[:6] == b"\x93NUMPY":
        try:
            return np.load(io.BytesIO(data), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise bad_file("D102", name, f"the file is damaged: {error}") from None
    if data[:4] in (b"ply\n", b"ply\r"):
        return read_ply(data, name)
    text = data.removeprefix(codecs.BOM_UTF8)
    if is_text(text[:4096]):
        return read_numbers(text, name)
    if not name.endswith(".bin") and isinstance(source, str):
        raise bad_file("D101", name, f"not a cloud of points ({first_bytes(data)}); read: {', '.join(SUFFIXES)}")
    if len(data) % (4 * SCAN):
        raise bad_file("D102", name, f"{len(data)} bytes are no whole number of points of {SCAN} float32 values")
    return np.frombuffer(data, "<f4").reshape(-1, SCAN)


def read_whole(path, name):
    """The content of a file; raises BadSample D104."""
    try:
        check_regular(path)
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise unreadable_file(error, path, "a file of points", name) from None


def is_text(data):
    """True for bytes that are ASCII numbers, signs and spaces, or a header of letters."""
    return all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in data)


def read_numbers(data, name):
    """The points of lines of numbers, float64 [P, D]; raises BadSample D102 or D117 with the line."""
    rows, width = [], None
    for number, line in enumerate(data.decode("ascii", "replace").splitlines(), 1):
        fields = line.replace(",", " ").split()
        if not fields or fields[0].startswith(("#", "//")):
            continue
        try:
            row = [float(field) for field in fields]
        except ValueError:
            raise bad_file("D102", name, f"line {number}: {line.strip()[:40]!r} are not numbers") from None
        if width is not None and len(row) != width:
            raise bad_file("D102", name, f"line {number} has {len(row)} numbers, the lines before have {width}")
        width = len(row)
        rows.append(row)
    if not rows:
        raise bad_file("D117", name, "has no point")
    return np.array(rows, np.float64)


def read_ply(data, name):
    """The vertices of a PLY file, float64 [P, D]: x, y, z, then the other properties in order; raises BadSample."""
    head, _, body = data.partition(b"end_header")
    body = body[body.find(b"\n") + 1 :]
    form, count, fields = ply_header(head, name)
    names = [field for field, _ in fields]
    if missing := [axis for axis in "xyz" if axis not in names]:
        raise bad_file("D113", name, f"the vertices have no {missing[0]}; they have {', '.join(names)}")
    if form == "ascii":
        rows = body.splitlines()[:count]
        table = read_numbers(b"\n".join(rows), name) if rows else np.zeros((0, len(names)))
    else:
        order = "<" if form == "binary_little_endian" else ">"
        kind = np.dtype([(str(k), order + PLY_TYPES[words]) for k, (_, words) in enumerate(fields)])
        found = np.frombuffer(body, kind, min(count, len(body) // kind.itemsize))
        table = np.stack([found[key].astype(np.float64) for key in kind.names], 1)
    if len(table) != count or table.shape[1] < len(names):
        raise bad_file("D102", name, f"the PLY file is truncated: {len(table)} of {count} vertices")
    others = [k for k, field in enumerate(names) if field not in ("x", "y", "z")]
    return table[:, [*(names.index(axis) for axis in "xyz"), *others]]


def ply_header(head, name):
    """The format, the number of vertices and their properties, (name, type) each; raises BadSample D102."""
    form, count, fields, here = "", None, [], False
    for line in (line.split() for line in head.decode("ascii", "replace").splitlines()):
        if line[:1] == ["format"] and len(line) > 1:
            form = line[1]
        elif line[:1] == ["element"] and len(line) == 3:
            if count is not None:
                break
            here = line[1] == "vertex" and line[2].isdigit()
            count = int(line[2]) if here else 0
        elif line[:1] == ["property"] and here:
            if len(line) != 3 or line[1] not in PLY_TYPES:
                raise bad_file("D102", name, f"the property {' '.join(line[1:])!r} of the vertices is no number")
            fields.append((line[2], line[1]))
    if not here and not fields:
        raise bad_file("D102", name, "the header of the PLY file does not begin with its vertices")
    if form not in ("ascii", "binary_little_endian", "binary_big_endian"):
        raise bad_file("D102", name, f"the format of the PLY file is {form!r}")
    return form, count, fields


def as_points(array, values, name):
    """The first values of each point, float32 [P, values]; raises BadSample D113, D117 or D119."""
    array = np.asarray(array)
    if array.ndim != 2 or array.dtype.kind not in "fui" or not values <= array.shape[1] <= MOST_VALUES:
        found = f"{array.dtype} {list(array.shape)}"
        raise bad_file("D113", name, f"the points are {found}; expected numbers [points, {values} or more]")
    if not len(array):
        raise bad_file("D117", name, "has no point")
    array = array[:, :values].astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(array).all(1))
    if len(bad):
        raise bad_file("D119", name, f"{len(bad)} of {len(array)} points are not finite, the first is point {bad[0]}")
    return array


def open_points(path):
    """Opens a file of a point cloud, or a folder of them.

    Args:
        path (str | None): a file or a folder.

    Raises:
        ConfigError: the path is empty.
        DataError: the path is missing, or is a folder without such files.
    """
    if path is None or not path.strip() or path == "-":
        raise ConfigError(f"this model takes clouds of points: --input FILE ({', '.join(SUFFIXES)}), or a folder")
    if Path(path).is_dir():
        return Clouds(files_below(path, SUFFIXES, "clouds of points"), path, True)
    read_points(path, path)  # raises before a model is loaded
    return Clouds([path], path, False)


class Clouds(SampleFiles):
    """Files of point clouds, which may be drawn."""

    what = "cloud"

    def drawing(self, out):
        """The writer of drawn clouds, to a folder or, of a single cloud, to a file."""
        return CloudWriter(out, self.many)
