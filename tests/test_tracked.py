"""Tests of `tests/made/tracked.py`: what a user puts beside the repository's files is not tested."""

import subprocess
import sys

import pytest

from tests.made.tracked import ROOT, tracked


def copy_with_a_users_files(place):
    """A clone of the repository with a configuration, a fork, logs and results of a user's own."""
    subprocess.run(["git", "clone", "-q", "--local", str(ROOT), str(place)], check=True, timeout=60)
    mine = {
        "PaddleCV/configs/mine.yml": "not: a configuration\n",
        "configs/mine.yml": "a picture of every colour\n",
        "MyDet/models/mine.py": "import pickle\n",
        "notes.md": "[nowhere](nowhere.md) `python nothing.py`\n",
        "log/workerlog.0": "a log\n",
        "output/mine/train.log": "a log\n",
    }
    for name, text in mine.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return sorted(mine)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this copy has no history")
def test_files_of_a_user_are_not_among_the_tracked_ones(tmp_path):
    mine = copy_with_a_users_files(tmp_path / "copy")
    found = {str(path.relative_to(tmp_path / "copy")) for path in tracked(root=tmp_path / "copy")}
    assert len(found) > 500 and not found & set(mine)


def test_a_copy_without_git_has_the_same_files_but_results(tmp_path):
    for name in ("common/log.py", "output/mine/train.log", "log/workerlog.0"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert tracked(root=tmp_path) == (tmp_path / "common/log.py",)


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this copy has no history")
@pytest.mark.timeout(600)
def test_the_checks_of_files_pass_beside_files_of_a_user(tmp_path):
    copy_with_a_users_files(tmp_path / "copy")
    names = ("conventions", "configs", "documents", "zoo")
    files = [f"tests/test_{name}.py" for name in names]
    quick = "not dry_run and not parameters and not losses and not twin"
    command = [sys.executable, "-m", "pytest", *files, "-k", quick]
    done = subprocess.run(command, cwd=tmp_path / "copy", capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stdout[-3000:]
