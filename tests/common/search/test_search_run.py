"""End-to-end tests of a search, with trivial training processes."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("optuna")

from optuna.study import StudyDirection

from common.config.kits import ROOT
from common.errors import ConfigError
from common.search import report
from common.search.study import count_outcomes, is_alive, open_storage, owner
from tests.common.search.search_kit import make_kit, prepared
from tests.made.commands import command

NUMBERS = """
type: {type}
trials: {trials}
space: {{model.x: [1, 2, 3, 4, 5, 6], model.kind: [good, fine]}}
"""


def rows(folder):
    with open(folder / "trials.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("strategy", ["RandomSearch", "TPE", "SimulatedAnnealing"])
def test_a_search_trains_as_many_different_candidates_as_asked_and_names_the_best(strategy, tmp_path):
    path = make_kit(tmp_path / "Kit", NUMBERS.format(type=strategy, trials=7))
    search = prepared(path, tmp_path / "run")
    search.run()
    counts = count_outcomes(search.study())
    assert counts["trained"] == 7
    found = rows(tmp_path / "run")
    assert len({(row["model.x"], row["model.kind"]) for row in found}) == 7
    best = max(found, key=lambda row: float(row["score"]))["score"]
    said = report.format_summary(search.study(), search.strategy.space, search.trainer, tmp_path / "run")
    assert "7 trained" in said and f"score {best}" in said


def test_several_workers_share_one_study_and_repeat_nothing(tmp_path):
    path = make_kit(tmp_path / "Kit", NUMBERS.format(type="RandomSearch", trials=9))
    search = prepared(path, tmp_path / "run", workers=3)
    search.run(3)
    found = rows(tmp_path / "run")
    assert len(found) == 9 and len({(row["model.x"], row["model.kind"]) for row in found}) == 9
    assert count_outcomes(search.study())["running"] == 0


def test_a_search_resumes_from_a_truncated_journal(tmp_path):
    path = make_kit(tmp_path / "Kit", NUMBERS.format(type="RandomSearch", trials=2))
    prepared(path, tmp_path / "run").run()
    with open(tmp_path / "run/search.journal", "ab") as journal:
        journal.write(b'{"op_code":4,"worker_id"')
    for _ in range(2):  # what is appended to half a line would be lost with it
        search = prepared(path, tmp_path / "run", trials=4, resume="auto")
        search.run()
        assert count_outcomes(search.study())["trained"] == 4


def test_the_lock_of_a_journal_leads_to_it_from_any_folder(tmp_path, monkeypatch):
    """Optuna takes an abandoned lock after a while only if the link leads somewhere, else it waits for ever."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("run")
    link, locks = os.symlink, []
    monkeypatch.setattr(os, "symlink", lambda target, name: (link(target, name), locks.append(os.path.exists(name))))
    open_storage("run/search.journal").create_new_study([StudyDirection.MAXIMIZE])
    assert locks and all(locks)


def test_a_search_ends_when_the_space_is_exhausted(tmp_path):
    path = make_kit(tmp_path / "Kit", "type: RandomSearch\ntrials: 50\nspace: {model.x: [1, 2, 3]}")
    search = prepared(path, tmp_path / "run")
    search.run()
    assert count_outcomes(search.study())["trained"] == 3


def test_failed_and_diverged_trials_are_recorded_and_the_search_continues(tmp_path):
    text = "type: RandomSearch\ntrials: 3\nspace: {model.x: [3], model.kind: [good, crash, diverge]}"
    path = make_kit(tmp_path / "Kit", text.replace("model.x: [3], ", ""))
    search = prepared(path, tmp_path / "run")
    search.run()
    by_kind = {row["model.kind"]: row for row in rows(tmp_path / "run")}
    assert by_kind["good"]["score"] == "-9" and by_kind["crash"]["outcome"] == "failed"
    assert "cannot be trained" in by_kind["crash"]["reason"] and by_kind["diverge"]["outcome"] == "diverged"


def test_candidates_beyond_a_limit_are_drawn_again_and_counted_but_not_trained(tmp_path):
    text = "type: RandomSearch\ntrials: 3\nlimits: {macs: 3}\nspace: {model.x: [1, 2, 3, 4, 5, 6]}"
    search = prepared(make_kit(tmp_path / "Kit", text), tmp_path / "run")
    search.trainer.cost = lambda config: {"macs": config.get("model.x")}
    search.run()
    counts = count_outcomes(search.study())
    assert counts["trained"] == 3 and 0 <= counts["rejected"] <= 3
    assert {row["model.x"] for row in rows(tmp_path / "run")} == {"1", "2", "3"}


