"""Tests of `common/interpreter.py`: scripts find `.venv` or refuse in one line, and never start themselves for ever."""

import os
import shutil
import subprocess
import sys

import pytest

from common.interpreter import in_words_of_pip
from tests.made.tracked import ROOT, tracked

BARE = [sys.executable, "-S"]  # a Python without installed packages


def run(script, *arguments, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "PYTHON"))}
    command = [*BARE, str(script), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=environment | variables, cwd=script.parents[1]
    )


@pytest.fixture
def script(tmp_path):
    """A script of a repository without `.venv`."""
    for name in ("__init__.py", "interpreter.py"):
        (tmp_path / "common").mkdir(exist_ok=True)
        shutil.copy(ROOT / "common" / name, tmp_path / "common" / name)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/train.py").write_text(
        f"import sys\nsys.path[0] = {str(tmp_path)!r}\nimport common\nprint('ran')\n"
    )
    return tmp_path / "tools/train.py"


def virtual_environment(script, text):
    python = script.parents[1] / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{text}\n")
    python.chmod(0o755)


def refused(done):
    assert (done.returncode, done.stdout) == (4, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: this Python (") and "lacks numpy" in line and "make setup" in line


def test_without_dependencies_and_without_venv_a_script_names_the_command_that_helps(script):
    refused(run(script))


def test_a_script_continues_in_venv_with_its_arguments_and_reports_it(script):
    virtual_environment(script, 'echo "$@"; exit 7')
    done = run(script, "-c", "a file.yml")
    assert (done.returncode, done.stdout) == (7, f"-S {script} -c a file.yml\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("note: this Python (") and ".venv/bin/python (KIT_NO_VENV=1 turns this off)" in line


def test_a_variable_turns_it_off(script):
    virtual_environment(script, "echo started")
    refused(run(script, KIT_NO_VENV="1"))


def test_a_venv_that_lacks_the_dependencies_too_is_started_once(script):
    virtual_environment(script, f'exec {" ".join(BARE[:1])} "$@"')
    done = run(script)
    note, error = done.stderr.splitlines()
    assert done.returncode == 4 and note.startswith("note:") and "make setup" in error


def test_a_python_that_has_the_dependencies_is_kept(script):
    virtual_environment(script, "echo started")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_pip_in_a_message_is_that_of_the_running_python(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin/python"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIRTUAL_ENV", "")
    text = in_words_of_pip("a search needs the package optuna: pip install optuna")
    assert text == "a search needs the package optuna: bin/python -m pip install optuna"
    assert in_words_of_pip(text) == text
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))  # activated: the shell's pip is the right one
    assert in_words_of_pip("fix: pip install x") == "fix: pip install x"


def test_a_python_that_refuses_pip_is_not_advised_to_use_it(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.prefix", sys.base_prefix)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    assert in_words_of_pip("pip install x") == "pip install x"
    (tmp_path / "EXTERNALLY-MANAGED").write_text("")
    assert in_words_of_pip("pip install x", "/kits") == "make setup, then /kits/.venv/bin/python -m pip install x"


def test_a_runner_that_ignores_interrupts_does_not_make_tests_of_them_fail():
    program = "import conftest, signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    command = ["sh", "-c", f"trap '' INT; exec {sys.executable} -c '{program}'"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr


def test_a_program_that_imports_the_package_is_left_alone(script):
    program = script.parents[1] / "notebook.py"
    program.write_text("import common\nprint('ran')\n")
    done = subprocess.run([*BARE, program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("ran\n", "")


SCRIPTS = [path for path in tracked("tools/*.py", "Paddle*/tools/*.py") if path.parent.name == "tools"]


def test_every_script_refuses_without_a_traceback():
    for path in SCRIPTS:
        if path.name not in ("architecture.py", "doctor.py"):  # need no package
            done = run(path, "--help", KIT_NO_VENV="1")
            assert done.returncode == 4 and len(done.stderr.splitlines()) == 1, f"{path}: {done.stderr[-500:]}"
