"""Tests of the command line as a process: lazy import of PaddlePaddle, exit codes."""

import dataclasses
import pathlib
import re
import subprocess
import sys

import pytest

from common.commands import check, configure, eval, export, infer, train
from deploy.serving import command as command_of_serving
from tests.made.commands import at, command
from tests.made.tracked import tracked

ROOT = pathlib.Path(__file__).resolve().parents[1]
TINY = ROOT / "PaddleCV/configs/tiny/yolov3.yml"
PARSERS = {
    "train": train.parser,
    "eval": eval.parser,
    "export": export.parser,
    "infer": infer.parser,
    "check": check.parser,
    "configure": configure.parser,
    "serve": command_of_serving.parser,
}
# what a command may import before it has checked its arguments and its files
LIGHT = {"PIL", "common", "cv2", "cython_runtime", "defusedxml", "deploy", "numpy", "safetensors", "tools", "yaml"}
# runs a script as `python script args` does, and tells at the end which libraries came along
WATCHED = (
    "import sys; before = set(sys.modules); import atexit, runpy; atexit.register(lambda: sys.stderr.write("
    "'loaded:' + ','.join({m.partition('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    " + ':loaded'));"
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


@dataclasses.dataclass
class Ended:
    """A process that has ended.

    Args:
        code (int): its exit code.
        out (str): standard output.
        err (str): standard error.
        heavy (list): libraries that were imported beside the light ones and the kits.
    """

    code: int
    out: str
    err: str
    heavy: list


