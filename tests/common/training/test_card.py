import getpass
import json
import os
import socket
import subprocess

import pytest

from common.system import host as machine
from common.training.callbacks.card import Card, markdown_table
from common.training.callbacks.log import Log
from tests.common.training.fake_trainer import FakeConfig, FakeTrainer

COMMAND = ["tools/train.py", "-c", "x.yml", "-o", "hub_token=s3cret", "data.root=/home/someone/blood"]


@pytest.fixture
def trainer(tmp_path):
    return FakeTrainer(tmp_path / "run", callbacks=[Log(20), Card(COMMAND)])


def test_the_environment_is_recorded_at_the_start(trainer):
    trainer.call("on_train_start")
    record = json.loads((trainer.folder / "env.json").read_text())
    assert record["seed"] == 42
    assert record["versions"]["numpy"]
    assert record["cores"] >= 1
    assert {"started", "command", "code", "python", "system", "cpu", "memory_gb", "settings"} <= set(record)
    assert "OMP_NUM_THREADS" in record["settings"]


def test_the_record_says_whose_convolutions_a_run_has(trainer):
    trainer.config.values["onednn"] = False
    trainer.call("on_train_start")
    assert json.loads((trainer.folder / "env.json").read_text())["settings"]["convolutions"] == "PaddlePaddle"


def test_no_name_no_secret_and_no_environment_is_recorded(trainer, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "a-very-secret-token")
    trainer.call("on_train_start")
    trainer.call("on_train_end")
    for name in ("env.json", "README.md"):
        text = (trainer.folder / name).read_text()
        for word in ("s3cret", "someone", "a-very-secret-token", socket.gethostname(), os.path.expanduser("~/")):
            assert word not in text
        assert getpass.getuser() == "root" or getpass.getuser() not in text


def test_a_resumed_run_keeps_the_record_of_its_first_start(trainer):
    trainer.call("on_train_start")
    trainer.step = 25
    again = FakeTrainer(trainer.folder, callbacks=[Card(["again"])])
    again.step = 25
    again.call("on_train_start")
    record = json.loads((trainer.folder / "env.json").read_text())
    assert (record["from_step"], record["command"]) == (25, "again")
    assert [earlier["from_step"] for earlier in record["earlier"]] == [0]


def test_a_damaged_record_of_an_earlier_start_does_no_harm(trainer):
    trainer.folder.mkdir()
    (trainer.folder / "env.json").write_text("{")
    trainer.step = 3
    trainer.call("on_train_start")
    assert json.loads((trainer.folder / "env.json").read_text())["earlier"] == []


def test_the_card_has_the_model_the_data_the_scores_and_the_commands(trainer):
    trainer.run()
    text = (trainer.folder / "README.md").read_text()
    for part in (
        "# blood",
        "A YOLOv3 model for detection",
        "| parameters | 12 |",
        "| train data | CocoDetection dataset/blood train.json |",
        "| classes | 2: RBC, WBC |",
        "| training | 3 of 3 epochs, 75 steps |",
        "| data.eval | best and last, step 75 |",
        "| map | 0.9867 |",
        "| map_small | - |",
        f"python tools/eval.py -c PaddleCV/configs/blood.yml -o weights={trainer.folder}/best",
        "## Limitations",
    ):
        assert part in text


def test_the_card_has_the_best_and_the_last_scores(trainer):
    trainer.run()
    trainer.best = {"metric": "map", "score": 0.98, "step": 50}
    trainer.call("on_train_end")
    text = (trainer.folder / "README.md").read_text()
    assert "| data.eval | best, step 50 | last, step 75 |" in text
    assert "| map | 0.9800 | 0.9867 |" in text


def test_a_run_without_evaluation_claims_nothing(tmp_path):
    trainer = FakeTrainer(tmp_path, callbacks=[Log(20), Card()])
    trainer.evaluate = lambda: None
    trainer.run()
    text = (tmp_path / "README.md").read_text()
    assert "This run was not evaluated" in text
    assert "weights=" + str(tmp_path / "last") in text


def test_a_run_that_is_stopped_after_an_evaluation_has_its_card(trainer):
    trainer.run(until=30)
    text = (trainer.folder / "README.md").read_text()
    assert "last, step 25" in text


def test_a_minimal_configuration_has_a_card(tmp_path):
    trainer = FakeTrainer(tmp_path, callbacks=[Card()])
    trainer.config = FakeConfig(**{"labels": None, "data.train": None, "optimizer.type": None})
    trainer.call("on_train_end")
    assert "# blood" in (tmp_path / "README.md").read_text()


def test_pipes_in_a_cell_are_escaped():
    assert markdown_table(("a",), [("x|y",)]) == "| a |\n| --- |\n| x\\|y |"


def test_the_commit_is_known_inside_a_repository_only(tmp_path):
    assert machine.git_state(tmp_path) == {}
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "--allow-empty", "-m", "c"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    assert len(machine.git_state(tmp_path)["commit"]) == 40
    assert machine.git_state(tmp_path)["changed"] is False


def test_home_folders_and_secrets_are_anonymized():
    said = machine.anonymize("cp /home/ann/x /Users/bob/y --token abc api_key=1 PASSWORD: p2 tokens=5 monkey=3")
    assert said == "cp ~/x ~/y --token *** api_key=*** PASSWORD: *** tokens=5 monkey=3"
