"""Damaged, malicious and mismatched checkpoints and weights files, through the commands."""

import json
import os
import pickle
import shutil

import numpy as np
import pytest

from common.weights import checkpoint, pdparams
from common.weights.safetensors import encode_arrays
from tests.made.commands import command


@pytest.fixture
def weights(trained, tmp_path):
    """A copy of the checkpoint of the finished run."""
    shutil.copytree((trained.folder / "best").resolve(), tmp_path / "step_60")
    return tmp_path / "step_60"


def score(trained, *more):
    return command("eval", *trained.arguments, *more)


def flip(file, place=-100):
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: flip(folder / "model.safetensors"), ["model.safetensors", "sha256"]),
        (lambda folder: os.truncate(folder / "model.safetensors", 5000), ["model.safetensors", "5000 bytes"]),
        (lambda folder: (folder / "model.safetensors").unlink(), ["model.safetensors"]),
        (
            lambda folder: (
                (folder / "ema.safetensors").write_bytes(b"")
                if (folder / "ema.safetensors").exists()
                else os.truncate(folder / "model.safetensors", 0)
            ),
            ["0 bytes"],
        ),
        (lambda folder: flip(folder / "manifest.json", 30), ["manifest.json"]),
        (lambda folder: (folder / "manifest.json").write_text("{"), ["manifest.json", "not a manifest"]),
        (lambda folder: flip(folder / "state.json"), ["state.json", "sha256"]),
    ],
    ids=["a bit", "cut", "gone", "empty", "a bit of the manifest", "no manifest", "a bit of the state"],
)
def test_a_damaged_checkpoint_is_named_and_not_used(trained, weights, spoil, words):
    spoil(weights)
    for tool in ("eval", "export"):
        answer = command(tool, *trained.arguments, f"weights={weights}")
        answer.refused(4, "step_60", *words)
    command("train", "-r", weights, *trained.arguments).refused(4, "step_60", *words, "-r auto")


def test_a_folder_without_a_manifest_is_not_a_checkpoint(trained, weights):
    (weights / "manifest.json").unlink()
    score(trained, f"weights={weights}").refused(2, "step_60", "no checkpoint here")


def test_auto_skips_a_damaged_checkpoint_with_a_warning(trained, weights, tmp_path):
    place = tmp_path / "output/tiny/yolov3"
    shutil.copytree(weights, place / "step_60")
    arrays, state = checkpoint.read_checkpoint(weights)
    checkpoint.write_checkpoint(place, 61, arrays, state)
    flip(place / "step_61/model.safetensors")
    answer = command("train", "-r", "auto", *trained.arguments, f"output_dir={tmp_path / 'output'}")
    assert answer.code == 0, answer.err
    assert (
        "checkpoint step_61 is damaged and is skipped" in answer.err and "step_60: this run is complete" in answer.err
    )


def changed(weights, tmp_path, change):
    """A file with other arrays."""
    arrays = {name: np.array(value) for name, value in checkpoint.read_weights(weights).items()}
    change(arrays)
    (tmp_path / "other.safetensors").write_bytes(b"".join(map(bytes, encode_arrays(arrays))))
    return tmp_path / "other.safetensors"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop("head.outputs.0.bias"), ["head.outputs.0.bias: not in the file"]),
        (lambda a: a.update(extra=np.zeros(3, "float32")), ["extra: not in the model"]),
        (
            lambda a: a.update({"head.outputs.0.bias": np.zeros(99, "float32")}),
            ["head.outputs.0.bias: 99 in the file, 30"],
        ),
        (lambda a: [a.pop(f"head.outputs.{level}.bias") for level in (0, 1)], ["184 of 186 arrays match"]),
    ],
    ids=["one missing", "one too many", "another shape", "two missing"],
)
def test_mismatched_weights_are_refused_with_a_list_of_the_differences(trained, weights, tmp_path, change, words):
    file = changed(weights, tmp_path, change)
    score(trained, f"weights={file}").refused(2, "other.safetensors", "does not match the model", *words, "pretrained=")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.clear(), ["the file has no arrays"]),
        (lambda a: [a.update({f"module.{n}": a.pop(n)}) for n in list(a)], ["module.backbone.stages"]),
    ],
)
def test_weights_without_any_match_are_refused_with_the_names_of_both(trained, weights, tmp_path, change, words):
    file = changed(weights, tmp_path, change)
    score(trained, f"weights={file}").refused(2, "none of the model's 186 arrays", "backbone.stem", *words)


def test_pretrained_loads_the_matching_arrays_and_reports_the_rest(trained, weights, tmp_path):
    file = changed(weights, tmp_path, lambda a: a.update({"head.outputs.0.bias": np.zeros(99, "float32")}))
    more = [f"pretrained={file}", f"output_dir={tmp_path}", "train.max_steps=1"]
    answer = command("train", "--dry-run", *trained.arguments, *more)
    assert answer.code == 0 and "head.outputs.0.bias reinitialized because shapes differ (99 -> 30)" in answer.err


class Payload:
    def __reduce__(self):
        return os.mkdir, ("was-run",)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_file_that_would_execute_code_is_refused(trained, tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "model.pdparams"
    file.write_bytes(pickle.dumps({"weight": Payload()}, protocol))
    for key in ("weights", "pretrained"):
        answer = command("train", "--dry-run", *trained.arguments, f"{key}={file}", f"output_dir={tmp_path / 'o'}")
        answer.refused(4, "S201", "model.pdparams", "mkdir")
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("model.pdparams", b"", 4),
        ("model.pdparams", b"<html>", 4),
        ("model.safetensors", b"\xff" * 64, 4),
        ("model.safetensors", b"", 4),
        ("model.bin", b"x", 2),
        ("model.pdiparams", b"x", 2),
    ],
)
def test_a_file_without_weights_is_refused(trained, tmp_path, name, data, code):
    (tmp_path / name).write_bytes(data)
    score(trained, f"weights={tmp_path / name}").refused(code, name)


def test_official_files_of_arrays_are_read(trained, weights, tmp_path):
    arrays = {name: np.array(value) for name, value in checkpoint.read_weights(weights).items()}
    (tmp_path / "model.pdparams").write_bytes(pdparams.encode_pdparams(arrays))
    here, there = (
        json.loads(score(trained, f"weights={path}", "--json").out) for path in (tmp_path / "model.pdparams", weights)
    )
    assert here == there


def test_a_run_resumes_only_with_its_own_settings(trained, weights, tmp_path):
    place = f"output_dir={tmp_path / 'o'}"
    for change, words in (
        ("train.batch_size=4", ["batches_per_epoch=3", "this run has 6"]),
        ("model.neck.channels=16", ["does not match the model"]),
        ("optimizer={type: Momentum, lr: 1e-3}", ["optimizer"]),
    ):
        command("train", "-r", weights, *trained.arguments, place, change).refused(2, *words)
    command("train", "-r", tmp_path / "nowhere", *trained.arguments, place).refused(2, "nowhere")
