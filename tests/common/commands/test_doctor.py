import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from common.commands import doctor
from common.commands.doctor import Finding

SCRIPT = Path(__file__).resolve().parents[3] / "tools/doctor.py"


def run(*options, folder=None, timeout=90, **variables):
    """Runs the command; returns (exit code, standard output, standard error)."""
    environment = os.environ | {"PYTHONPATH": ""} | variables
    command = [sys.executable, str(SCRIPT), *options]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


def seconds_of_children():
    """Processor time of the programs that were run, which does not depend on what else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def with_paddle(tmp_path, code):
    """The findings by name where `import paddle` runs `code`."""
    (tmp_path / "paddle").mkdir()
    (tmp_path / "paddle/__init__.py").write_text(code)
    code, output, errors = run("--json", "--timeout", "4" if "sleep" in code else "30", PYTHONPATH=str(tmp_path))
    assert "Traceback" not in errors
    return code, {finding["name"]: finding for finding in json.loads(output)["findings"]}


@pytest.fixture(scope="module")
def real():
    """(exit code, report, seconds of processor time) of this installation."""
    before = seconds_of_children()
    code, output, errors = run("--json")
    assert errors == ""
    return code, json.loads(output), seconds_of_children() - before


def test_this_installation_is_healthy(real):
    code, report, _ = real
    wrong = [finding for finding in report["findings"] if finding["required"] and not finding["ok"]]
    assert (code, report["ok"], wrong) == (0, True, [])


def test_training_export_and_speed_were_really_tried(real):
    findings = {finding["name"]: finding for finding in real[1]["findings"]}
    assert "loss" in findings["training"]["detail"]
    assert "difference" in findings["export and predict"]["detail"]
    assert "GFLOP/s" in findings["speed"]["detail"]
    assert findings["PaddlePaddle"]["detail"].startswith("3.3.1")
    assert "OMP_NUM_THREADS" in findings


def test_every_problem_has_a_fix(real):
    assert all(finding["ok"] or finding["fix"] for finding in real[1]["findings"])


def test_it_takes_ten_seconds_at_most(real):
    assert real[2] < 10


def test_help_is_fast_and_has_an_example():
    before = seconds_of_children()
    code, output, _ = run("--help")
    assert code == 0
    assert "python tools/doctor.py --json" in output
    assert seconds_of_children() - before < 0.3


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("raise ImportError('libgomp.so.1: cannot open shared object file')", "libgomp.so.1"),
        ("__version__ = '2.6.2'", "2.6.2 is installed, 3.3.1 is required"),
        ("import os; os.abort()", "killed by signal 6"),
        ("import os; os._exit(3)", "exited with code 3"),
        ("import time; time.sleep(60)", "timed out after 4 s"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_broken_paddle_is_named_with_its_fix(tmp_path, code, detail):
    code, findings = with_paddle(tmp_path, code)
    assert code == 4
    assert not findings["PaddlePaddle"]["ok"]
    assert detail in findings["PaddlePaddle"]["detail"]
    assert findings["PaddlePaddle"]["fix"]
    assert "training" not in findings


def test_a_missing_package_is_named_and_the_other_checks_run(tmp_path):
    (tmp_path / "yaml").mkdir()
    (tmp_path / "yaml/__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'yaml'\")")
    code, findings = with_paddle(tmp_path, "__version__ = '0'")
    assert code == 4
    assert "No module named 'yaml'" in findings["PyYAML"]["detail"]
    assert findings["PyYAML"]["fix"].endswith("pip install PyYAML")
    assert findings["numpy"]["ok"]


def test_a_numpy_that_breaks_paddle_is_refused(tmp_path):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy/__init__.py").write_text("__version__ = '2.4.6'")
    _, findings = with_paddle(tmp_path, "__version__ = '0'")
    assert "2.4.6" in findings["numpy"]["detail"]
    assert "<2.4" in findings["numpy"]["fix"]


def test_modules_of_the_current_folder_do_not_get_in_the_way(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('the wrong numpy')")
    (tmp_path / "json.py").write_text("raise ImportError('the wrong json')")
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "paddle.py").write_text("__version__ = '0'")
    code, output, _ = run("--json", folder=tmp_path, PYTHONPATH=str(fake))
    findings = {finding["name"]: finding for finding in json.loads(output)["findings"]}
    assert code == 4
    assert findings["numpy"]["ok"]


@pytest.mark.parametrize(
    ("name", "value", "bad"),
    [
        ("FLAGS_use_mkldnn", "1", True),
        ("FLAGS_use_onednn", "true", True),
        ("FLAGS_use_mkldnn", "0", False),
        ("FLAGS_enable_pir_api", "0", True),
        ("FLAGS_enable_pir_api", "1", False),
    ],
)
def test_switches_that_crash_paddle_are_named(monkeypatch, name, value, bad):
    monkeypatch.setenv(name, value)
    findings = doctor.environment_variables()
    assert bool(findings) is bad
    if bad:
        assert f"{name}={value}" in findings[0].detail
        assert findings[0].fix == f"unset {name}"


def test_low_disk_space_is_a_warning_and_none_an_error():
    gigabyte = 2**30
    assert doctor.limit("disk", 9 * gigabyte, "9 GB", 0.5, 5, "free some").ok
    little = doctor.limit("disk", 3 * gigabyte, "3 GB", 0.5, 5, "free some")
    assert (little.ok, little.required) == (False, False)
    none = doctor.limit("disk", 0, "0 GB", 0.5, 5, "free some")
    assert (none.ok, none.required) == (False, True)


FINDINGS = [
    Finding("needed", "Python 3.11", True, "3.11.2 (/usr/bin/python3)"),
    Finding(
        "needed", "PaddlePaddle", False, "3.2.0 is installed, 3.3.1 is required", "pip install paddlepaddle==3.3.1"
    ),
    Finding("optional", "cmake", False, "not installed (the C++ programs)", "apt-get install cmake", required=False),
]


@pytest.mark.parametrize("width", [40, 60, 200])
def test_the_report_fits_its_width_and_is_complete(width):
    text = doctor.format_report(FINDINGS, width, False, ("ok", "XX", "--"))
    assert max(len(line) for line in text.splitlines()) <= width
    assert "XX PaddlePaddle" in text
    assert "-- cmake" in text
    assert "pip install paddlepaddle==3.3.1" in " ".join(text.split())
    assert text.endswith("Failed: PaddlePaddle")
    assert text.isascii()


def test_colors_are_written_to_a_terminal_only(tmp_path):
    assert "\x1b[31m" in doctor.format_report(FINDINGS, 80, True, ("v", "x", "-"))
    fake = tmp_path / "paddle.py"
    fake.write_text("__version__ = '0'")
    _, output, _ = run(PYTHONPATH=str(tmp_path), PYTHONIOENCODING="ascii")
    assert output.isascii()
    assert "\x1b" not in output
    assert "XX PaddlePaddle" in output
