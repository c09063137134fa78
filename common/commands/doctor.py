"""What is installed, what works, and what to do about what does not.

Needs nothing but the standard library: a broken installation is reported, not crashed on. What imports PaddlePaddle
runs in a child process (`common/commands/doctor_child.py`).
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

from common.commands.parser import Parser
from common.system import host as machine
from common.system import runtime

SECTIONS = {
    "needed": "Needed",
    "machine": "This machine",
    "works": "Tried out",
    "optional": "Optional",
}

OPTIONAL = (
    ("visualdl", "curves: train.py --use_vdl"),
    ("tensorboardX", "curves: train.py --use_tb"),
    ("paddle2onnx", "export to ONNX"),
    ("onnxruntime", "running and comparing ONNX models"),
    ("matplotlib", "plots in the folder of a run"),
    ("scikit-learn", "the data of make demo"),
    ("scikit-image", "the data of make demo"),
    ("pycocotools", "tests of the mAP against COCO's own"),
    ("pytest", "make test"),
    ("ruff", "make lint"),
    ("bandit", "make lint"),
)

# Switches of PaddlePaddle 3.3.1, and whether it is setting them (or unsetting them) that breaks it on a CPU.
FATAL = {"FLAGS_use_mkldnn": True, "FLAGS_use_onednn": True, "FLAGS_enable_pir_api": False}

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108: only its size is read

FONT_WORDS = ("cjk", "wqy", "simhei", "simsun", "notosanssc", "sourcehansans", "droidsansfallback", "pingfang")


@dataclasses.dataclass
class Finding:
    """One line of the report.

    Args:
        section (str): a key of SECTIONS.
        name (str): what was looked at.
        ok (bool): whether it is as it should be.
        detail (str): what was found.
        fix (str): what to do about it; empty when it is as it should be.
        required (bool): whether the kits do not work without it.
    """

    section: str
    name: str
    ok: bool
    detail: str
    fix: str = ""
    required: bool = True


def parser():
    """The options of the command."""
    options = Parser(
        prog="doctor.py",
        description="What is installed, what works, and what to do about what does not.",
        epilog="example:\n  python tools/doctor.py --json > doctor.json\n\nexit code: 0, or 4 when a needed part fails",
    )
    options.add_argument("--json", action="store_true", help="print the findings as JSON")
    options.add_argument("--timeout", type=float, default=60.0, help="seconds the trial may take (default 60)")
    return options


def main(arguments=None):
    """Prints the report; returns 0, or 4 when something that is needed fails."""
    options = parser().parse_args(arguments)
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
        *environment_variables(),
        *run_child(timeout),
        *machine_findings(),
        *optional_packages(),
    ]
    findings += [*tools(), fonts()]
    order = list(SECTIONS)
    return sorted(findings, key=lambda finding: order.index(finding.section))


def python_version():
    """Python 3.11, the version the requirements are pinned for."""
    detail = f"{platform.python_version()} ({sys.executable})"
    fix = "make setup, with Python 3.11 on the PATH (Debian 12: apt-get install python3 python3-venv)"
    good = sys.version_info[:2] == (3, 11)
    return Finding("needed", "Python 3.11", good, detail, "" if good else fix)


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
    """What the child process finds; a crash or a hang is a finding too, named by what was being tried."""
    code = (
        f"import sys; sys.path[0] = {str(machine.REPOSITORY)!r}; from common.commands.doctor_child import main; main()"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout)  # nosec B603: our own interpreter and words
        output, errors, end = done.stdout, done.stderr, describe_exit(done.returncode)
    except subprocess.TimeoutExpired as error:
        output, errors = ((text or b"").decode(errors="replace") for text in (error.stdout, error.stderr))
        end = f"did not end within {timeout:g} s"
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
    """How a process ended, in words."""
    return f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def machine_findings():
    """Processor, memory, disk, and the settings that follow from them."""
    total, free = machine.memory_bytes()
    _, flags = runtime.processor()
    found = [Finding("machine", "processor", True, f"{machine.cpu_name()}, {runtime.usable_cores()} cores usable")]
    if flags and "avx" not in flags:
        fix = "use a machine whose processor has AVX; PaddlePaddle from PyPI needs it"
        found[0] = dataclasses.replace(found[0], ok=False, detail=found[0].detail + ", no AVX", fix=fix)
    if total:
        text = f"{gigabytes(free)} free of {gigabytes(total)}"
        found.append(limit("memory", free, text, 1.0, 4.0, "close programs, or -o train.batch_size=... smaller"))
    disk = shutil.disk_usage(Path.cwd())
    text = f"{gigabytes(disk.free)} free of {gigabytes(disk.total)} at {Path.cwd()}"
    found.append(limit("disk", disk.free, text, 0.5, 5.0, "free some space, or -o output_dir=... on another disk"))
    found.append(check_output_folder())
    if SHARED_MEMORY.is_dir():
        shared = shutil.disk_usage(SHARED_MEMORY)
        text = f"{gigabytes(shared.free)} free of {gigabytes(shared.total)} (the data workers do not need it)"
        found.append(Finding("machine", str(SHARED_MEMORY), True, text, required=False))
    if shutil.which("nvidia-smi"):
        found.append(Finding("machine", "NVIDIA driver", True, "nvidia-smi is there", required=False))
    return found


def limit(name, free, text, least, comfortable, fix):
    """A finding about an amount in bytes: it fails below `least` gigabytes and is remarked on below `comfortable`."""
    if free < comfortable * 2**30:
        return Finding("machine", name, False, text + ", little", fix, required=free < least * 2**30)
    return Finding("machine", name, True, text)


def check_output_folder():
    """Whether a run can write below the current folder."""
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor", dir=Path.cwd()):
            return Finding("machine", "output", True, "the current folder can be written")
    except OSError as error:
        fix = "change to a folder of yours, or -o output_dir=PATH"
        return Finding("machine", "output", False, f"{Path.cwd()}: {error.strerror}", fix, required=False)


def optional_packages():
    """The packages that only some commands need."""
    found = machine.versions([name for name, _ in OPTIONAL])
    return [
        Finding("optional", name, True, f"{found[name]} ({purpose})", required=False)
        if name in found
        else Finding("optional", name, False, f"not installed ({purpose})", f"pip install {name}", required=False)
        for name, purpose in OPTIONAL
    ]


def tools():
    """The compilers of the C++ programs, and git."""
    found = []
    for name, purpose in (("cmake", "the C++ programs"), ("g++", "the C++ programs"), ("git", "env.json of a run")):
        path = shutil.which(name)
        text = f"{path} ({purpose})" if path else f"not installed ({purpose})"
        found.append(
            Finding("optional", name, bool(path), text, "" if path else f"apt-get install {name}", required=False)
        )
    return found


def fonts():
    """A font with Chinese characters, for class names on plots and pictures."""
    places = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts", "/Library/Fonts")
    for place in places:
        for path in Path(place).expanduser().rglob("*.[to]t[fc]"):
            if any(word in path.name.lower().replace("-", "").replace("_", "") for word in FONT_WORDS):
                return Finding("optional", "Chinese font", True, path.name, required=False)
    text = "none; Chinese class names show as numbers on plots"
    return Finding("optional", "Chinese font", False, text, "apt-get install fonts-wqy-zenhei", required=False)


def gigabytes(amount):
    """Bytes as text."""
    return f"{amount / 2**30:.1f} GB"


def format_report(findings, width, colors, marks):
    """The report as a table with the fixes below their lines.

    Args:
        findings (list[Finding]): in order.
        width (int): columns of the terminal; never written beyond, down to 40.
        colors (bool): whether to color the marks.
        marks (tuple[str]): for good, for bad, and for what is only remarked on.
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
    lines += ["", "Everything that is needed works." if not bad else "To be mended: " + ", ".join(bad)]
    return "\n".join(lines[1:])


def indents(spaces):
    """The arguments of textwrap for a paragraph that is indented as a whole."""
    return {
        "initial_indent": " " * spaces,
        "subsequent_indent": " " * (spaces + 5),
        "break_on_hyphens": False,
        "break_long_words": False,
    }


def wants_color():
    """Colours only on a terminal, and not where NO_COLOR is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def marks():
    """The marks of the report, in letters where the output cannot show others."""
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ("ok", "XX", "--")
    return ("✓", "✗", "-")
