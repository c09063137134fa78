import json
import logging
from types import SimpleNamespace

import pytest

from common.errors import EnvironmentProblem
from common.log import logger
from common.training.callbacks.lines import Follower, JsonLines
from common.training.callbacks.log import Log, NextSteps, Window, clock, epoch_of, epochs_text, log_fields
from tests.common.training.fake_trainer import FakeTrainer


@pytest.fixture
def messages():
    """Everything that is logged."""
    found = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(before)


def records(folder, name="metrics.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_the_first_every_twentieth_and_the_last_step_are_logged(tmp_path):
    FakeTrainer(tmp_path, callbacks=[Log(20)]).run()
    assert [r["step"] for r in records(tmp_path) if r["kind"] == "train"] == [1, 20, 40, 60, 75]
    assert [r["step"] for r in records(tmp_path) if r["kind"] == "eval"] == [25, 50, 75]
    assert [r["epoch"] for r in records(tmp_path) if r["kind"] == "eval"] == [1, 2, 3]


def test_a_line_holds_the_means_of_the_steps_since_the_last_line(tmp_path):
    FakeTrainer(tmp_path, callbacks=[Log(2)]).run(until=4)
    last = records(tmp_path)[-1]
    assert last["loss_box"] == (3.0 / 3 + 3.0 / 4) / 2
    assert last["loss"] == last["loss_box"] + last["loss_class"]
    assert last["lr"] == 0.1 / 4


def test_metrics_hold_no_time_and_timing_holds_the_costs(tmp_path):
    FakeTrainer(tmp_path, callbacks=[Log(20)]).run()
    names = {name for record in records(tmp_path) for name in record}
    assert names == {"kind", "step", "epoch", "lr", "loss", "loss_box", "loss_class", "map", "map_small"}
    assert set(records(tmp_path, "timing.jsonl")[0]) == {"step", "batch_cost", "reader_cost", "ips", "memory"}


def test_a_score_that_is_not_a_number_is_null(tmp_path):
    FakeTrainer(tmp_path, callbacks=[Log(20)]).run()
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()
    assert records(tmp_path)[-1]["map_small"] is None


@pytest.mark.parametrize("at", [1, 7, 19, 20, 21, 25, 49, 50, 74, 75])
@pytest.mark.parametrize("further", [0, 1, 30])
def test_a_run_killed_after_a_checkpoint_and_resumed_writes_the_same_bytes(tmp_path, at, further):
    FakeTrainer(tmp_path / "whole", callbacks=[Log(20)]).run()
    saved = {}
    killed = FakeTrainer(tmp_path / "killed", callbacks=[Log(20)])
    killed.run(until=min(at + further, 75), saved=saved)
    with (tmp_path / "killed/metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "st')
    resumed = FakeTrainer(tmp_path / "killed", callbacks=[Log(20)])
    resumed.load(saved[at])
    resumed.run()
    assert (tmp_path / "killed/metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()


def test_an_evaluation_made_up_for_before_the_log_starts_keeps_the_earlier_lines(tmp_path):
    trainer = FakeTrainer(tmp_path, callbacks=[Log(20)])
    trainer.run(until=25)
    text = trainer.state()
    resumed = FakeTrainer(tmp_path, callbacks=[Log(20)])
    resumed.load(text)
    resumed.epoch, resumed.position = 1, 0
    resumed.evaluate()
    resumed.call("on_train_start")
    assert [(r["kind"], r["step"]) for r in records(tmp_path)] == [("train", 1), ("train", 20), ("eval", 25)]


def test_a_new_run_starts_with_empty_files(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"kind": "train", "step": 20}\n')
    FakeTrainer(tmp_path, callbacks=[Log(20)]).run(until=1)
    assert [r["step"] for r in records(tmp_path)] == [1]


def test_damaged_lines_are_dropped_and_the_others_kept(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n\xff\xfe broken\n[2]\n{"step": 3}\n{"step": 9}\n{"step": 4')
    assert JsonLines(path).keep_until(5) == 2
    assert path.read_text() == '{"step": 1}\n{"step": 3}\n'


def test_floats_read_back_exactly(tmp_path):
    numbers = [0.1 + 0.2, 1e-30, 1 / 3, 5e-324, 123456789.123456789]
    JsonLines(tmp_path / "x").write({"step": 1, "numbers": 0} | {str(i): n for i, n in enumerate(numbers)})
    assert [records(tmp_path, "x")[0][str(i)] for i in range(len(numbers))] == numbers


def test_the_window_goes_through_json_unchanged():
    window, again = Window(), Window()
    for value in (0.1, 0.2, 1e-17):
        window.add({"loss": value})
    again.load(json.loads(json.dumps(window.state())))
    window.add({"loss": 0.3})
    again.add({"loss": 0.3})
    assert window.means() == again.means()


def test_the_line_names_losses_speed_and_time_left(tmp_path, messages):
    FakeTrainer(tmp_path, callbacks=[Log(20)]).run()
    line = " ".join(m for m in messages if m.startswith("epoch 1/3 step 20/75 "))
    for part in (
        "epoch 1/3",
        "loss ",
        "loss_box ",
        "lr 0.005",
        "batch_cost ",
        "reader_cost 0.0010",
        "ips ",
        "eta 0:00:0",
    ):
        assert part in line
    assert all("\n" not in m and len(m) <= 130 for m in messages)
    assert any(m.startswith("eval epoch 1/3 step 25 map 0.9600 map_small nan") for m in messages)


def test_a_long_line_is_divided_by_subject_and_each_part_names_its_step(messages):
    losses, speed = ["loss 1", "loss_box 0.5"], ["ips 2 samples/s", "eta 0:00:01"]
    log_fields("epoch 1/2 step 3/4", losses, speed, width=70)
    log_fields("epoch 1/2 step 3/4", losses, speed, width=50)
    log_fields("eval", [f"AP{number} 0.5" for number in range(4)], width=20)
    assert messages == [
        "epoch 1/2 step 3/4 loss 1 loss_box 0.5 ips 2 samples/s eta 0:00:01",
        "epoch 1/2 step 3/4 loss 1 loss_box 0.5",
        "epoch 1/2 step 3/4 ips 2 samples/s eta 0:00:01",
        "eval AP0 0.5 AP1 0.5",
        "eval AP2 0.5 AP3 0.5",
    ]


def test_an_evaluation_within_an_epoch_names_the_epoch_of_the_lines_around_it():
    trainer = SimpleNamespace(epoch=0, epochs=5)
    assert epoch_of(trainer) == "epoch 1/5"
    trainer.epoch = 5  # after the last step
    assert epoch_of(trainer) == "epoch 5/5"


def test_a_slow_run_is_not_silent_for_long(tmp_path, messages):
    FakeTrainer(tmp_path, callbacks=[Log(1000, silence=0.0)]).run(until=3)
    heads = [m.split(" loss")[0] for m in messages if " loss " in m]
    assert heads == [f"epoch 1/3 step {step}/75" for step in (1, 2, 3)]
    assert len(records(tmp_path)) == 1


def test_the_best_score_is_logged_when_the_last_is_not_the_best(tmp_path, messages):
    trainer = FakeTrainer(tmp_path, callbacks=[Log(20)])
    trainer.call("on_train_start")
    trainer.step, trainer.scores = 50, {"map": 0.5}
    trainer.best = {"metric": "map", "score": 0.75, "step": 25}
    trainer.call("after_evaluation")
    assert messages[-1].endswith("map 0.5000 (best map 0.7500 at step 25)")


def test_the_next_commands_are_logged_at_the_end(tmp_path, messages, monkeypatch):
    monkeypatch.setattr("sys.argv", ["MyDet/tools/train.py", "-c", "x"])
    FakeTrainer(tmp_path, callbacks=[Log(20), NextSteps()]).run()
    said = messages[-1]
    assert "3 of 3 epochs, 75 steps" in said
    assert "python MyDet/tools/train.py -c PaddleCV/configs/detection/bccd.yml -r auto" in said
    assert f"python MyDet/tools/eval.py -c PaddleCV/configs/detection/bccd.yml -o weights={tmp_path}/best" in said
    assert "export.py" in said


def test_why_a_run_ended_early_is_logged_before_the_commands(tmp_path, messages):
    trainer, callback = FakeTrainer(tmp_path), NextSteps()
    trainer.end_reason = "train.max_steps=3 steps are done"
    callback.on_train_start(trainer)
    callback.on_train_end(trainer)
    assert messages[-2] == "stopped early: train.max_steps=3 steps are done" and "output folder" in messages[-1]


def test_a_folder_that_cannot_be_written_is_a_problem_of_the_environment(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match="cannot write"):
        FakeTrainer(tmp_path / "file", callbacks=[Log(20)]).run()


def test_the_window_of_zero_steps_is_refused():
    with pytest.raises(ValueError, match="log_every is 0"):
        Log(0)


def test_a_follower_gives_each_whole_line_once(tmp_path):
    follower = Follower(tmp_path / "x")
    assert follower.new() == []
    (tmp_path / "x").write_text('{"step": 1}\n{"st')
    assert follower.new() == [{"step": 1}]
    (tmp_path / "x").write_text('{"step": 1}\n{"step": 2}\n')
    assert follower.new() == [{"step": 2}]


def test_seconds_read_as_a_clock():
    assert [clock(s) for s in (0, 59.6, 3723, 360000)] == ["0:00:00", "0:01:00", "1:02:03", "100:00:00"]


def test_a_run_that_had_more_epochs_than_configured_says_so():
    text = epochs_text(SimpleNamespace(epoch=2, epochs=1))
    assert text == "2 epochs (train.epochs is 1: nothing is left to train)"
    assert epochs_text(SimpleNamespace(epoch=1, epochs=2)) == "1 of 2 epochs"
