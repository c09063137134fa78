"""Checkpoints: reading inverts writing, damage is detected, old checkpoints are pruned."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors import safe_open

from common.errors import ConfigError, EnvironmentProblem
from common.weights import checkpoint, manifest, run_folder, safetensors
from common.weights.manifest import CheckpointError

ARRAYS = {
    "model": {"conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "bn._mean": np.zeros(0, np.float32)},
    "optimizer": {"conv.weight/velocity": np.full((2, 3, 4), 0.1, np.float64), "steps": np.array(7, np.int64)},
    "ema": {"conv.weight": np.ones((2, 3, 4), np.float32)},
}
STATE = {"epoch": 2, "lr": 0.1 + 0.2, "rng": [1, 2**63], "loss": float("nan"), "best": None}


def write(root, step, **changed):
    return checkpoint.write_checkpoint(root, step, ARRAYS, {**STATE, **changed}, "model: {type: Tiny}\n")


def names(root):
    return sorted(path.name for path in root.iterdir())


def test_reading_undoes_writing(tmp_path):
    arrays, state = checkpoint.read_checkpoint(write(tmp_path, 7))
    assert state.pop("loss") != state.get("loss")  # NaN survives
    assert state == {key: value for key, value in STATE.items() if key != "loss"}
    assert arrays.keys() == ARRAYS.keys()
    for group, named in ARRAYS.items():
        assert arrays[group].keys() == named.keys()
        for name, value in named.items():
            assert arrays[group][name].dtype == value.dtype
            np.testing.assert_array_equal(arrays[group][name], value)


def test_files_are_ordinary_safetensors_and_keep_bfloat16(tmp_path):
    bits = np.array([[0x3F80, 0x4000]], np.uint16)  # 1.0 and 2.0
    path = checkpoint.write_checkpoint(tmp_path, 1, {"model": {"half": bits, "mask": np.array([True, False])}}, {})
    with safe_open(path / "model.safetensors", "np") as file:
        assert file.get_slice("half").get_dtype() == "BF16"
        assert file.get_tensor("mask").tolist() == [True, False]
    arrays, _ = checkpoint.read_checkpoint(path)
    np.testing.assert_array_equal(arrays["model"]["half"], bits)


def test_arrays_in_any_memory_order_are_written_in_c_order():
    twisted = {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T, "b": np.arange(3, dtype=">f4")}
    data = b"".join(safetensors.encode_arrays(twisted))
    back = safetensors.decode_arrays(data)
    assert back["a"].tolist() == [[0, 3], [1, 4], [2, 5]] and back["b"].tolist() == [0, 1, 2]


def test_an_unsupported_dtype_is_refused_by_name():
    with pytest.raises(TypeError, match="'names' has dtype <U1"):
        safetensors.encode_arrays({"names": np.array(["a"])})


def test_digest_sees_names_shapes_and_bits():
    base = safetensors.digest({"a": np.zeros((2, 3))})
    assert base == safetensors.digest({"a": np.zeros((2, 3))})
    for other in ({"b": np.zeros((2, 3))}, {"a": np.zeros((3, 2))}, {"a": np.full((2, 3), -0.0)}):
        assert safetensors.digest(other) != base


def test_config_is_saved_and_manifest_lists_every_file(tmp_path):
    path = write(tmp_path, 7)
    assert (path / "config.yml").read_text() == "model: {type: Tiny}\n"
    assert set(manifest.read_manifest(path)["files"]) == set(os.listdir(path)) - {"manifest.json"}


def test_last_and_best_are_relative_links_so_that_the_folder_can_be_moved(tmp_path):
    write(tmp_path / "run", 5)
    write(tmp_path / "run", 10)
    checkpoint.mark_best(tmp_path / "run", 5)
    os.rename(tmp_path / "run", tmp_path / "moved")
    assert os.readlink(tmp_path / "moved/last") == "step_10"
    assert checkpoint.read_checkpoint(tmp_path / "moved/best")[1]["epoch"] == 2


def test_best_must_exist(tmp_path):
    write(tmp_path, 5)
    with pytest.raises(CheckpointError, match="step_6: cannot be marked as best"):
        checkpoint.mark_best(tmp_path, 6)


def test_without_symlinks_a_file_names_the_checkpoint(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refuse)
    write(tmp_path, 5)
    assert (tmp_path / "last").read_text() == "step_5"
    assert checkpoint.resolve_resume(str(tmp_path / "last"), tmp_path).name == "step_5"
    write(tmp_path, 6)
    assert run_folder.link_target(tmp_path, "last") == "step_6"


def test_the_same_step_can_be_written_again(tmp_path):
    write(tmp_path, 5, epoch=0)
    write(tmp_path, 5, epoch=1)
    assert checkpoint.read_checkpoint(tmp_path / "step_5")[1]["epoch"] == 1
    assert names(tmp_path) == ["last", "step_5"]


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (-1, ["step_1", "step_2", "step_3", "step_4", "step_5"]),
        (0, ["step_2", "step_5"]),
        (1, ["step_2", "step_5"]),
        (3, ["step_2", "step_3", "step_4", "step_5"]),
        (9, ["step_1", "step_2", "step_3", "step_4", "step_5"]),
    ],
)
def test_the_newest_the_last_and_the_best_are_kept(tmp_path, keep, left):
    for step in range(1, 6):
        write(tmp_path, step)
    checkpoint.mark_best(tmp_path, 2)
    checkpoint.prune(tmp_path, keep)
    assert names(tmp_path) == ["best", "last", *left]


def test_protected_steps_are_kept_and_no_checkpoint_is_lost_without_links(tmp_path):
    for step in range(1, 5):
        write(tmp_path, step)
    (tmp_path / "last").unlink()
    checkpoint.prune(tmp_path, 0, protect={3, 99})
    assert names(tmp_path) == ["step_3", "step_4"]


def test_a_nonsense_number_to_keep_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"train.keep is -2"):
        checkpoint.prune(tmp_path, -2)


def test_a_checkpoint_that_cannot_be_deleted_is_logged_only(tmp_path, monkeypatch, caplog):
    write(tmp_path, 1)
    write(tmp_path, 2)
    monkeypatch.setattr(checkpoint.shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(OSError(13, "denied")))
    with caplog.at_level("WARNING", logger="kit"):
        checkpoint.prune(tmp_path, 1)
    assert "could not delete the old checkpoint" in caplog.text


def test_auto_resumes_the_checkpoint_written_last_even_at_a_lower_step(tmp_path):
    for step in (100, 200):
        write(tmp_path, step)
    assert checkpoint.resolve_resume("auto", tmp_path).name == "step_200"
    write(tmp_path, 110)  # the run went back to 100 and on from there
    assert checkpoint.resolve_resume("auto", tmp_path).name == "step_110"
    assert checkpoint.resolve_resume("auto", tmp_path / "nothing") is None


def test_resume_takes_a_step_a_link_or_the_folder_of_a_run(tmp_path):
    write(tmp_path, 1)
    write(tmp_path, 2)
    checkpoint.mark_best(tmp_path, 1)
    for value, step in (("step_1", "step_1"), ("best", "step_1"), ("last", "step_2"), (".", "step_2")):
        assert checkpoint.resolve_resume(str(tmp_path / value), "elsewhere").name == step


def test_resuming_a_missing_checkpoint_lists_the_existing_ones(tmp_path):
    write(tmp_path, 1)
    with pytest.raises(ConfigError, match=r"step_3: there is no such checkpoint; .* contains step_1"):
        checkpoint.resolve_resume(str(tmp_path / "step_3"), tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="contains no usable checkpoint"):
        checkpoint.resolve_resume(str(tmp_path / "empty"), tmp_path)


def test_weights_prefer_the_ema_and_are_read_from_folders_links_and_files(tmp_path):
    path = checkpoint.write_checkpoint(tmp_path, 3, ARRAYS, {}, pdparams=True)
    for value in (path, tmp_path / "last", tmp_path):
        weights = checkpoint.read_weights(value)
        assert weights.keys() == ARRAYS["model"].keys()
        np.testing.assert_array_equal(weights["conv.weight"], 1)  # the EMA's
    for file in ("model.safetensors", "model.pdparams"):
        np.testing.assert_array_equal(
            checkpoint.read_weights(path / file)["conv.weight"], ARRAYS["model"]["conv.weight"]
        )


def test_weights_that_are_an_export_or_something_else_are_refused_with_the_reason(tmp_path):
    (tmp_path / "model.pdiparams").write_bytes(b"x")
    with pytest.raises(ConfigError, match="an exported model"):
        checkpoint.read_weights(tmp_path)
    with pytest.raises(ConfigError, match="the parameter names are in the program"):
        checkpoint.read_weights(tmp_path / "model.pdiparams")
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(ConfigError, match="weights are read from"):
        checkpoint.read_weights(tmp_path / "photo.jpg")
    (tmp_path / "none").mkdir()
    with pytest.raises(ConfigError, match="no checkpoint here"):
        checkpoint.read_weights(tmp_path / "none")
    (tmp_path / "x.safetensors").write_bytes(b"\x10" + b"\0" * 20)
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        checkpoint.read_weights(tmp_path / "x.safetensors")


def test_a_flipped_bit_in_a_weight_file_of_a_checkpoint_is_found(tmp_path):
    file = write(tmp_path, 3) / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"model\.safetensors: its sha256"):
        checkpoint.read_weights(file)


def test_a_newer_schema_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "SCHEMA", 9)
    path = write(tmp_path, 1)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=r"newer version \(schema 9, this one reads up to 1\)"):
        checkpoint.read_checkpoint(path)


def test_a_manifest_cannot_name_files_outside_its_folder(tmp_path):
    path = write(tmp_path, 1)
    entry = {"size": 1, "sha256": "0"}
    (path / "manifest.json").unlink()
    manifest.write_manifest(path, {"../../secret": entry, "state.json": entry})
    with pytest.raises(CheckpointError, match="outside its folder"):
        checkpoint.read_checkpoint(path)


def test_any_folder_can_have_a_manifest(tmp_path):
    (tmp_path / "model.json").write_text("{}")
    manifest.write_manifest(tmp_path)
    manifest.verify_manifest(tmp_path)
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(EnvironmentProblem, match=r"model.json: its sha256"):
        manifest.verify_manifest(tmp_path)


def test_leftovers_of_dead_processes_are_removed_and_those_of_running_ones_kept(tmp_path):
    write(tmp_path, 1)
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    gone = int(dead.stdout)
    for leftover in (f"step_2.tmp-{gone}", f"step_1.old-{gone}", f"step_0.trash-{gone}", f"step_3.tmp-{os.getppid()}"):
        (tmp_path / leftover).mkdir()
    os.rename(write(tmp_path, 4), tmp_path / f"step_4.old-{gone}")  # killed between the two renames
    assert checkpoint.newest_valid(tmp_path).name == "step_4"
    assert names(tmp_path) == ["last", "step_1", f"step_3.tmp-{os.getppid()}", "step_4"]


def test_state_takes_numpy_values_and_refuses_objects(tmp_path):
    path = checkpoint.write_checkpoint(tmp_path, 1, {}, {"score": np.float32(0.5), "ids": np.arange(2)})
    assert json.loads((path / "state.json").read_text()) == {"score": 0.5, "ids": [0, 1]}
    with pytest.raises(TypeError, match=r"object cannot be saved in state\.json"):
        checkpoint.write_checkpoint(tmp_path, 2, {}, {"bad": object()})
    assert "step_2" not in names(tmp_path)


def test_checkpoints_of_the_first_schema_still_load():
    arrays, state = checkpoint.read_checkpoint(os.path.join(os.path.dirname(__file__), "checkpoint_v1", "step_3"))
    assert state["step"] == 3 and arrays["model"]["weight"].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_checkpoints_need_no_paddle():
    code = (
        "import sys; from common.weights import checkpoint, pdparams, pretrained; from common.system import signals; "
        "sys.exit('paddle' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=os.getcwd(), timeout=60).returncode == 0


def test_weights_are_read_from_an_installed_package(tmp_path, monkeypatch):
    from safetensors.numpy import save_file

    (tmp_path / "kit_of_weights").mkdir()
    (tmp_path / "kit_of_weights/__init__.py").touch()
    save_file({"a": np.arange(3, dtype="float32")}, tmp_path / "kit_of_weights/model.safetensors")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = checkpoint.read_weights("package:kit_of_weights/model.safetensors")
    assert found["a"].tolist() == [0, 1, 2]
    with pytest.raises(ConfigError, match=r"has no file modle\.safetensors"):
        checkpoint.read_weights("package:kit_of_weights/modle.safetensors")
