"""Settings of the hub, help of its commands, and the options that PaddleHub 1.x had."""

import argparse
import json
import logging

import pytest

from common.commands import hub as hub_command
from common.commands.hub_config import as_bool, pattern_of
from common.commands.hub_run import open_run_source
from common.errors import ConfigError, DataError, EnvironmentProblem
from common.hub.settings import HubSettings, change_settings, read_settings, settings_file
from common.inference.tasks.image_classification import ImageClassification
from common.inference.tasks.text_classification import TextClassification
from tests.made.commands import command


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hub(*words):
    return command(hub_command.main, *words)


def index(path, *names):
    modules = [{"name": name, "version": "1.0.0", "type": "x", "summary": "of the index", "license": "MIT",
                "path": f"{name}.phm", "sha256": "0" * 64, "size": 1} for name in names]  # fmt: skip
    path.write_text(json.dumps({"schema": 1, "modules": modules}))
    return path


def test_settings_are_kept_printed_and_reset(home):
    assert hub("config").out == "server==\nlog==info\n"
    (home / "mine.json").write_text('{"schema": 1, "modules": []}', encoding="utf-8")
    assert hub("config", "log==error", "server==mine.json").out == f"server=={home / 'mine.json'}\nlog==error\n"
    assert read_settings() == HubSettings(str(home / "mine.json"), "error")
    assert change_settings(["log=debug"]).log == "debug"  # one sign is enough
    assert hub("config", "reset").out == "server==\nlog==info\n" and not settings_file().exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sever==a"], "did you mean 'server'"),
        (["log"], "write reset, server==URL or log==LEVEL"),
        (["log==warn"], "did you mean 'warning'"),
        (["server==http://example.com/index.json"], "an address of https"),
        (["log==error", "x==1"], "write reset"),
    ],
)
def test_a_wrong_setting_is_named_and_changes_nothing(words, said):
    with pytest.raises(ConfigError, match=said):
        change_settings(words)
    assert read_settings() == HubSettings()


def test_an_index_that_is_none_is_refused_before_it_is_kept(home):
    (home / "page.json").write_text("<html>", encoding="utf-8")
    for name, said in (("missing.json", "No such file"), ("page.json", "not an index of modules")):
        with pytest.raises(EnvironmentProblem, match=said):
            change_settings([f"server=={name}"])
    assert read_settings() == HubSettings()


@pytest.mark.parametrize("text", ["{", "[]", '{"log": "loud"}', '{"server": 3}', '{"color": "red"}'])
def test_a_damaged_file_of_settings_is_named_with_its_fix(text):
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text(text)
    hub("list").refused(4, "config.json: damaged", "config reset")
    assert hub("config", "reset").code == 0


def test_the_index_and_the_level_that_are_set_are_used_unless_another_is_given(home):
    first, second = index(home / "a.json", "first"), index(home / "b.json", "second")
    change_settings([f"server=={first}", "log==error"])
    assert [one["name"] for one in json.loads(hub("search", "of the index", "--json").out)] == ["first"]
    found = json.loads(hub("search", "of the index", "--json", "--index", second).out)
    assert [one["name"] for one in found] == ["second"] and logging.getLogger("kit").level == logging.ERROR


def test_the_help_is_that_of_the_command_or_of_all():
    assert "--use_strip" in hub("help", "run").out and "--use_strip" not in hub("help").out
    hub("help", "rnu").refused(2, "did you mean 'run'")


def test_a_star_that_the_shell_has_expanded_means_all_modules(home, capsys):
    for name in ("a.txt", "b.txt"):
        (home / name).write_text("")
    every = hub("search").out
    assert "lac" in every
    assert hub("search", "*").out == every
    expanded = hub("search", "a.txt", "b.txt")
    assert expanded.out == every and "shells write for *" in expanded.err
    assert pattern_of(["lac"]) == "lac" and pattern_of(["*"]) == "" and pattern_of(["a.txt"]) == "a.txt"
    hub("search", "image", "classes").refused(2, "one pattern, not 2")


def test_the_list_can_be_written_as_a_page(home):
    assert hub("search", "lac_seg", "--html", "modules.html").out == "modules.html\n"
    assert (home / "modules.html").read_text().count("<article") == 1


def given(**inputs):
    flags = {"use_strip": False, "use_gpu": False}
    return argparse.Namespace(**dict.fromkeys(("input_text", "input_path", "input_file")) | flags | inputs)


def test_an_input_file_is_a_list_of_paths_of_images_and_of_texts_themselves(home):
    (home / "list.txt").write_text("a.png\n\nb.png\n")
    images = open_run_source(given(input_file="list.txt"), ImageClassification())
    assert [sample["path"] for sample in images] == ["a.png", "b.png"] and images.many
    texts = open_run_source(given(input_file="list.txt"), TextClassification())
    assert [sample["text_a"] for sample in texts] == ["a.png", "", "b.png"]
    with pytest.raises(DataError, match=r"none\.txt"):
        open_run_source(given(input_file="none.txt"), ImageClassification())


def test_texts_are_stripped_where_that_is_asked_for(home):
    (home / "list.txt").write_text("  a b  \nc\n")
    source = open_run_source(given(input_file="list.txt", use_strip=True), TextClassification())
    assert [sample["text_a"] for sample in source] == ["a b", "c"]
    source = open_run_source(given(input_text=" a ", use_strip=True, use_gpu=True), TextClassification())
    assert [sample["text_a"] for sample in source] == ["a"]


def test_a_flag_takes_the_words_of_the_old_command():
    assert [as_bool(text) for text in ("True", "false", "1", "no")] == [True, False, True, False]
    hub("run", "lac", "--use_gpu", "maybe").refused(2, "--use_gpu")
