"""Darknet networks are read by their list of layers; the files are written here in its format."""

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights.darknet import read_darknet

CFG = """[net]
channels=3
# a comment
[convolutional]
batch_normalize=1
filters=4
size=3
[maxpool]
size=2
[convolutional]
filters=6
size=1
groups=2
[route]
layers = -1, 0
[convolutional]
filters=2
size=1
[yolo]
"""
SIZES = {
    "0.norm.bias": (4,), "0.norm.weight": (4,), "0.norm.running_mean": (4,), "0.norm.running_var": (4,),
    "0.conv.weight": (4, 3, 3, 3), "2.conv.bias": (6,), "2.conv.weight": (6, 2, 1, 1),
    "4.conv.bias": (2,), "4.conv.weight": (2, 10, 1, 1),
}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """A function that writes both files, with a header of a version; returns their paths and the arrays."""

    def write(version=(0, 2), cfg=CFG, cut=None, extra=b""):
        values = np.random.default_rng(0).standard_normal(sum(int(np.prod(shape)) for shape in SIZES.values()))
        seen = np.array([7], "<i8" if version >= (0, 2) else "<i4")
        data = np.array([*version, 0], "<i4").tobytes() + seen.tobytes() + values.astype("<f4").tobytes() + extra
        (tmp_path / "net.cfg").write_text(cfg)
        (tmp_path / "net.weights").write_bytes(data[:cut])
        split = np.split(values.astype("f4"), np.cumsum([int(np.prod(shape)) for shape in SIZES.values()])[:-1])
        wanted = {name: part.reshape(shape) for (name, shape), part in zip(SIZES.items(), split, strict=True)}
        return tmp_path / "net.cfg", tmp_path / "net.weights", wanted

    return write


@pytest.mark.parametrize("version", [(0, 1), (0, 2)])
def test_the_numbers_follow_the_layers(files, version):
    cfg, weights, wanted = files(version)
    found = read_darknet(cfg, weights)
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("given, words", [
    ({"cut": 60}, "layer 0: .* are left"),
    ({"cut": 10}, "are left"),
    ({"extra": b"1234"}, "4 bytes more"),
    ({"cfg": CFG.replace("maxpool", "lstm")}, r"layer 1: \[lstm\] is not a layer"),
    ({"cfg": CFG.replace("-1, 0", "-9")}, "layer 3: a route to the layer -9"),
    ({"cfg": CFG.replace("filters=6", "filters=many")}, "layer 2: .*many"),
    ({"cfg": CFG.replace("groups=2", "groups=3")}, "layer 2: 4 channels in 3 groups"),
    ({"cfg": CFG.replace("filters=4", "filters=-4")}, "filters=-4"),
    ({"cfg": "size=3"}, r"net\.cfg:1: neither"),
    ({"cfg": CFG.replace("[net]", "[other]")}, "begins with"),
])  # fmt: skip
def test_files_that_do_not_fit_are_refused_by_layer(files, given, words):
    cfg, weights, _ = files(**given)
    with pytest.raises(EnvironmentProblem, match=words):
        read_darknet(cfg, weights)
