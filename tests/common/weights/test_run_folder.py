"""What killed processes leave in a folder is removed by the next one, and what others work on is not."""

import os
import subprocess

import numpy as np
import pytest
from safetensors.numpy import save_file

from common.errors import ConfigError, EnvironmentProblem
from common.weights.checkpoint import read_weights
from common.weights.run_folder import remove_leftovers


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_drafts_of_killed_exports_are_removed_and_others_are_kept(tmp_path, dead):
    kept = [
        f".export.tmp-{os.getppid()}",
        "export",
        *(f"{name}.tmp-{dead}" for name in (".exports", ".other", "step_1")),
    ]
    gone = [f".export.tmp-{dead}", f".export.raw-{dead}", f".export.tmp-{os.getpid()}", f"export.old-{dead}"]
    for name in (*kept, *gone):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_text("{}")
    remove_leftovers(tmp_path, "export")
    assert names(tmp_path) == sorted(kept)


def test_an_export_that_was_being_replaced_is_restored(tmp_path, dead):
    (tmp_path / f"export.old-{dead}").mkdir()
    remove_leftovers(tmp_path, "export")
    assert names(tmp_path) == ["export"]


def test_a_file_of_a_package_is_a_file_of_weights(tmp_path, monkeypatch):
    (tmp_path / "someweights").mkdir()
    (tmp_path / "someweights/__init__.py").write_text("")
    save_file({"a": np.ones(2, np.float32)}, str(tmp_path / "someweights/model.safetensors"))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert read_weights("package:someweights/model.safetensors")["a"].tolist() == [1, 1]
    with pytest.raises(ConfigError, match="has no file nothing"):
        read_weights("package:someweights/nothing.safetensors")
    with pytest.raises(EnvironmentProblem, match="the package noweights is not installed"):
        read_weights("package:noweights/model.safetensors")
