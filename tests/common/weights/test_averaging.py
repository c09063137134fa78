"""The mean of the weights of the last checkpoints, as a checkpoint."""

import numpy as np
import pytest

from common.commands.average import parser, run_average
from common.errors import ConfigError
from common.weights.averaging import average_checkpoints, last_checkpoints
from common.weights.checkpoint import CheckpointError, read_checkpoint, read_weights, write_checkpoint


def write(root, step, value, names=("w",), count=3):
    arrays = {name: np.full(count, value, np.float32) for name in names} | {"steps": np.array([step])}
    groups = {"model": arrays, "ema": {"w": np.zeros(count, np.float32)}, "optimizer": {"m": np.ones(2)}}
    write_checkpoint(
        root, step, groups, {"step": step}, "a: 1\n", files={"words.txt": b"a\n", "thresholds.json": b"{}"}
    )


def test_the_last_checkpoints_are_averaged_with_the_files_of_the_last(tmp_path, capsys):
    for step, value in ((900, 9.0), (1000, 1.0), (1100, 4.0), (99, 100.0)):
        write(tmp_path, step, value)
    args = parser().parse_args([str(tmp_path), "--last", "3"])
    assert run_average(args) == 0
    assert "the mean of step_900, step_1000, step_1100, 4 elements" in capsys.readouterr().out
    found = read_weights(tmp_path / "average")
    assert found["w"].tolist() == pytest.approx([14 / 3] * 3) and found["w"].dtype == np.float32
    assert found["steps"].tolist() == [1100]
    assert sorted(path.name for path in (tmp_path / "average").iterdir()) == [
        "config.yml", "manifest.json", "model.safetensors", "state.json", "words.txt",
    ]  # fmt: skip
    assert read_checkpoint(tmp_path / "average")[1] == {"step": 1100}
    with pytest.raises(ConfigError, match="the folder exists"):
        run_average(args)


def test_what_has_no_mean_is_refused(tmp_path):
    write(tmp_path, 1, 1.0)
    with pytest.raises(ConfigError, match=r"1 checkpoints \(step_N\), and 2 are to be averaged\n  fix: .*keep=2"):
        last_checkpoints(tmp_path, 2)
    with pytest.raises(ConfigError, match="none: there is no such folder"):
        last_checkpoints(tmp_path / "none", 2)
    with pytest.raises(ConfigError, match="a mean takes 2 or more"):
        last_checkpoints(tmp_path, 1)
    write(tmp_path, 2, 1.0, ("w", "v"))
    with pytest.raises(ConfigError, match=r"step_2: not the model of .*step_1: v is not there"):
        average_checkpoints(last_checkpoints(tmp_path, 2), tmp_path / "a")
    write(tmp_path, 3, 1.0, ("w", "v"), count=4)
    with pytest.raises(ConfigError, match="step_3: not the model"):
        average_checkpoints(last_checkpoints(tmp_path, 2), tmp_path / "a")
    file = tmp_path / "step_3/model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match="step_3"):
        average_checkpoints([tmp_path / "step_3"] * 2, tmp_path / "a")
    assert not (tmp_path / "a").exists() and not list(tmp_path.glob("*.tmp-*"))
