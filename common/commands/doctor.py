"""Diagnosis of an installation: versions, hardware, functional tests, and fixes for problems.

Needs only the standard library, so that it can report a broken installation.  Tests that import PaddlePaddle run in a
child process (`common/commands/doctor_child.py`).
"""

import dataclasses
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from common import interpreter
from common.commands.parser import Parser
from common.system import host as machine
from common.system import runtime

SECTIONS = {
    "needed": "Needed",
    "machine": "This machine",
    "works": "Functional tests",
    "optional": "Optional",
}

OPTIONAL = (
    ("visualdl", "train.py --use_vdl"),
    ("tensorboardX", "train.py --use_tb"),
    ("paddle2onnx", "export to ONNX"),
    ("onnxruntime", "running and comparing ONNX models"),
    ("matplotlib", "plots in the folder of a run"),
    ("scikit-learn", "the data of make demo"),
    ("scikit-image", "the data of make demo"),
    ("pycocotools", "tests of mAP against COCO's implementation"),
    ("pytest", "make test"),
    ("ruff", "make lint"),
    ("bandit", "make lint"),
)

# Environment variables that break PaddlePaddle 3.3.1 on a CPU, and the values that do.
FATAL = {"FLAGS_use_mkldnn": True, "FLAGS_use_onednn": True, "FLAGS_enable_pir_api": False}

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108: only its size is read

FONT_WORDS = ("cjk", "wqy", "simhei", "simsun", "notosanssc", "sourcehansans", "droidsansfallback", "pingfang")


@dataclasses.dataclass
class Finding:
    """One line of the report.

    Args:
        section (str): a key of SECTIONS.
        name (str): what was checked.
        ok (bool): the check passed.
        detail (str): the result.
        fix (str): how to fix it; empty if the check passed.
        required (bool): the kits do not work without it.
    """

    section: str
    name: str
    ok: bool
    detail: str
    fix: str = ""
    required: bool = True


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="doctor.py",
        description="Checks the installation, runs functional tests, and suggests fixes for problems.",
        epilog="example:\n  python tools/doctor.py --json > doctor.json\n\nexit code 0, or 4 if a required check fails",
    )
    options.add_argument("--json", action="store_true", help="print the report as JSON")
    options.add_argument(
        "--timeout", type=float, default=60.0, help="time limit of the functional tests in seconds (default 60)"
    )
    return options


def main(argv=None):
    """Prints the report; returns 0, or 4 if a required check fails."""
    options = parser().parse_args(argv)
    findings = examine(options.timeout)
    healthy = all(finding.ok for finding in findings if finding.required)
    if options.json:
        report = {"ok": healthy, "findings": [dataclasses.asdict(finding) for finding in findings]}
        text = json.dumps(report, indent=2, ensure_ascii=False)
    else:
        text = format_report(findings, shutil.get_terminal_size((100, 24)).columns, wants_color(), marks())
    sys.stdout.write(text + "\n")
    return 0 if healthy else 4


def examine(timeout=60.0):
    """All findings, in the order of the report."""
    findings = [
        python_version(),
        virtual_environment(),
        *environment_variables(),
        *run_child(timeout),
        *machine_findings(),
        *optional_packages(),
    ]
    findings += [*tools(), fonts()]
    order = list(SECTIONS)
    found = [dataclasses.replace(finding, fix=advice_of(finding)) for finding in findings]
    return sorted(found, key=lambda finding: order.index(finding.section))


def advice_of(finding):
    """The fix of a finding, for the Python that runs; packages that every command needs come with `make setup`."""
    if finding.required and sys.prefix == sys.base_prefix and "pip install" in finding.fix:
        return "make setup"
    return interpreter.in_words_of_pip(finding.fix)


def python_version():
    """Python 3.11 to 3.13, the versions for which the requirements are pinned."""
    detail = f"{platform.python_version()} ({sys.executable})"
    fix = "make setup PYTHON=python3.11, or 3.12 or 3.13 (Debian 12: apt-get install python3 python3-venv)"
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("needed", "Python", good, detail, "" if good else fix)