def process(script, *arguments, stdin=b"", folder=ROOT):
    """Runs a script of the repository to its end."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(ROOT / script), *map(str, arguments)],
        capture_output=True,
        input=stdin,
        cwd=folder,
        timeout=60,
    )
    err, _, loaded = done.stderr.decode().partition("loaded:")
    loaded = loaded.partition(":loaded")[0].split(",")
    heavy = [name for name in sorted(loaded) if name and name not in LIGHT and not name.startswith(("Paddle", "_"))]
    return Ended(done.returncode, done.stdout.decode(), err, heavy)


def light(script, *arguments, **keywords):
    """Runs it, and checks that it loads nothing heavy (so that its answer comes at once) and shows no traceback."""
    ended = process(script, *arguments, **keywords)
    assert ended.heavy == []
    assert "Traceback" not in ended.err
    return ended


SCRIPTS = [path for path in tracked("tools/*.py", "Paddle*/tools/*.py") if path.parent.name == "tools"]
SCRIPTS = [str(path.relative_to(ROOT)) for path in SCRIPTS]


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script not in ("tools/demo.py", "tools/images.py")])
def test_help_is_fast_and_has_examples(script):
    ended = light(script, "--help")
    assert ended.code == 0 and ended.err == ""
    assert re.search(r"python \S*tools/", ended.out), "no example"


# (arguments of a tool, exit code, words of the message): one process each
REFUSALS = [
    ("train", ["--evall"], 2, ["did you mean '--eval'?"]),
    ("train", ["-c", "configs/yolov33.yml"], 2, ["configs/yolov33.yml", "did you mean configs/yolov3.yml"]),
    ("train", ["-c", TINY, "-o", "train.lerning_rate=1", "modle.type=x"], 2, ["lerning_rate", "'model'"]),
    ("train", ["-c", TINY, "-o", "dataset=/nowhere"], 3, ["/nowhere/annotations/train.json"]),
    ("train", ["-c", TINY, "-r", "/nowhere"], 2, ["/nowhere: there is no such checkpoint"]),
    ("train", ["-c", TINY, "-o", "output_dir=/proc/nowhere"], 4, ["/proc/nowhere"]),
    ("eval", ["-c", TINY], 2, ["no weights"]),
    ("eval", ["-c", TINY, "-o", "weights=/nowhere"], 2, ["/nowhere"]),
    ("eval", ["-c", TINY, "--split", "evla"], 2, ["did you mean 'eval'?"]),
    ("export", ["-c", TINY], 2, ["no weights"]),
    ("infer", ["--image", "x.jpg"], 2, ["--model"]),
    ("infer", ["--model", "/nowhere", "--image", TINY], 2, ["--model /nowhere: there is no such folder"]),
    ("check", ["-c", TINY, "-o", "dataset=/nowhere"], 3, ["/nowhere"]),
    ("configure", ["lst"], 2, ["did you mean 'list'?"]),
    ("configure", ["help", "YOLOv3Haed"], 2, ["did you mean 'YOLOv3Head'?"]),
    ("configure", ["generate", "--model", "YOLO3", "--dataset", "CocoDetection"], 2, ["did you mean 'YOLOv3'?"]),
    ("configure", ["generate", "--model", "YOLOv3", "--dataset", "CocoDetecton"], 2, ["'CocoDetection'?"]),
]


@pytest.mark.parametrize(("tool", "arguments", "code", "words"), REFUSALS)
def test_errors_are_reported_quickly(tool, arguments, code, words):
    ended = light(f"tools/{tool}.py", *arguments)
    assert ended.code == code
    assert len(ended.err.splitlines()) <= 12
    assert [word for word in words if word not in ended.err] == []


def test_a_missing_model_is_reported_quickly(digits):
    image = digits / "digits/JPEGImages/eval_00000.jpg"
    ended = light("tools/infer.py", "--model", "/nowhere", "--image", image)
    assert ended.code == 2 and "--model /nowhere: there is no such folder" in ended.err


def test_a_used_folder_and_a_missing_image_are_reported_without_importing_paddle(trained, exported, tmp_path):
    ended = process("tools/train.py", *trained.arguments)
    assert (ended.code, ended.heavy) == (2, []) and "earlier run" in ended.err
    ended = process("tools/infer.py", "--model", exported, "--image", tmp_path / "x.jpg")
    assert (ended.code, ended.heavy) == (3, []) and "x.jpg" in ended.err


def neighbors(word):
    """Some words one edit away: a letter left out, doubled, swapped with the next, replaced."""
    middle = len(word) // 2
    yield word[:middle] + word[middle + 1 :]
    yield word[:middle] + word[middle] + word[middle:]
    yield word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    yield word[:middle] + "q" + word[middle + 1 :]


def options():
    for tool, parser in PARSERS.items():
        for action in parser()._actions:
            for option in action.option_strings:
                if option.startswith("--") and len(option) > 5:
                    yield tool, option


@pytest.mark.parametrize(("tool", "option"), list(options()))
def test_every_option_is_suggested_for_every_typo_of_one_letter(tool, option, capsys):
    for typo in neighbors(option):
        if typo in (option, "--" + option[2:]):
            continue
        with pytest.raises(SystemExit) as end:
            PARSERS[tool]().parse_args([typo])
        assert end.value.code == 2
        message = capsys.readouterr().err
        assert f"unknown option {typo}; did you mean '{option}'?" in message


def test_overrides_are_never_lost():
    printed = command(
        "train", "-c", TINY, "-o", "train.epochs=7", "seed=3", "--print-config", "-o", "output_dir=x", "log_every=9"
    )
    assert printed.code == 0
    for line in ("  epochs: 7", "seed: 3", "output_dir: x/tiny", "log_every: 9"):
        assert line in printed.out.splitlines()


@pytest.mark.parametrize("tool", ["train", "eval", "export", "check"])
def test_the_printed_configuration_prints_the_same_again(tool, tmp_path):
    first = command(tool, "-c", TINY, "-o", "train.epochs=7", "--print-config")
    assert first.code == 0 and first.err == ""
    (tmp_path / "printed.yml").write_text(first.out)
    assert command(tool, "-c", tmp_path / "printed.yml", "--print-config").out == first.out


def test_a_configuration_is_found_from_the_current_folder_first(tmp_path):
    (tmp_path / "configs/tiny").mkdir(parents=True)
    (tmp_path / "configs/tiny/yolov3.yml").write_text("kit: PaddleCV\nname: mine\n" + "nonsense: 1\n")
    here = process("tools/train.py", "-c", "configs/tiny/yolov3.yml", "--print-config", folder=tmp_path)
    assert here.code == 2 and "nonsense" in here.err
    elsewhere = process("tools/train.py", "-c", "configs/tiny/yolov3.yml", "--print-config", folder=tmp_path.parent)
    assert elsewhere.code == 0 and "name: yolov3" in elsewhere.out


def test_a_bug_shows_its_traceback_and_ends_with_1(digits, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("common.commands.check.find_shared_samples", broken)
    answer = command("check", "--fast", *at(digits))
    assert answer.code == 1 and "ZeroDivisionError" in answer.err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError("(ResourceExhausted) Fail to alloc memory of 123 size"), ["memory", "train.batch_size"]),
        (PermissionError(13, "Permission denied", "/some/where"), ["/some/where: Permission denied"]),
        (OSError(28, "No space left on device"), ["No space left on device"]),
        (KeyboardInterrupt(), ["interrupted"]),
    ],
)
def test_errors_of_the_operating_system_are_not_bugs(digits, monkeypatch, error, words):
    def refuses(*_, **__):
        raise error

    monkeypatch.setattr("common.commands.check.find_shared_samples", refuses)
    code = 130 if isinstance(error, KeyboardInterrupt) else 4
    command("check", "--fast", *at(digits)).refused(code, *words)


def test_debug_shows_the_traceback_of_an_error():
    answer = command("train", "-c", "nowhere.yml", "--debug")
    assert answer.code == 2 and "Traceback" in answer.err and "nowhere.yml" in answer.err


def test_a_closed_pipe_is_no_error():
    script = ROOT / "tools/configure.py"
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} {script} list | head -n 1; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "0" and done.stderr == ""
