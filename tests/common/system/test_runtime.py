"""The settings made before PaddlePaddle is imported follow from the machine, and the environment overrides them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import ConfigError, EnvironmentProblem
from common.system import runtime

ROOT = Path(__file__).resolve().parents[3]
OWN = ("MKL_DEBUG_CPU_TYPE", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GLOG_minloglevel")
OWN += ("KIT_THREADS", "KIT_MKL", "KIT_MALLOC", "KIT_ONEDNN")
LAUNCHER = ("PADDLE_LOCAL_SIZE", "PADDLE_TRAINERS_NUM")
V1 = "cpu,cpuacct/x/cpu.cfs_"
AMD = ("AuthenticAMD", frozenset({"avx", "avx2"}))


@pytest.fixture
def machine(monkeypatch):
    """A clean environment on an AMD machine with 8 cores, on which PaddlePaddle is not imported."""
    for name in [*OWN, *LAUNCHER, *[n for n in os.environ if n.startswith("MALLOC_")]]:
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    monkeypatch.setattr(runtime, "_done", [])
    monkeypatch.setattr(runtime, "processor", lambda: AMD)
    monkeypatch.setattr(runtime, "usable_cores", lambda: 8)
    monkeypatch.delitem(sys.modules, "paddle", raising=False)
    yield monkeypatch
    os.environ.clear()
    os.environ.update(before)


def settings():
    return {name: (value, why) for name, value, why in runtime.prepare(load=False)}


@pytest.mark.parametrize("flags", [{"avx2"}, {"avx2", "avx512f"}])
def test_amd_with_avx2_takes_the_fast_path_of_mkl(machine, flags):
    machine.setattr(runtime, "processor", lambda: ("AuthenticAMD", flags))
    assert settings()["MKL_DEBUG_CPU_TYPE"][0] == "5"
    assert os.environ["MKL_DEBUG_CPU_TYPE"] == "5"


@pytest.mark.parametrize(
    "processor",
    [("GenuineIntel", {"avx2"}), ("AuthenticAMD", set()), ("", set())],
)
def test_every_other_processor_leaves_mkl_alone(machine, processor):
    machine.setattr(runtime, "processor", lambda: processor)
    assert settings()["MKL_DEBUG_CPU_TYPE"][0] == "not set"
    assert "MKL_DEBUG_CPU_TYPE" not in os.environ


def test_the_environment_overrides_each_setting(machine):
    given = {"KIT_MKL": "0", "OMP_NUM_THREADS": "3", "KIT_MALLOC": "0", "GLOG_minloglevel": "0"}
    for name, value in {**given, "OMP_WAIT_POLICY": "active", "KIT_ONEDNN": "0"}.items():
        machine.setenv(name, value)
    found = settings()
    assert "MKL_DEBUG_CPU_TYPE" not in os.environ
    assert found["OMP_NUM_THREADS"] == ("3", "set by the environment")
    assert found["malloc"] == ("unchanged", "KIT_MALLOC=0")
    assert found["OMP_WAIT_POLICY"] == ("active", "set by the environment")
    assert found["convolutions"] == ("PaddlePaddle", "KIT_ONEDNN=0")
    assert found["GLOG_minloglevel"] == ("0", "set by the environment")


def test_threads_are_the_usable_cores_shared_by_the_processes_of_this_machine(machine):
    assert settings()["OMP_NUM_THREADS"][0] == "8"
    machine.setattr(runtime, "_done", [])
    machine.setenv("OMP_NUM_THREADS", "1")
    machine.setenv("PADDLE_TRAINERS_NUM", "4")
    machine.setenv("PADDLE_LOCAL_SIZE", "2")
    assert settings()["OMP_NUM_THREADS"] == ("4", "8 usable cores for 2 processes")
    machine.setattr(runtime, "_done", [])
    machine.setenv("KIT_THREADS", "5")
    assert settings()["OMP_NUM_THREADS"] == ("5", "KIT_THREADS")


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_threads_is_refused(machine, value):
    machine.setenv("KIT_THREADS", value)
    with pytest.raises(ConfigError, match="KIT_THREADS="):
        settings()
    assert runtime._done == []


def test_nothing_else_is_put_into_the_environment(machine):
    before = set(os.environ)
    settings()
    own = {"MKL_DEBUG_CPU_TYPE", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GLOG_minloglevel"}
    assert set(os.environ) - before == own


def test_settings_are_made_once_and_described(machine):
    first = runtime.prepare(load=False)
    machine.setattr(runtime, "processor", lambda: ("GenuineIntel", frozenset()))
    assert runtime.prepare(load=False) == first == runtime.runtime_settings()
    assert all(len(row) == 3 and all(row) for row in first)


def test_after_paddle_was_imported_nothing_pretends_to_help(machine):
    machine.setitem(sys.modules, "paddle", object())
    found = settings()
    assert found["MKL_DEBUG_CPU_TYPE"][0] == "not set"
    assert "imported before" in found["OMP_NUM_THREADS"][1]
    assert "MKL_DEBUG_CPU_TYPE" not in os.environ


def test_a_missing_paddle_is_an_environment_problem(machine):
    machine.setattr(runtime.importlib, "import_module", _missing)
    with pytest.raises(EnvironmentProblem, match="the package paddle is not installed: pip install"):
        runtime.prepare()


def _missing(name):
    raise ModuleNotFoundError(f"No module named '{name}'", name=name)


def test_what_importing_prints_passes_but_for_the_chatter(machine, capsys):
    def noisy(name):
        sys.stderr.write(
            "WARNING: OMP_NUM_THREADS set to 8, not 1. The computation\nmatters\nPLEASE USE OMP_NUM_THREADS WISELY.\n"
        )

    machine.setattr(runtime.importlib, "import_module", noisy)
    runtime.prepare()
    assert capsys.readouterr().err == "matters\n"


def test_the_processor_is_read_from_the_kernel(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: EPYC\nflags\t\t: fpu avx avx2\n\nvendor_id : Other\n"
    )
    assert runtime.processor(path) == ("AuthenticAMD", frozenset({"fpu", "avx", "avx2"}))
    assert runtime.processor(tmp_path / "none") == ("", frozenset())


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "250000 100000\n"}, 3),
        ("0::/a/b\n", {"a/b/cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("4:cpu,cpuacct:/x\n0::/\n", {V1 + "quota_us": "400000", V1 + "period_us": "100000"}, 4),
        ("3:cpu:/x\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 16),
        ("", {}, 16),
        ("0::/gone\n", {"cpu.max": "nonsense\n"}, 16),
    ],
)  # fmt: skip
def test_cores_are_limited_by_affinity_and_by_control_groups(tmp_path, monkeypatch, own, files, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)))
    for name, text in files.items():
        (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroup" / name).write_text(text)
    (tmp_path / "own").write_text(own)
    assert runtime.usable_cores(tmp_path / "cgroup", tmp_path / "own") == cores


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        ("common.system.runtime", {"paddle", "cv2"}),
        ("common.build.model, common.commands.train, common.commands.eval, common.commands.export", {"paddle"}),
    ],
)
def test_what_is_imported_before_the_settings_are_made_leaves_paddle_alone(modules, unwanted):
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"import {modules}; from common.system import runtime; runtime.prepare(load=False)\n"
        f"assert not {unwanted} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("before", "code"), [("None", -15), ("lambda *_: sys.exit(7)", 7)])
def test_a_request_to_end_is_answered_as_before_paddlepaddle_was_imported(before, code):
    lines = [
        "import os, signal, sys, time",
        "from common.system import runtime",
        f"before = {before}",
        "signal.signal(signal.SIGTERM, before or signal.SIG_DFL)",
        "runtime.prepare()",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "time.sleep(5)",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert (done.returncode, done.stderr) == (code, "")