def test_a_limit_that_nothing_meets_ends_the_search_with_its_reason(tmp_path):
    text = "type: RandomSearch\nredraws: 5\nlimits: {macs: 3}\nspace: {model.x: [4, 9, linear]}"
    search = prepared(make_kit(tmp_path / "Kit", text), tmp_path / "run")
    search.trainer.cost = lambda config: {"macs": config.get("model.x")}
    with pytest.raises(ConfigError, match=r"none of the last 5 candidates .* macs .* of at most 3"):
        search.run()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_an_interrupted_search_resumes_without_repeating_trials(number, tmp_path):
    text = "type: RandomSearch\ntrials: 4\nspace: {model.x: [1, 2, 3, 4], model.kind: [slow, good, fine]}"
    path = make_kit(tmp_path / "Kit", text)
    words = [sys.executable, str(ROOT / "tools/search.py"), "-c", str(path), "-o", f"output_dir={tmp_path}", "seed=1"]
    first = subprocess.Popen([*words], cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "net/slept").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    first.send_signal(number)
    assert first.wait(timeout=30) == (-9 if number == signal.SIGKILL else 130)
    hanging = [f.parent for f in tmp_path.glob("net/*/starts") if not (f.parent / "best/state.json").exists()]
    done = subprocess.run([*words, "-r", "auto"], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "net")
    assert len(found) == 4 and len({(row["model.x"], row["model.kind"]) for row in found}) == 4
    assert (hanging[0] / "starts").read_text() == "2" and hanging[0].name in {row["folder"] for row in found}


@pytest.mark.parametrize("storage", ["shared.journal", "shared.db"])
def test_two_commands_on_one_storage_share_the_trials(storage, tmp_path):
    path = make_kit(tmp_path / "Kit", NUMBERS.format(type="SimulatedAnnealing", trials=5))
    words = [sys.executable, str(ROOT / "tools/search.py"), "-c", str(path), "-r", "auto"]
    words += ["--storage", str(tmp_path / storage), "-o", f"output_dir={tmp_path}"]
    pair = [subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in "ab"]
    said = [process.communicate(timeout=200) for process in pair]
    assert [process.returncode for process in pair] == [0, 0], said
    assert sum(text.count(": score") for _, text in said) == 5
    again = subprocess.run([*words, "--trials", "5"], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert "5 trained" in again.stdout, again
    found = rows(tmp_path / "net")
    assert len(found) == 5 and len({(row["model.x"], row["model.kind"]) for row in found}) == 5


def test_an_existing_search_is_resumed_only_on_request(tmp_path):
    path = make_kit(tmp_path / "Kit", NUMBERS.format(type="RandomSearch", trials=2))
    keys = ["-c", path, "-o", f"output_dir={tmp_path}"]
    assert command("search", *keys).code == 0
    command("search", *keys).refused(2, "-r auto")
    again = command("search", "--trials", "3", "-r", "auto", *keys)
    assert again.code == 0 and "3 trained" in again.out
    other = make_kit(tmp_path / "Kit", NUMBERS.format(type="TPE", trials=2))
    command("search", "-r", "auto", "-c", other, "-o", f"output_dir={tmp_path}").refused(2, "RandomSearch", "TPE")


def test_a_key_or_value_that_the_configuration_does_not_take_is_refused_at_once(tmp_path):
    for space, words in (
        ("{model.y: [1, 2]}", ("model.y", "x")),
        ("{model.x: [1, two]}", ("model.x", "two")),
        ("{model.x: 3}", ("model.x", "range")),
    ):
        path = make_kit(tmp_path / "Kit", f"type: TPE\nspace: {space}")
        command("search", "-c", path, "-o", f"output_dir={tmp_path}").refused(2, *words)
    path = make_kit(tmp_path / "Kit", "type: TPE\ntrails: 3\nspace: {model.x: [1, 2]}")
    command("search", "-c", path, "-o", f"output_dir={tmp_path}").refused(2, "trails", "trials")
    assert not (tmp_path / "net").exists()


def test_a_score_by_name_is_taken_from_the_log_of_the_run(tmp_path):
    text = "type: RandomSearch\ntrials: 2\nmetric: other\nspace: {model.x: [1, 2]}"
    search = prepared(make_kit(tmp_path / "Kit", text), tmp_path / "run")
    search.run()
    assert sorted(row["score"] for row in rows(tmp_path / "run")) == ["1", "2"]


def test_a_process_is_known_by_its_machine_number_and_start():
    assert is_alive(owner())
    host, number, start = owner().split(" ")
    assert not is_alive(f"{host} {number} 1") and is_alive(f"elsewhere {number} 1")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert not is_alive(f"{host} {gone.pid} {start}") and os.getpid() == int(number)
