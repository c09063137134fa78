"""Tests of the documentation: commands parse; configurations, files and links exist."""

import functools
import importlib
import os
import pathlib
import re
import shlex
import shutil

import pytest

from common.commands.parser import Parser
from common.config import load_config
from common.config.kits import ROOT, find_config, matches, shipped_kits
from common.errors import ConfigError
from tests.made.tracked import tracked

DOCUMENTS = [file for file in tracked("*.md") if file.name != "MODELS.md" and "tests" not in file.parts]
# modules whose docstring and help hold commands, and configurations, whose heads do
TOOLS = [
    "average",
    "train",
    "eval",
    "export",
    "infer",
    "check",
    "configure",
    "convert",
    "fit",
    "search",
    "hub",
    "prepare",
    "baseline",
]
PLAIN = {"cp", "cd", "cat", "echo", "git", "apt-get", "pip", "visualdl", "tensorboard", "curl", "mkdir", "wget", "tar"}
COMMAND = re.compile(r"^\s*(?:\$ )?((?:(?:\.venv/bin/)?python|make|cd|cp|cat|\./run\.sh|bash)\b.*)$")


def name(path):
    return str(path.relative_to(ROOT)) if isinstance(path, pathlib.Path) else path


def commands(text):
    """The lines of shell blocks, and what stands between backquotes and begins as a command does."""
    found = []
    for block in re.findall(r"^```(?:bash|sh|console)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        joined = block.replace("\\\n", " ")
        found += [match[1] for line in joined.splitlines() if (match := COMMAND.match(line))]
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found += [text for text in re.findall(r"`([^`\n]+)`", outside) if re.match(r"(python \S|make \w|\./run)", text)]
    return found


def examples():
    """(where from, command) of every help text and every configuration's head."""
    for tool in TOOLS:
        epilog = importlib.import_module(f"common.commands.{tool}").parser().epilog
        yield from ((f"{tool} --help", line.strip()) for line in epilog.splitlines() if "python " in line)
    for kit in shipped_kits():
        for file in tracked(f"{kit.name}/configs/*.yml"):
            lines = [line.lstrip("# ").strip() for line in file.read_text().splitlines() if line.startswith("#")]
            yield from ((name(file), line) for line in lines if line.startswith("python "))


@functools.cache
def parser_of(script):
    """The parser of a script of the repository; a script without one, such as a notebook, is not run."""
    module = pathlib.Path(script).stem
    if module in TOOLS:
        return importlib.import_module(f"common.commands.{module}").parser()
    if module == "doctor":
        return importlib.import_module("common.commands.doctor").parser()
    path = ROOT / script
    if not re.search(r"^def parser\(|import .*\bparser\b", path.read_text(encoding="utf-8"), re.MULTILINE):
        return Parser(prog=module)
    spec = importlib.util.spec_from_file_location(f"script_{module}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded.parser()


@functools.cache  # a document and its translation show the same commands
def check(command, kit=None):
    """Checks one line of shell: all its parts are there and take what they are given.

    Args:
        command (str): the line.
        kit (Path): the kit whose document it stands in, where its scripts are found.
    """
    line = re.sub(r"\s+#\s.*$", "", command)
    for part in re.split(r"\s(?:&&|\|)\s", line):
        words = shlex.split(part.removeprefix(".venv/bin/"))
        if words[:3] == ["python", "-m", "paddle.distributed.launch"]:
            start = next(i for i, word in enumerate(words) if word.endswith(".py"))
            words = ["python", *words[start:]]
        if words[0] == "python" and words[1].endswith(".py"):
            check_script(words[1], words[2:], kit)
        elif words[0] == "make":
            targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert [word for word in words[1:] if "=" not in word and word not in targets] == []
        elif words[0] in ("./run.sh", "bash"):
            check_run(words[1:] if words[0] == "./run.sh" else words[2:])
        else:
            assert words[0] in PLAIN or words[:2] in (["python", "-m"], ["python", "-c"]), f"what is {words[0]}?"


def check_script(script, arguments, kit):
    fork = re.compile(r"^My[A-Z]\w+(?=/)")  # a copy of the document's kit
    script = fork.sub(kit.name if kit else "PaddleCV", script)
    script = script if (ROOT / script).is_file() else f"{kit.name}/{script}" if kit else script
    assert (ROOT / script).is_file(), f"there is no {script}"
    if "..." in arguments:
        return
    given = [fork.sub(kit.name if kit else "PaddleCV", argument) for argument in arguments]
    args = parser_of(script).parse_args([argument for argument in given if not re.fullmatch(r"[<>].*", argument)])
    if getattr(args, "config", None) and not re.search(r"mine\.yml|/my|_prepared/", args.config):  # of the user
        load_config(args.config, args.override, default_kit=kit).check()
    if getattr(args, "file", None):
        find_config(args.file, kit)


def check_run(words):
    """Checks the arguments of `run.sh`."""
    if any((kit / "pipelines" / f"{words[0]}.sh").is_file() for kit in shipped_kits()):
        named = [word.partition("=")[2] for word in words if word.startswith(("teacher=", "student="))]
        assert {word for word in words[1:] if word.startswith("-")} <= {"--help", "--stage", "--stop", "-o"}, words
    else:
        named = words[:1]
        assert set(words[1::2]) <= {"--stage", "--stop", "-o"}, words
    assert all(any(matches(kit / "configs" / f"{name}.yml") for kit in shipped_kits()) for name in named), words


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def kit_of(document):
    return next((kit for kit in shipped_kits() if kit in document.parents), None)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_command_in_a_document_parses(document, capsys):
    for command in commands(document.read_text(encoding="utf-8")):
        try:
            check(command, kit_of(document))
        except ConfigError as error:
            refusal = str(error).splitlines()[0]
            assert refusal in document.read_text(encoding="utf-8"), f"{command}: {refusal}"
        except SystemExit:
            pytest.fail(f"{command}: {capsys.readouterr().err}")


@pytest.mark.parametrize(("where", "command"), list(examples()))
def test_every_example_of_a_help_text_and_of_a_configuration_parses(where, command):
    check(command, next((kit for kit in shipped_kits() if where.startswith(kit.name)), None))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_are_valid(document):
    for target in re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8")):
        assert "://" in target or (document.parent / target).exists(), target


def test_images_of_documents_are_small_and_shown():
    shown = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    images = tracked("docs/images/*")
    assert images
    for image in images:
        assert image.stat().st_size < 60_000 and f"images/{image.name})" in shown, image


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_files_named_in_a_document_exist(document):
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    places = [document.parent, ROOT, ROOT / "common", *shipped_kits()]
    for quoted in re.findall(r"`([\w./*-]+\.(?:py|yml|csv|md|sh|json|txt|toml))`", text):
        if (
            quoted.startswith(("output/", "configs/mine", "step_", "dataset/"))
            or quoted in WRITTEN_BY_RUNS | OF_THE_USER
        ):
            continue
        assert any(list(place.glob(quoted.removeprefix("./"))) or matches(place / quoted) for place in places), quoted


OF_THE_USER = {"pascal_context_train.txt", "pascal_context_val.txt", "train_list.txt", "val_list.txt"}
OF_THE_USER |= {"annotations.json"}
OF_THE_USER |= {"labels.txt", "vocab.txt", "train.json", "classes.txt", "data.yaml", "alphabet.txt", "module.yml"}
WRITTEN_BY_RUNS = {"env.json", "infer.yml", "manifest.json", "state.json", "config.yml", "model.json", "structure.json"}
WRITTEN_BY_RUNS |= {"thresholds.json", "worst.csv"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_configurations_shown_in_a_document_load(document, tmp_path):
    text = document.read_text(encoding="utf-8")
    for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        named = re.match(r"# (configs/\S+\.yml)\n", block)
        kit = tmp_path / (kit_of(document) or ROOT / "PaddleCV").name
        if named:
            shutil.copytree(ROOT / kit.name, kit, ignore=shutil.ignore_patterns("tests"), dirs_exist_ok=True)
            (kit / named[1]).write_text(block, encoding="utf-8")
            load_config(kit / named[1]).check()


def test_both_readmes_show_the_same_commands():
    english, chinese = (commands((ROOT / file).read_text(encoding="utf-8")) for file in ("README.md", "README_cn.md"))
    plain = [[re.sub(r"\s+#.*", "", command) for command in found] for found in (english, chinese)]
    assert plain[0] == plain[1]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_no_document_has_placeholders(document):
    assert not re.findall(r"@[A-Z_]+@|TODO|FIXME|XXX", document.read_text(encoding="utf-8"))


def test_scripts_are_executable():
    for script in (".ci/run", *(f"{kit.name}/run.sh" for kit in shipped_kits())):
        assert os.access(ROOT / script, os.X_OK)
    assert "make test" in (ROOT / ".ci/run").read_text()
