"""Tests of `tools/convert.py`: conversion of foreign weights, and its errors."""

import errno
import gzip
import json

import numpy as np
import pytest

from common.build import foreign
from common.config.kits import ROOT
from common.weights import checkpoint, pdparams
from common.weights.safetensors import encode_arrays
from tests.common.weights import test_torch_file
from tests.made.commands import command

write = test_torch_file.write  # a fixture
NAMES = json.loads(gzip.decompress((ROOT / "PaddleCV/tests/torch_names.json.gz").read_bytes()))["torchvision"]
GIVEN = ("-c", "configs/squeezenet1_1.yml", "--source", "torchvision")


@pytest.fixture(scope="module")
def state():
    """A state dictionary of torchvision's SqueezeNet 1.1, float32."""
    rng = np.random.default_rng(0)
    return {name: rng.normal(0, 0.1, shape).astype("f4") for name, shape in NAMES["squeezenet1_1"].items()}


@pytest.fixture
def file(tmp_path, state):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"".join(encode_arrays(state)))
    return path


def weights_of(path, state):
    """What a converted file must hold, checked."""
    found = checkpoint.read_weights(path)
    assert np.array_equal(found["backbone.stem.0.weight"], state["features.0.weight"])
    assert np.array_equal(found["head.conv.bias"], state["classifier.1.bias"])
    assert len(found) == len(state) and sum(a.size for a in found.values()) == sum(a.size for a in state.values())
    return found


def test_a_safetensors_file_converts(tmp_path, file, state):
    answer = command("convert", *GIVEN, file, "--out", tmp_path / "out.safetensors")
    assert answer.code == 0, answer.err
    assert "52 arrays, 1,235,496 elements" in answer.out
    assert "fine-tune before you trust" in answer.err  # the same arrays, another definition
    weights_of(tmp_path / "out.safetensors", state)


def test_a_pytorch_file_of_half_precision_converts_to_full_precision(tmp_path, write, state):
    half = {name: array.astype("f2") for name, array in state.items()}
    path = write({"state_dict": {f"module.{name}": test_torch_file.Tensor(array) for name, array in half.items()}})
    answer = command("convert", *GIVEN, path, "--out", tmp_path / "out.safetensors")
    assert answer.code == 0, answer.err
    assert weights_of(tmp_path / "out.safetensors", half)["backbone.stem.0.weight"].dtype == np.float32


def test_an_official_file_converts(tmp_path):
    official = json.loads(gzip.decompress((ROOT / "PaddleCV/tests/official_names.json.gz").read_bytes()))
    arrays = {name: np.full(shape, 0.5, "f4") for name, shape in official["squeezenet1_1"].items()}
    (tmp_path / "SqueezeNet1_1_pretrained.pdparams").write_bytes(pdparams.encode_pdparams(arrays))
    given = ["-c", "configs/squeezenet1_1.yml", "--source", "paddleclas"]
    out = tmp_path / "out.safetensors"
    answer = command("convert", *given, tmp_path / "SqueezeNet1_1_pretrained.pdparams", "--out", out)
    assert answer.code == 0, answer.err
    found = checkpoint.read_weights(out)
    assert found["head.conv.weight"].flat[0] == 0.25  # the original scales by 0.5 after its dropout
    assert found["backbone.stem.0.weight"].flat[0] == 0.5


def test_the_number_of_classes_is_taken_from_the_file(tmp_path, state):
    few = state | {name: state[name][:7] for name in ("classifier.1.weight", "classifier.1.bias")}
    (tmp_path / "few.safetensors").write_bytes(b"".join(encode_arrays(few)))
    answer = command("convert", *GIVEN, tmp_path / "few.safetensors", "--out", tmp_path / "out.safetensors")
    assert answer.code == 0, answer.err
    assert checkpoint.read_weights(tmp_path / "out.safetensors")["head.conv.weight"].shape == (7, 512, 1, 1)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"--source": "torchvison"}, 2, "did you mean 'torchvision'?"),
        ({"--source": "timm"}, 2, "the names that timm gives to a SqueezeNet are not known"),
        ({"-c": "configs/resnet50.yml"}, 2, "'classifier' is not a name of this family of networks"),
        ({"-c": "configs/squeezenet1_2.yml"}, 2, "configs/squeezenet1_2.yml"),
        ({"--out": "model.pdparams"}, 2, "has the suffix .safetensors"),
        ({"--out": "nowhere/out.safetensors"}, 2, "does not exist"),
        ({"file": "absent.pth"}, 2, "absent.pth: there is no such file"),
        ({"file": "notes.txt"}, 2, "a state dictionary is a .pth, .pt, .bin, .safetensors or .pdparams file"),
        ({"file": "cut.safetensors"}, 4, "not a safetensors file"),
        ({"file": "cut.pth"}, 4, "truncated, or not written by PyTorch"),
    ],
)
def test_errors_are_reported_before_paddle_is_imported(tmp_path, file, monkeypatch, changes, code, words):
    monkeypatch.setattr(foreign, "model_shapes", None)
    for name in ("notes.txt", "cut.safetensors", "cut.pth"):
        (tmp_path / name).write_bytes(file.read_bytes()[:5000])
    options = {"-c": "configs/squeezenet1_1.yml", "--source": "torchvision", "--out": "out.safetensors"} | changes
    path = tmp_path / options.pop("file", "model.safetensors")
    options["--out"] = tmp_path / options["--out"]
    before = sorted(tmp_path.iterdir())
    answer = command("convert", path, *(word for pair in options.items() for word in pair))
    answer.refused(code, words)
    assert sorted(tmp_path.iterdir()) == before


def test_an_existing_file_is_not_overwritten(tmp_path, file):
    before = file.read_bytes()
    command("convert", *GIVEN, file, "--out", file).refused(2, "the file exists; give another name")
    assert file.read_bytes() == before


def test_weights_of_another_shape_are_rejected_with_the_name_of_the_array(tmp_path, file):
    given = ("-c", "configs/squeezenet1_0.yml", "--source", "torchvision", file, "--out", tmp_path / "out.safetensors")
    command("convert", *given).refused(2, "features.0.weight has shape [64, 3, 3, 3]", "has [96, 3, 7, 7]")


def test_a_full_disk_leaves_nothing_behind(tmp_path, file, monkeypatch):
    def full(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)  # of the draft that was written
    answer = command("convert", *GIVEN, file, "--out", tmp_path / "out.safetensors")
    answer.refused(4, "could not be written: No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
