"""TensorFlow.js weights are read by their manifest; the files are written here in its format."""

import json

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights.tfjs import read_tfjs

A = {"name": "a", "shape": [2, 3], "dtype": "float32"}
Q = {"name": "q", "shape": [4], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}}
H = {"name": "h", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}}
BYTES = np.arange(6, dtype="<f4").tobytes() + bytes([0, 1, 2, 255]) + np.array([1.5, -2], "<f2").tobytes()


def write(folder, weights=(A, Q, H), data=BYTES, paths=("one.bin", "two.bin"), whole=False):
    """Writes a manifest and its values, which begin in one file and end in another one."""
    (folder / "one.bin").write_bytes(data[:10])
    (folder / "two.bin").write_bytes(data[10:])
    groups = [{"weights": list(weights), "paths": list(paths)}]
    path = folder / "weights_manifest.json"
    path.write_text(json.dumps({"weightsManifest": groups} if whole else groups))
    return path


@pytest.mark.parametrize("whole", [False, True])
def test_plain_and_quantized_weights_have_their_values(tmp_path, whole):
    found = read_tfjs(write(tmp_path, whole=whole))
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["q"].tolist() == [-1, -0.5, 0, 126.5]
    assert found["h"].tolist() == [1.5, -2] and found["h"].dtype == np.float32


@pytest.mark.parametrize("given, words", [
    ({"data": BYTES[:30]}, "h .*are left"),
    ({"data": BYTES + b"1"}, "1 bytes after"),
    ({"paths": ("../one.bin", "two.bin")}, "not beside"),
    ({"paths": ("/etc/passwd",)}, "not beside"),
    ({"paths": ("absent.bin",)}, r"absent\.bin"),
    ({"weights": (A, A)}, "named 'a'"),
    ({"weights": (A | {"shape": [2, -3]},)}, "a of shape"),
    ({"weights": (A | {"shape": [10**18]},)}, "are left"),
    ({"weights": (A | {"dtype": "string"},)}, "string"),
    ({"weights": (A, Q | {"quantization": {"dtype": "uint8"}})}, "scale"),
    ({"weights": ()}, "no weights|bytes after"),
])  # fmt: skip
def test_a_manifest_that_does_not_fit_is_refused(tmp_path, given, words):
    with pytest.raises(EnvironmentProblem, match=words):
        read_tfjs(write(tmp_path, **given))
