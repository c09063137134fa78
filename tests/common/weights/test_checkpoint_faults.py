"""A failure while writing leaves the previous checkpoint intact; damaged checkpoints are skipped."""

import builtins
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights import checkpoint
from common.weights.manifest import CheckpointError, verify_manifest

REPOSITORY = Path(__file__).resolve().parents[3]
ARRAYS = {"model": {"w": np.arange(8, dtype=np.float32)}, "optimizer": {"v": np.ones(8, np.float32)}}
FILES = ["model.safetensors", "optimizer.safetensors", "state.json", "config.yml", "manifest.json"]


def write(root, step, epoch=0):
    return checkpoint.write_checkpoint(root, step, ARRAYS, {"epoch": epoch}, "a: 1\n")


class Faults:
    """Counts the calls that reach the disk, and lets the n-th fail."""

    def __init__(self, monkeypatch, fail_at, error=28):
        self.calls, self.fail_at, self.error = 0, fail_at, error
        for name in ("rename", "replace", "fsync", "symlink", "mkdir"):
            monkeypatch.setattr(os, name, self.guard(getattr(os, name)))
        real_open = builtins.open

        def open_file(path, mode="r", *args, **kwargs):
            if "x" in mode or "w" in mode:
                self.tick()
                return Writer(real_open(path, mode, *args, **kwargs), self)
            return real_open(path, mode, *args, **kwargs)

        monkeypatch.setattr(builtins, "open", open_file)

    def guard(self, real):
        def call(*args, **kwargs):
            self.tick()
            return real(*args, **kwargs)

        return call

    def tick(self):
        self.calls += 1
        if self.calls == self.fail_at:
            raise OSError(self.error, os.strerror(self.error))


