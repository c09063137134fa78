"""Tests of the argument parser and of `tools/configure.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.commands import configure
from common.commands.parser import Parser
from common.config import load_config
from common.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def parser():
    options = Parser(prog="train.py")
    options.add_argument("-c", "--config", required=True)
    options.add_argument("-o", "--override", nargs="+", action="extend", default=[])
    options.add_argument("--format", choices=["safetensors", "pdparams"])
    options.add_argument("--eval", action="store_true")
    options.add_argument("--dry-run", action="store_true")
    return options


def refused(parser, capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments)
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert len(message.splitlines()) <= 12
    assert "Traceback" not in message
    return message


def test_repeated_override_options_accumulate(parser):
    args = parser.parse_args(["-c", "x.yml", "-o", "a=1", "b=2", "--eval", "-o", "c=-3"])
    assert args.override == ["a=1", "b=2", "c=-3"]
    assert parser.parse_args(["-c", "x.yml"]).override == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--evall"], "unknown option --evall; did you mean '--eval'?"),
        (["--dryrun"], "did you mean '--dry-run'?"),
        (["--dry_run"], "did you mean '--dry-run'?"),
        (["--ev"], "unknown option --ev"),
        (["--formt=pdparams"], "did you mean '--format'?"),
        (["--format", "pdparam"], "there is no 'pdparam'; did you mean 'pdparams'?"),
        (["train.epochs=1"], "to set a value write -o train.epochs=1"),
        (["-o"], "expected at least one argument"),
    ],
)
def test_unknown_options_and_choices_name_the_nearest(parser, capsys, arguments, words):
    assert words in refused(parser, capsys, "-c", "x.yml", *arguments)


def test_unknown_commands_and_their_options_name_the_nearest(capsys):
    parser = configure.parser()
    assert "there is no 'lst'; did you mean 'list'?" in refused(parser, capsys, "lst")
    assert "did you mean '--model'?" in refused(
        parser, capsys, "generate", "--modle", "x", "--model", "y", "--dataset", "z"
    )


@pytest.fixture
def kits(fake_kit, monkeypatch):
    monkeypatch.setattr("common.config.kits.shipped_kits", list)
    return [fake_kit]


def test_list_shows_components_by_kind_with_their_first_sentence(kits):
    lines = configure.list_components(kits, "transforms")
    assert lines[0] == f"{kits[0].name}: transforms"
    assert any(line.split() == ["RandomFlip", "Mirrors"] for line in lines)
    everything = "\n".join(configure.list_components(kits))
    assert "all kits: optimizers" in everything
    assert "Momentum" in everything
    with pytest.raises(ConfigError, match="there is no kind 'transform'; did you mean 'transforms'"):
        configure.list_components(kits, "transform")


def test_help_shows_arguments_defaults_ranges_and_the_file(kits):
    text = "\n".join(configure.explain_component(kits, "DarkNet"))
    assert text.startswith("DarkNet(depth=53, width=1.0, norm='bn', sizes=(3, 3))")
    assert "models/backbones/darknet.py:4" in text
    assert "depth (an integer): default 53\n      Number of layers." in text
    assert "in_channels (a list of integers): passed by the program" in "\n".join(
        configure.explain_component(kits, "YOLOv3Head")
    )
    assert "Allowed: 1 or more." in "\n".join(configure.explain_component(kits, "train"))
    with pytest.raises(ConfigError, match="there is no 'DarkNt'; did you mean 'DarkNet'"):
        configure.explain_component(kits, "DarkNt")


def test_analyze_shows_the_tree_and_the_defaults_in_use(fake_kit):
    lines = configure.describe_config(load_config(fake_kit / "configs/yolov3.yml"))
    assert any(line.startswith("  backbone: DarkNet    ") for line in lines)
    assert "    depth = 53" in lines
    assert "    width = 1.0    (default)" in lines
    assert "  workers = 4" in lines
    assert "  accumulate = 1    (default)" in lines


def test_a_generated_configuration_passes_the_check(kits, tmp_path):
    lines = configure.generate(kits, "YOLOv3", "CocoDetection")
    path = tmp_path / "mine.yml"
    path.write_text("\n".join(lines), encoding="utf-8")
    config = load_config(path)
    config.check()
    assert config.get("model.head.anchors")[0][0] == [116, 90]
    assert any(line.strip().startswith("depth: 53") and line.endswith("# number of layers") for line in lines)
    with pytest.raises(ConfigError, match="--model YOLOv4: no kit has this model; did you mean 'YOLOv3'"):
        configure.generate(kits, "YOLOv4", "CocoDetection")
    with pytest.raises(ConfigError, match="has no such dataset; did you mean 'CocoDetection'"):
        configure.generate(kits, "YOLOv3", "CocoDetecton")


def test_without_a_shipped_configuration_parts_are_chosen_by_name(kits, fake_kit, tmp_path):
    (fake_kit / "configs/yolov3.yml").unlink()
    lines = configure.generate(kits, "YOLOv3", "CocoDetection")
    text = "\n".join(lines)
    assert "type: YOLOv3FPN" in text
    assert "anchors: null" in text
    assert "# REQUIRED, list[list[list[int]]]" in text


def test_only_what_a_configuration_can_name_is_listed(kits):
    text = "\n".join(configure.list_components(kits))
    assert f"{kits[0].name}: backbones" in text
    assert not {"Layer", "Loader", "Pipeline", "Transform", "WorkerPool", "Config"} & set(text.split())


def run(*arguments, cwd):
    command = [sys.executable, str(ROOT / "tools/configure.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd)


def test_the_command_reports_every_problem_and_ends_with_2(fake_kit, tmp_path, write_config):
    write_config(("depth: 53", "dpth: 53"), ("keep: 3", "keep: 0"))
    done = run("analyze", f"{fake_kit.name}/configs/changed.yml", cwd=tmp_path)
    assert done.returncode == 2
    assert "DarkNet has no key 'dpth'; did you mean 'depth'?" in done.stderr
    assert "train.keep is 0; allowed: 1 or more" in done.stderr
    assert "backbone: DarkNet" in done.stdout
    done = run("analyze", "missing.yml", cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "missing.yml: no such configuration" in done.stderr
    done = run("generate", "--model", "YOLOv3", "--dataset", "x", "--out", "y.yml", cwd=tmp_path)
    assert done.returncode == 2


@pytest.mark.parametrize("text", ["-5,-5,30,30", "-.5,1e3,3,3", "-1e-3", "-7"])
def test_numbers_below_zero_are_no_options(text):
    numbers = Parser()
    numbers.add_argument("--box")
    assert numbers.parse_args(["--box", text]).box == text
