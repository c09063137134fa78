"""CTranslate2 models are read without CTranslate2; the files are written here in its format."""

import struct

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights.ctranslate2 import TYPES, read_ctranslate2

ARRAYS = {
    "encoder/weight": np.arange(6, dtype="f4").reshape(2, 3),
    "half": np.array([1.5, -2], "f2"),
    "scale": np.array(3, "i4"),
}


def encoded(version=6, arrays=ARRAYS, aliases=(("tied", "half"),), short=0):
    """The bytes of a model."""

    def name(text):
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    data = struct.pack("<I", version) + name("WhisperSpec") + struct.pack("<II", 3, len(arrays))
    for key, value in arrays.items():
        data += name(key) + struct.pack("<B", value.ndim) + b"".join(struct.pack("<I", size) for size in value.shape)
        data += struct.pack("<BI", TYPES.index(str(value.dtype)), value.nbytes - short) + value.tobytes()
    return data + struct.pack("<I", len(aliases)) + b"".join(name(a) + name(b) for a, b in aliases)


def test_variables_and_aliases_have_their_values(tmp_path):
    (tmp_path / "model.bin").write_bytes(encoded())
    found = read_ctranslate2(tmp_path / "model.bin")
    assert list(found) == [*ARRAYS, "tied"] and found["tied"] is found["half"]
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype


@pytest.mark.parametrize("data, words", [
    (encoded(version=2), "version 2"),
    (encoded(aliases=(("tied", "absent"),)), "tied"),
    (encoded(short=1), "encoder/weight: 24 bytes for 23"),
    (encoded() + b"1", "1 bytes after"),
    (b"", "empty"),
])  # fmt: skip
def test_other_files_are_refused(tmp_path, data, words):
    (tmp_path / "model.bin").write_bytes(data)
    with pytest.raises(EnvironmentProblem, match=words):
        read_ctranslate2(tmp_path / "model.bin")


def test_a_model_that_is_cut_anywhere_is_refused(tmp_path):
    whole = encoded()
    for end in range(1, len(whole)):
        (tmp_path / "model.bin").write_bytes(whole[:end])
        with pytest.raises(EnvironmentProblem, match=r"model\.bin"):
            read_ctranslate2(tmp_path / "model.bin")
