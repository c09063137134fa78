"""A run that is stopped between its steps, ends early, or goes on under other settings: the same bits, or a refusal."""

import json
import os
import signal
import subprocess
import sys

import pytest

from common.data import workers
from common.training.callbacks import evaluate
from common.weights.checkpoint import read_checkpoint
from tests.made.commands import command
from tests.reliability.training_runs import KIT, REPOSITORY, Run

CONFIGS = KIT / "configs"
NEARLY_STILL = ("optimizer.lr.base=1e-7", "train.ema=null")  # the second epoch scores best


def train(place, *overrides, config="tiny", options=()):
    """One call of the command, which goes on with what is at `place`."""
    given = ["-o", f"output_dir={place}", "train.workers=0", *overrides]
    return command("train", "-c", CONFIGS / f"{config}.yml", "--eval", *(options or ("-r", "auto")), *given)


def fingerprint(place, config="tiny"):
    return Run(CONFIGS / f"{config}.yml", place / config).fingerprint()


def signal_once(monkeypatch, owner, name, count):
    """Has call number `count` of a function raise SIGTERM before it does its work."""
    original, calls = getattr(owner, name), []

    def called(*given, **more):
        calls.append(1)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*given, **more)

    monkeypatch.setattr(owner, name, called)


@pytest.mark.parametrize("config", ["tiny", "stream"])
def test_a_signal_while_a_batch_is_awaited_inside_a_group_of_batches_costs_no_gradient(monkeypatch, tmp_path, config):
    settings = ["train.accumulate=4", "train.epochs=2"]
    assert train(tmp_path / "whole", *settings, config=config).code == 0
    monkeypatch.setattr(workers, "GRACE", -1.0)  # the run does not wait for the batch it is in
    from common.data.pipeline import Pipeline

    read = "_sample" if config == "tiny" else "streamed"
    with monkeypatch.context() as patch:
        signal_once(patch, Pipeline, read, 4 * 4 * 3 + 4 * 2 + 1)  # the third batch of the fourth group
        answer = train(tmp_path / "parts", *settings, config=config)
    assert answer.code == 143, answer.err
    state = read_checkpoint(tmp_path / "parts" / config / "last")[1]
    assert state["position"] % 4 == 0
    assert train(tmp_path / "parts", *settings, config=config).code == 0
    assert fingerprint(tmp_path / "parts", config) == fingerprint(tmp_path / "whole", config)


@pytest.mark.parametrize("times", [1, 2])
def test_a_run_stopped_during_an_evaluation_marks_the_same_best(monkeypatch, tmp_path, times):
    settings = ["train.epochs=3", "train.eval_every=1", *NEARLY_STILL]
    assert train(tmp_path / "whole", *settings).code == 0
    for time in range(times):
        with monkeypatch.context() as patch:
            signal_once(patch, evaluate, "evaluate", 1 if time else 2)
            answer = train(tmp_path / "parts", *settings)
        assert answer.code == 143, answer.err
    assert train(tmp_path / "parts", *settings).code == 0
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")
    assert os.readlink(tmp_path / "parts/tiny/best") == os.readlink(tmp_path / "whole/tiny/best") == "step_66"


def test_a_run_stopped_during_its_last_evaluation_is_not_done(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        signal_once(patch, evaluate, "evaluate", 1)
        assert train(tmp_path, "train.max_steps=5").code == 143
    assert train(tmp_path, "train.max_steps=5").code == 0
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "tiny/metrics.jsonl").read_text().splitlines()]
    assert kinds.count("eval") == 1


def test_a_run_that_ended_early_does_not_train_on_when_it_is_gone_on_with(tmp_path):
    settings = ["train.early_stop=1", "train.eval_every=1", "train.epochs=9", *NEARLY_STILL]
    answer = train(tmp_path, *settings)
    assert answer.code == 0 and "no improvement" in answer.err
    before = fingerprint(tmp_path)
    answer = train(tmp_path, *settings)
    assert answer.code == 0 and "no improvement" in answer.err
    assert fingerprint(tmp_path) == before
    assert train(tmp_path, *settings, "train.early_stop=9", "train.max_steps=110").code == 0
    assert read_checkpoint(tmp_path / "tiny/last")[1]["step"] == 110  # with more patience it goes on


@pytest.mark.parametrize(
    ("config", "change", "words"),
    [
        ("tiny", "seed=6", "written with seed=5, this run has 6"),
        ("tiny", "train.accumulate=2", "written with accumulate=1, this run has 2"),
        ("stream", "train.workers=2", "written with workers=1, this run has 2"),
    ],
)
def test_a_run_does_not_go_on_in_another_order_of_the_data(tmp_path, config, change, words):
    assert train(tmp_path, "train.max_steps=3", config=config).code == 0
    train(tmp_path, "train.max_steps=5", change, config=config).refused(2, words)


@pytest.mark.timeout(150)
def test_two_processes_try_everything_once_by_a_dry_run(tmp_path):
    launcher = ["-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--log_dir", str(tmp_path / "log")]
    process = Run.prepare(tmp_path).start("train.workers=0", "--dry-run", launcher=launcher)
    assert process.wait(120) == 0
    assert "dry run passed" in (tmp_path / "log/workerlog.0").read_text()
    assert not (tmp_path / "output").exists()


def test_a_second_training_in_the_folder_of_one_that_runs_is_refused(tmp_path):
    code = "import sys; from pathlib import Path; from common.weights.run_folder import lock_run_folder\n"
    code += "with lock_run_folder(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    command_line = [sys.executable, "-c", code, str(tmp_path / "tiny")]
    other = subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY)
    assert other.stdout.readline() == b"held\n"
    train(tmp_path, "train.max_steps=1").refused(4, str(tmp_path / "tiny"), "another training")
    other.kill()
    other.wait()
    assert train(tmp_path, "train.max_steps=1").code == 0
