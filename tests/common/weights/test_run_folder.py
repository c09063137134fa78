"""What killed processes leave in a folder is removed by the next one, and what others work on is not."""

import os
import subprocess

import pytest

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