def virtual_environment(root=machine.REPOSITORY):
    """The environment of `make setup`, in which every script continues by itself."""
    python = interpreter.python_of(str(root))
    if python is None:
        needed = "none; this Python is used" if sys.prefix == sys.base_prefix else f"none; {sys.prefix} is used"
        return Finding("needed", ".venv", True, needed, required=False)
    own = Path(sys.prefix).resolve() == (Path(root) / ".venv").resolve()
    return Finding("needed", ".venv", True, "in use" if own else f"{python}; used where this Python lacks a package")


def environment_variables():
    """Variables under which PaddlePaddle 3.3.1 crashes or fails on a CPU."""
    wrong = [
        f"{name}={os.environ[name]}"
        for name, fatal in FATAL.items()
        if name in os.environ and (os.environ[name].lower() in ("", "0", "false")) != fatal
    ]
    return [
        Finding(
            "needed", "environment", False, f"{text} makes PaddlePaddle fail or crash", "unset " + text.split("=")[0]
        )
        for text in wrong
    ]


def run_child(timeout):
    """The findings of the child process; a crash or a timeout is a finding too, named by the running test."""
    code = (
        f"import sys; sys.path[0] = {str(machine.REPOSITORY)!r}; from common.commands.doctor_child import main; main()"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout)  # nosec B603: our own interpreter
        output, errors, end = done.stdout, done.stderr, describe_exit(done.returncode)
    except subprocess.TimeoutExpired as error:
        output, errors = ((text or b"").decode(errors="replace") for text in (error.stdout, error.stderr))
        end = f"timed out after {timeout:g} s"
    findings, current, finished = [], "starting Python", False
    for line in output.splitlines():
        event = json.loads(line)
        if "trying" in event:
            current = event["trying"]
        elif "finished" in event:
            finished = True
        else:
            findings.append(Finding(**event))
    if not finished:
        last_words = [line for line in errors.splitlines() if line.strip()][-1:]
        detail = "; ".join([end, *last_words])
        findings.append(Finding("works", current, False, detail, "make setup, or pip install --force-reinstall of it"))
    return findings


def describe_exit(code):
    """The exit status of a process as text."""
    return f"killed by signal {-code}" if code < 0 else f"exited with code {code}"


def machine_findings():
    """Processor, memory, disk, and GPU driver."""
    total, free = machine.memory_bytes()
    _, flags = runtime.processor()
    found = [Finding("machine", "processor", True, f"{machine.cpu_name()}, {runtime.usable_cores()} cores usable")]
    if flags and "avx" not in flags:
        fix = "use a machine whose processor has AVX; PaddlePaddle from PyPI needs it"
        found[0] = dataclasses.replace(found[0], ok=False, detail=found[0].detail + ", no AVX", fix=fix)
    if total:
        text = f"{gigabytes(free)} free of {gigabytes(total)}"
        found.append(limit("memory", free, text, 1.0, 4.0, "close other programs, or reduce -o train.batch_size=..."))
    disk = shutil.disk_usage(Path.cwd())
    text = f"{gigabytes(disk.free)} free of {gigabytes(disk.total)} at {Path.cwd()}"
    found.append(limit("disk", disk.free, text, 0.5, 5.0, "free some space, or -o output_dir=... on another disk"))
    found.append(check_output_folder())
    if SHARED_MEMORY.is_dir():
        shared = shutil.disk_usage(SHARED_MEMORY)
        text = f"{gigabytes(shared.free)} free of {gigabytes(shared.total)} (not needed by data workers)"
        found.append(Finding("machine", str(SHARED_MEMORY), True, text, required=False))
    if shutil.which("nvidia-smi"):
        found.append(Finding("machine", "NVIDIA driver", True, "nvidia-smi found", required=False))
    return found


