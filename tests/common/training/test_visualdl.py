import importlib.util
import sys

import pytest

from common.errors import EnvironmentProblem
from common.training.callbacks.log import Log
from common.training.callbacks.tensorboard import TensorBoard
from common.training.callbacks.tracker import Tracker
from common.training.callbacks.visualdl import VisualDL
from tests.common.training.fake_trainer import FakeTrainer

needs_visualdl = pytest.mark.skipif(not importlib.util.find_spec("visualdl"), reason="needs visualdl")
needs_tensorboard = pytest.mark.skipif(not importlib.util.find_spec("tensorboardX"), reason="needs tensorboardX")


class Memory(Tracker):
    """Keeps the points of every curve."""

    def open(self):
        self.points = {}

    def add(self, tag, value, step):
        self.points.setdefault(tag, []).append((step, value))

    def close(self):
        self.closed = True


def resumed_after(folder, make, at):
    """A run that is killed some steps after a checkpoint at step `at`, and its resumption, both watched."""
    saved = {}
    FakeTrainer(folder, callbacks=[Log(20), make()]).run(until=at + 20, saved=saved)
    trainer = FakeTrainer(folder, callbacks=[Log(20), make()])
    trainer.load(saved[at])
    trainer.run()
    return trainer.callbacks[1]


def test_the_curves_are_the_numbers_of_the_metrics_file(tmp_path):
    trainer = FakeTrainer(tmp_path, callbacks=[Log(20), Memory(tmp_path)])
    trainer.run()
    points = trainer.callbacks[1].points
    assert [step for step, _ in points["train/loss"]] == [1, 20, 40, 60, 75]
    assert points["train/lr"][1] == (20, 0.1 / 20)
    assert points["eval/map"] == [(25, 0.96), (50, 0.98), (75, 1 - 1 / 75)]
    assert "eval/map_small" not in points
    assert len(points["speed/batch_cost"]) == 5
    assert trainer.callbacks[1].closed


def test_a_resumed_run_has_no_step_twice_and_none_missing(tmp_path):
    points = resumed_after(tmp_path, lambda: Memory(tmp_path), at=30).points
    assert [step for step, _ in points["train/loss"]] == [1, 20, 40, 60, 75]
    assert [step for step, _ in points["eval/map"]] == [25, 50, 75]


@needs_visualdl
def test_visualdl_reads_back_what_was_written(tmp_path):
    from visualdl import LogReader

    resumed_after(tmp_path, lambda: VisualDL(tmp_path / "vdl"), at=30)
    (file,) = (tmp_path / "vdl").iterdir()
    reader = LogReader(file_path=str(file))
    assert {"train/loss", "train/lr", "eval/map", "speed/ips"} <= set(reader.get_tags()["scalar"])
    assert [record.id for record in reader.get_data("scalar", "train/loss")] == [1, 20, 40, 60, 75]


@needs_tensorboard
def test_tensorboard_events_hold_each_step_once(tmp_path):
    from tensorboardX.proto.event_pb2 import Event

    resumed_after(tmp_path, lambda: TensorBoard(tmp_path / "tb"), at=30)
    (file,) = (tmp_path / "tb").iterdir()
    data, steps = file.read_bytes(), []
    while data:
        size = int.from_bytes(data[:8], "little")
        event = Event.FromString(data[12 : 12 + size])
        steps += [event.step for value in event.summary.value if value.tag == "train/loss"]
        data = data[12 + size + 4 :]
    assert steps == [1, 20, 40, 60, 75]


@pytest.mark.parametrize(("make", "package"), [(VisualDL, "visualdl"), (TensorBoard, "tensorboardX")])
def test_a_missing_package_is_named_with_its_pip_line(tmp_path, monkeypatch, make, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EnvironmentProblem, match=f"pip install {package}"):
        make(tmp_path)
