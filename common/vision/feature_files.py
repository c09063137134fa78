"""Files of features that a network has extracted from a video: reading, and the transform that prepares them.

A file is .npz or .safetensors and holds arrays [T, D] by name, such as `rgb` and `audio`; nothing in it is unpickled.
Numbers of 0 to 255 (uint8) are those of YouTube-8M, quantized from -2 to 2.

Shapes in this file:
    T frames of D features.

Issues raised here (`BadSample`):
    D101  not such a file
    D102  truncated or corrupt
    D104  no such file, a folder, or no permission
    D113  an array is missing, or of another shape or size
    D119  a value is not finite
"""

import io
import math
import zipfile
from pathlib import Path

import numpy as np

from common.data.refusals import add_list_line, bad_file, first_bytes, unreadable_file
from common.data.transform import Transform
from common.errors import BadSample, ConfigError
from common.files import files_below
from common.regular import check_regular
from common.vision.clips import check_counts, segment_frames
from common.vision.sources import VideoFiles

SUFFIXES = (".npz", ".safetensors")
LOWEST, HIGHEST = -2.0, 2.0  # of quantized features
MOST_BYTES = 2**30  # of an array, by its header


class LoadFeatures(Transform):
    """Reads the features of a video from the file at `path`, or from its content, `data`.

    Sets each array by its name, float32 [T, D], `length`, T, and `duration` in seconds if the file has this number.
    Quantized arrays (uint8) become -2 to 2. What `also` names is taken where the file has it and the sample has not.

    Args:
        names (list[str]): arrays to read, all of equal T.
        sizes (list[int]): D of each.
        frames (int | None): takes this many frames from equal parts of the video, and repeats those of a short one.
        most (int | None): takes the first frames of a longer video alone.
        random (bool): takes `frames` at random places of their parts, for training.
        also (list[str]): further arrays or texts, such as a `sentence`, that stay as they are.
    """

    def __init__(self, names=("rgb", "audio"), sizes=(1024, 128), frames=None, most=None, random=False, also=()):
        if not names or len(names) != len(sizes):
            raise ValueError(
                f"LoadFeatures got the names {list(names)} and the sizes {list(sizes)}; one size for each name"
            )
        if random and not frames:
            raise ValueError("LoadFeatures with random: true needs frames")
        check_counts("LoadFeatures", frames=frames or 1, most=most or 1)
        self.names, self.sizes, self.frames, self.most, self.also = list(names), list(sizes), frames, most, list(also)
        self.random = self.augments = random

    @staticmethod
    def examine(transforms, inputs):
        """See :func:`common.vision.inverse.examine_pipeline`: features are never those of an image."""
        return next((number for number, transform in enumerate(transforms) if transform.augments), None), None

    def __call__(self, sample, rng):
        name = sample.get("path", "features")
        try:
            given = {name: sample[name] for name in self.names if name in sample}
            arrays = given if given else read_features(sample.pop("data", None) or sample["path"], name)
            if np.ndim(arrays.get("duration", ())) == 0 and "duration" not in sample:
                sample["duration"] = float(arrays["duration"])
            for key in (key for key in self.also if key in arrays and key not in sample):
                sample[key] = str(arrays[key]) if np.asarray(arrays[key]).dtype.kind in "US" else arrays[key]
            arrays = [as_features(arrays, key, size, name) for key, size in zip(self.names, self.sizes)]
            if len({len(array) for array in arrays}) > 1:
                counts = ", ".join(f"{key} {len(array)}" for key, array in zip(self.names, arrays))
                raise bad_file("D113", name, f"the arrays have different numbers of frames: {counts}")
        except BadSample as error:
            raise add_list_line(error, sample) from None
        chosen = np.arange(len(arrays[0]))[: self.most]
        if self.frames:
            places = rng.random(self.frames) if self.random else np.full(self.frames, 0.5)
            chosen = chosen[segment_frames(len(chosen), self.frames, 1, places)]
        for key, array in zip(self.names, arrays):
            sample[key] = np.ascontiguousarray(array[chosen])
        sample["length"] = np.int64(len(chosen))
        return sample


def read_features(source, name):
    """The arrays of a feature file, by name.

    Args:
        source (str | bytes): path of the file, or its content.
        name (str): name of the file for messages.

    Raises:
        BadSample: D101, D102 or D104.
    """
    data = source if isinstance(source, bytes) else read_feature_file(source, name)
    if data[:2] == b"PK":
        return read_npz(data, name)
    if len(data) > 8 and data[8:9] == b"{":
        return read_safetensors(data, name)
    what = first_bytes(data) if data else "0 bytes"
    fix = "a pickle of the original kit is converted by PaddleCV/tools/convert_features.py"
    raise bad_file("D101", name, f"not a file of features ({what}); .npz and .safetensors are read", fix=fix)


def read_feature_file(path, name):
    """The content of a file; raises BadSample D104."""
    try:
        check_regular(path)
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise unreadable_file(error, path, "a file of features", name) from None


def read_npz(data, name):
    """The arrays of an .npz file, whose sizes are checked against the headers; raises BadSample."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            large = [entry.filename for entry in archive.infolist() if entry.file_size > MOST_BYTES]
        if large:
            raise bad_file("D103", name, f"{large[0]} has more than {MOST_BYTES} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return {key: found[key] for key in found.files}
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, KeyError) as error:
        raise bad_file("D102", name, f"the file is damaged: {error}") from None


def read_safetensors(data, name):
    """The arrays of a .safetensors file; raises BadSample."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise bad_file("D102", name, f"the file is damaged: {error}") from None


def as_features(arrays, key, size, name):
    """The array of a name, float32 [T, D]; raises BadSample D113 or D119."""
    if key not in arrays:
        raise bad_file("D113", name, f"has no array '{key}'; it has {', '.join(arrays) or 'none'}")
    array = np.asarray(arrays[key])
    if array.ndim != 2 or array.shape[1] != size or not math.prod(array.shape) or array.dtype.kind not in "fui":
        expected = f"'{key}' is {array.dtype} {list(array.shape)}; expected numbers [frames, {size}]"
        raise bad_file("D113", name, expected)
    if array.dtype == np.uint8:
        return dequantize(array)
    if not np.isfinite(array).all():
        raise bad_file("D119", name, f"'{key}' has values that are not finite")
    return array.astype(np.float32)


def dequantize(array):
    """Features float32 of quantized ones, uint8: 256 steps from -2 to 2, as YouTube-8M defines them."""
    step = (HIGHEST - LOWEST) / 255
    return (array * np.float32(step) + np.float32((HIGHEST - LOWEST) / 512 + LOWEST)).astype(np.float32)


def quantize(array):
    """The inverse of :func:`dequantize` to the nearest step, uint8; values outside are clipped."""
    step = (HIGHEST - LOWEST) / 255
    return np.clip(np.round((array - (HIGHEST - LOWEST) / 512 - LOWEST) / step), 0, 255).astype(np.uint8)


def open_features(path):
    """Opens a file of features, or a folder of them.

    Args:
        path (str | None): a file or a folder.

    Raises:
        ConfigError: the path is empty.
        DataError: the path is missing, or is a folder without such files.
    """
    if path is None or not path.strip() or path == "-":
        raise ConfigError("this model takes files of features: --input FILE.npz, or a folder")
    if Path(path).is_dir():
        return VideoFiles(files_below(path, SUFFIXES, "files of features"), path, True)
    read_features(path, path)  # raises before a model is loaded
    return VideoFiles([path], path, False)