class Writer:
    """A file whose writes are counted too; a failing one has written half."""

    def __init__(self, file, faults):
        self.file, self.faults = file, faults

    def write(self, data):
        try:
            self.faults.tick()
        except OSError:
            self.file.write(bytes(data)[: len(data) // 2])
            raise
        return self.file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


def count_calls(monkeypatch, root, step):
    with monkeypatch.context() as patch:
        faults = Faults(patch, fail_at=0)
        write(root, step, epoch=1)
    return faults.calls


@pytest.mark.parametrize("same_step", [False, True])
def test_every_call_that_can_fail_leaves_a_valid_checkpoint(tmp_path, monkeypatch, same_step):
    step = 1 if same_step else 2
    write(tmp_path / "count", 1)
    total = count_calls(monkeypatch, tmp_path / "count", step)
    assert total > 20
    for n in range(2, total + 1):  # the first is the mkdir of a folder that exists
        root = tmp_path / f"run{n}"
        write(root, 1, epoch=0)
        with monkeypatch.context() as patch:
            Faults(patch, fail_at=n)
            with pytest.raises(EnvironmentProblem) as caught:
                write(root, step, epoch=1)
        assert f"step_{step}" in str(caught.value) and "No space left" in str(caught.value)
        assert "bytes needed" in str(caught.value) and "bytes free" in str(caught.value)
        for path in root.glob("step_*"):
            assert path.name in ("step_1", "step_2"), f"call {n} left {path.name}"
            verify_manifest(path)
        newest = checkpoint.newest_valid(root)
        assert checkpoint.read_checkpoint(newest)[1]["epoch"] in (0, 1)
        assert checkpoint.read_checkpoint(root / "last")[0]["model"]["w"].shape == (8,)
        write(root, 3)  # and the next save works
        assert checkpoint.newest_valid(root).name == "step_3"


def test_too_little_space_is_noticed_before_anything_is_written(tmp_path, monkeypatch):
    write(tmp_path, 1)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(EnvironmentProblem, match="1,000 bytes free") as caught:
        write(tmp_path, 2)
    assert caught.value.exit_code == 4 and len(str(caught.value).splitlines()) <= 12
    assert sorted(os.listdir(tmp_path)) == ["last", "step_1"]


def test_a_full_disk_keeps_the_earlier_checkpoint(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting needs privileges; the injected faults cover this")
    try:
        write(disk, 1)
        with open(disk / "filler", "wb", buffering=0) as filler:
            filler.write(b"x" * 850_000)
        big = {"model": {"w": np.random.default_rng(0).random(60_000, np.float32)}}  # 240 kB
        with pytest.raises(EnvironmentProblem, match="No space left"):
            checkpoint.write_checkpoint(disk, 2, big, {})
        with pytest.MonkeyPatch.context() as patch:  # and when the space is gone only while writing
            usage = shutil.disk_usage(disk)
            patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**9))
            with pytest.raises(EnvironmentProblem, match="No space left"):
                checkpoint.write_checkpoint(disk, 2, big, {})
        assert sorted(os.listdir(disk)) == ["filler", "last", "step_1"]
        assert checkpoint.newest_valid(disk).name == "step_1"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("file", FILES)
def test_one_flipped_bit_anywhere_is_found(tmp_path, file):
    path = write(tmp_path, 1) / file
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    places = range(len(good)) if len(good) < 64 else rng.choice(len(good), 64, replace=False)
    for place in places:
        bad = bytearray(good)
        bad[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        with pytest.raises(CheckpointError, match=file):
            checkpoint.read_checkpoint(tmp_path / "step_1")
            verify_manifest(tmp_path / "step_1")  # config.yml is not needed to read the arrays
    path.write_bytes(good)
    verify_manifest(tmp_path / "step_1")


@pytest.mark.parametrize("file", FILES)
def test_with_truncated_empty_or_missing_files_the_previous_checkpoint_is_used(tmp_path, file, caplog):
    write(tmp_path, 1)
    path = write(tmp_path, 2) / file
    good = path.read_bytes()
    cuts = {0, 1, len(good) // 2, len(good) - 1} | set(range(0, len(good), max(1, len(good) // 16)))
    for cut in sorted(cuts):
        path.write_bytes(good[:cut])
        caplog.clear()
        assert checkpoint.newest_valid(tmp_path).name == "step_1"
        assert "step_2 is damaged" in caplog.text and file in caplog.text
    path.unlink()
    assert checkpoint.newest_valid(tmp_path).name == "step_1"
    with pytest.raises(CheckpointError, match="-r auto resumes"):
        checkpoint.resolve_resume(str(tmp_path / "last"), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "[" * 5000,
        '{"schema": "1"}',
        '{"schema": 1, "files": 3}',
        "\x00\xff",
        '{"schema": 1e999}',
    ],
)
def test_a_garbage_manifest_is_named(tmp_path, text):
    (write(tmp_path, 1) / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        checkpoint.read_checkpoint(tmp_path / "step_1")
    assert checkpoint.newest_valid(tmp_path) is None


def test_a_file_instead_of_a_folder_is_not_a_checkpoint(tmp_path):
    write(tmp_path, 1)
    (tmp_path / "step_9").write_text("not a folder")
    assert checkpoint.newest_valid(tmp_path).name == "step_1"


SAVER = """
import sys, numpy as np
from common.weights import checkpoint
root, start = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
for step in range(start, start + 100000):
    arrays = {"model": {"w": np.full(20000, step % 7, np.float32)}, "ema": {"w": np.full(20000, step % 5, np.float32)}}
    checkpoint.write_checkpoint(root, step // 2, arrays, {"step": step})  # every step number is written twice
    checkpoint.prune(root, 2)
"""


def test_kill_9_during_saves_never_leaves_an_invalid_checkpoint(tmp_path):
    rng, torn = np.random.default_rng(1), 0
    for _ in range(15):
        start = 0
        newest = checkpoint.newest_valid(tmp_path)
        if newest is not None:
            arrays, state = checkpoint.read_checkpoint(newest)
            assert (arrays["model"]["w"] == state["step"] % 7).all() and (arrays["ema"]["w"] == state["step"] % 5).all()
            start = state["step"] + 1
        child = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(tmp_path), str(start)], cwd=REPOSITORY, stdout=subprocess.PIPE
        )
        child.stdout.readline()
        time.sleep(rng.uniform(0.05, 0.15))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        torn += any(".tmp-" in path.name or ".old-" in path.name for path in tmp_path.iterdir())
        for path in tmp_path.iterdir():
            if path.name.startswith("step_") and "." not in path.name:
                verify_manifest(path)
        assert start == 0 or checkpoint.newest_valid(tmp_path) is not None
    assert torn >= 3, "the kills missed the saves"
    assert checkpoint.read_checkpoint(tmp_path / "last")[1]["step"] > 15
