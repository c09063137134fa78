"""Online learning: hours in order, every row exactly once even if the run is killed, late hours, published versions."""

import json
import os
import pathlib
import pkgutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from common.config import load_config
from common.errors import ConfigError, DataError
from common.inference.predictor import Predictor
from common.weights.checkpoint import read_checkpoint
from PaddleRec.data.hourly import HourlyRows
from PaddleRec.data.multislot import MultiSlotRows
from PaddleRec.metrics.click_scores import ClickScores
from PaddleRec.tools.make_rows import make_hours
from tests.made.commands import command

KIT = pathlib.Path(__file__).resolve().parents[1]
ONE_THREAD = os.environ | {"KIT_THREADS": "1", "OMP_NUM_THREADS": "1"}
CONFIG = KIT / "configs/tiny/slot_dnn_stream.yml"


def train(place, *more, wait_for=None):
    """Runs the training, and returns all it says; in a process killed once the path `wait_for` is there."""
    arguments = ["-c", str(CONFIG), *more]
    if "-r" not in more:
        arguments += ["--overwrite"]
    arguments += ["-o", f"dataset={place / 'hours'}", f"output_dir={place / 'output'}", "data.train.wait=0"]
    if not wait_for:
        answer = command("train", *arguments)
        assert answer.code == 0, answer.err
        return answer.out + answer.err
    process = subprocess.Popen(
        [sys.executable, str(KIT / "tools/train.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=place,
        env=ONE_THREAD,
    )
    end = time.monotonic() + 120
    while not wait_for.exists():
        assert process.poll() is None and time.monotonic() < end, process.communicate()[0]
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == -signal.SIGKILL, output
    return output


def versions(place):
    lines = (place / "output/tiny/slot_dnn_stream/published/donefile").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_run_killed_in_the_middle_of_an_hour_learns_every_row_once(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for place in (whole, killed):
        make_hours(place / "hours", hours=3, rows=150)
    train(whole)
    train(killed, wait_for=killed / "output/tiny/slot_dnn_stream/step_6")  # an hour has five steps
    assert len(versions(killed)) == 1
    output = train(killed, "-r", "auto")
    assert "resumed" in output and "step_6" in output
    first, second = (read_checkpoint(place / "output/tiny/slot_dnn_stream/last") for place in (whole, killed))
    assert first[1]["step"] == second[1]["step"] == 15
    for group in ("model", "optimizer", "progress"):
        assert first[0][group].keys() == second[0][group].keys()
        for name, value in first[0][group].items():
            np.testing.assert_array_equal(value, second[0][group][name], err_msg=name)
    assert versions(whole) == versions(killed) and len(versions(whole)) == 3
    check_versions(whole)
    check_a_late_hour(whole)


def check_versions(place):
    """The metrics of an hour are those of the previous version; the versions kept are complete."""
    folder = place / "output/tiny/slot_dnn_stream/published"  # train.keep is 2
    assert sorted(path.name for path in folder.iterdir()) == ["2020040101", "2020040102", "current", "donefile"]
    slots, sizes = [101, 102, 103, 104, 105], {"num_ids": 5003}
    rows = MultiSlotRows([str(place / "hours/20200401/02/part-*")], slots, **sizes)
    batch = rows.assemble(list(rows.rows(0, 1)))
    metric = ClickScores()
    metric.update(Predictor(folder / "2020040101").run({"slots": batch["slots"]}), batch)
    # predictions were made while the hour was learned: close to those of the previous version, not equal
    assert versions(place)[2]["log_loss"] == pytest.approx(metric.compute()["log_loss"], abs=0.02)
    assert versions(place)[2]["ctr"] == pytest.approx(batch["label"].mean(), rel=1e-6)


def check_a_late_hour(place):
    """An hour that does not arrive ends the run with a message; the run resumes with it once it is there."""
    output = train(place, "-r", "auto", "-o", "train.epochs=5")
    assert "hour 20200401/03: no donefile yet" in output
    assert "hour 20200401/03 did not arrive within 0 seconds; -r auto resumes with it" in output
    assert len(versions(place)) == 3
    make_hours(place / "hours", hours=1, rows=40, start=4)
    output = train(place, "-r", "auto", "-o", "train.epochs=5", "data.train.late=skip")
    assert "hour 20200401/03 did not arrive within 0 seconds and is skipped" in output
    assert [entry["version"] for entry in versions(place)][-1] == "2020040104"
    assert read_checkpoint(place / "output/tiny/slot_dnn_stream/last")[1]["step"] == 17


def hours(place, **keys):
    def make(files):
        return MultiSlotRows(files, [101, 102], 1000)

    return HourlyRows(make, str(place), **({"start": "20200401/22"} | keys))


def test_hours_run_over_the_end_of_a_day(tmp_path):
    stream = hours(tmp_path)
    assert [stream.name_of(hour) for hour in (0, 1, 2)] == ["20200401/22", "20200401/23", "20200402/00"]


def test_only_a_complete_hour_is_read_and_only_its_files(tmp_path):
    folder = tmp_path / "20200401/22"
    folder.mkdir(parents=True)
    (folder / "part-1").write_text("1 1 5:101\n")
    (folder / "part-0").write_text("1 0 6:101 7:102 8:102\n")
    (folder / ".part-2.tmp").write_text("1 0 ")
    stream = hours(tmp_path, wait=0)
    assert not stream.await_hour(0)
    with pytest.raises(DataError, match=r"20200401/22: the hour has no donefile"):
        list(stream.iterate(0, 1, 0))
    (folder / "donefile").write_text("")
    assert stream.await_hour(0)
    batch = stream.assemble(list(stream.iterate(0, 1, 0)))
    assert batch["label"].tolist() == [0, 1]
    assert batch["slots"].tolist() == [[[6, -1], [7, 8]], [[5, -1], [0, -1]]]  # a slot without a sign has sign 0


@pytest.mark.parametrize("wrong", [{"start": "2020-04-01"}, {"late": "wait"}, {"wait": -1.0}])
def test_settings_that_make_no_sense_are_refused(tmp_path, wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} "):
        hours(tmp_path, **wrong)


def test_a_stream_that_would_drop_rows_is_refused(tmp_path):
    make_hours(tmp_path / "hours", hours=1, rows=20)
    config = load_config(CONFIG, [f"dataset={tmp_path / 'hours'}", "data.train.sampler.drop_last=true"])
    config.check()
    from common.build.data import build_dataset, build_loader
    from common.training.stream_trainer import check_stream

    dataset = build_dataset(config, "train")
    with build_loader(config, "train", dataset, config.settings("train"), True) as loader:
        with pytest.raises(ConfigError, match="drop_last: false"):
            check_stream(dataset, loader.sampler, 1)
        with pytest.raises(ConfigError, match="MultiSlotRows is not hourly; use HourlyRows"):
            check_stream(dataset.open(0), loader.sampler, 1)


class Killed(BaseException):
    """Ends the run where it stands, as a kill does."""


STEPS = {  # of the publication of an hour, in their order: what is to be called when the run is killed
    "its scores": ("common.training.callbacks.log.Log.after_evaluation", "before"),
    "the last save of its steps": ("common.training.callbacks.checkpoint.Checkpoint.at_epoch_end", "after"),
    "the export": ("common.training.callbacks.publish.export", "before"),
    "its move": ("common.export.write.move_into_place", "before"),
    "its folder": ("common.training.callbacks.publish.export", "after"),
    "its line": ("common.training.callbacks.publish.Publish.note", "after"),
    "the save after it": ("common.training.callbacks.checkpoint.Checkpoint.after_epoch", "before"),
    "the end": ("common.training.callbacks.checkpoint.Checkpoint.after_epoch", "after"),
}


def kill_at(monkeypatch, name, when, hour):
    """Makes the run end before or after the call of a function in the given hour."""
    target = pkgutil.resolve_name(name.rpartition(".")[0])
    function, calls = getattr(target, name.rpartition(".")[2]), []

    def killing(*given, **more):
        calls.append(given)
        if when == "before" and len(calls) == hour:
            raise Killed
        found = function(*given, **more)
        if len(calls) == hour:
            raise Killed
        return found

    monkeypatch.setattr(target, name.rpartition(".")[2], killing)


@pytest.fixture(scope="module")
def two_hours(tmp_path_factory):
    place = tmp_path_factory.mktemp("two")
    make_hours(place / "hours", hours=2, rows=64)
    return place / "hours"


@pytest.mark.parametrize("where", STEPS)
def test_a_run_killed_anywhere_in_a_publication_publishes_each_hour_once(two_hours, tmp_path, monkeypatch, where):
    given = ["-c", CONFIG, "-o", f"dataset={two_hours}", f"output_dir={tmp_path}", "data.train.wait=0"]
    given += ["train.save_every_steps=1", "train.epochs=2", "train.workers=0"]
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_at(patched, *STEPS[where], hour=2)
        command("train", *given)
    assert command("train", "-r", "auto", *given).code == 0
    assert command("train", "-r", "auto", *given, "train.epochs=3").code == 0  # the third hour does not come
    folder = tmp_path / "tiny/slot_dnn_stream/published"
    lines = [json.loads(line) for line in (folder / "donefile").read_text().splitlines()]
    assert [line["version"] for line in lines] == ["2020040100", "2020040101"]
    assert sorted(path.name for path in folder.iterdir()) == ["2020040100", "2020040101", "current", "donefile"]
