"""Tests of the console script `kit`."""

import tomllib

import pytest

from common.commands import kit
from tests.made.commands import command
from tests.made.tracked import ROOT, tracked


def run(*arguments):
    return command(kit.main, *arguments)


def test_a_command_is_run_with_its_arguments():
    answer = run("train", "-c", "configs/tiny/yolov3.yml", "-o", "train.epochs=7", "--print-config")
    assert answer.code == 0 and "  epochs: 7" in answer.out.splitlines()


def test_the_exit_code_is_that_of_the_command():
    run("eval", "-c", "configs/tiny/yolov3.yml").refused(2, "no weights")


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("--help",), 0)])
def test_the_commands_are_listed(arguments, code):
    answer = run(*arguments)
    assert answer.code == code and all(f"  {name} " in answer.out for name in kit.COMMANDS)


def test_an_unknown_command_is_refused_with_the_nearest():
    run("trian").refused(2, "kit has no command 'trian'; did you mean 'train'?")


def test_every_tool_that_runs_a_command_is_one_of_kit_and_the_package_installs_it():
    tools = {path.stem for path in tracked("tools/*.py") if path.parent.name == "tools"}
    tools -= {"architecture", "demo", "images", "zoo", "zoo_parameters"}
    assert tools == set(kit.COMMANDS)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"kit": "common.commands.kit:main", "hub": "common.commands.kit:hub"}