def limit(name, free, text, least, comfortable, fix):
    """A finding about an amount in bytes: an error below `least` GB, a warning below `comfortable` GB."""
    if free < comfortable * 2**30:
        return Finding("machine", name, False, text + ", low", fix, required=free < least * 2**30)
    return Finding("machine", name, True, text)


def check_output_folder():
    """Checks that the current folder is writable."""
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor", dir=Path.cwd()):
            return Finding("machine", "output", True, "the current folder is writable")
    except OSError as error:
        fix = "change to a writable folder, or -o output_dir=PATH"
        return Finding("machine", "output", False, f"{Path.cwd()}: {error.strerror}", fix, required=False)


def optional_packages():
    """Packages that only some commands need."""
    found = machine.versions([name for name, _ in OPTIONAL])
    return [
        Finding("optional", name, True, f"{found[name]} ({purpose})", required=False)
        if name in found
        else Finding("optional", name, False, f"not installed ({purpose})", f"pip install {name}", required=False)
        for name, purpose in OPTIONAL
    ]


def tools():
    """Compilers for the C++ programs, and git."""
    found = []
    for name, purpose in (("cmake", "the C++ programs"), ("g++", "the C++ programs"), ("git", "env.json of a run")):
        path = shutil.which(name)
        text = f"{path} ({purpose})" if path else f"not installed ({purpose})"
        found.append(
            Finding("optional", name, bool(path), text, "" if path else f"apt-get install {name}", required=False)
        )
    return found


def fonts():
    """A font with Chinese characters, for class names on plots and images."""
    places = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts", "/Library/Fonts")
    for place in places:
        for path in Path(place).expanduser().rglob("*.[to]t[fc]"):
            if any(word in path.name.lower().replace("-", "").replace("_", "") for word in FONT_WORDS):
                return Finding("optional", "Chinese font", True, path.name, required=False)
    text = "not found; plots show indices for Chinese class names"
    return Finding("optional", "Chinese font", False, text, "apt-get install fonts-wqy-zenhei", required=False)


def gigabytes(amount):
    """Bytes as text."""
    return f"{amount / 2**30:.1f} GB"


def format_report(findings, width, colors, marks):
    """Formats the report as a table, each fix below its line.

    Args:
        findings (list[Finding]): in order.
        width (int): columns of the terminal, at least 40.
        colors (bool): color the marks.
        marks (tuple[str]): for passed, failed, and warning.
    """
    left = max(len(finding.name) for finding in findings) + 4
    if width < 70:
        left = 4
    lines = []
    for section, title in SECTIONS.items():
        chosen = [finding for finding in findings if finding.section == section]
        lines += ["", title] if chosen else []
        for finding in chosen:
            kind = 0 if finding.ok else 1 if finding.required else 2
            mark = f"\x1b[{(32, 31, 33)[kind]}m{marks[kind]}\x1b[0m" if colors else marks[kind]
            name = f"{finding.name:<{left - 4}}"
            room = max(width - 1, 39)
            text = textwrap.wrap(f"{name}  {finding.detail}", room - 2, subsequent_indent=" " * (left - 2)) or [name]
            lines += [f"{mark} {text[0]}", *("  " + line for line in text[1:])]
            if finding.fix:
                lines += ["  " + line for line in textwrap.wrap("fix: " + finding.fix, room - 2, **indents(left - 2))]
    bad = [finding.name for finding in findings if finding.required and not finding.ok]
    lines += ["", "All required checks passed." if not bad else "Failed: " + ", ".join(bad)]
    return "\n".join(lines[1:])


def indents(spaces):
    """Arguments of textwrap for an indented paragraph."""
    return {
        "initial_indent": " " * spaces,
        "subsequent_indent": " " * (spaces + 5),
        "break_on_hyphens": False,
        "break_long_words": False,
    }


def wants_color():
    """True on a terminal unless NO_COLOR is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def marks():
    """The marks of the report, in ASCII if the encoding of the output lacks symbols."""
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ("ok", "XX", "--")
    return ("✓", "✗", "-")
