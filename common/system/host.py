"""Facts about the machine and the installation; needs nothing but the standard library."""

import importlib.metadata
import platform
import re
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def versions(packages):
    """The installed versions by package name; a package that is not installed is left out."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cpu_name():
    """The name of the processor, as the system gives it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def memory_bytes():
    """(total, available) main memory in bytes; zeros where the system does not tell. A container's limit counts."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return 0, 0
    total, free = (int(re.search(rf"{name}:\s*(\d+)", text).group(1)) * 1024 for name in ("MemTotal", "MemAvailable"))
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return total, free
    return min(total, limit), min(free, max(limit - used, 0))


def git_state(folder=REPOSITORY):
    """{"commit": ..., "changed": whether files differ from it}; empty outside a repository or without git."""
    git = shutil.which("git")
    if git is None:
        return {}
    answers = []
    for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]):
        try:
            done = subprocess.run([git, "-C", str(folder), *words], capture_output=True, text=True, timeout=10)  # nosec B603: fixed words
        except (OSError, subprocess.TimeoutExpired):
            return {}
        if done.returncode:
            return {}
        answers.append(done.stdout.strip())
    return {"commit": answers[0], "changed": bool(answers[1])}


def anonymous(text):
    """`text` without home folders and without what stands behind a password, token, secret or key."""
    text = re.sub(r"(/home/|/Users/)[^/\s'\"]+", "~", str(text).replace(str(Path.home()), "~"))
    return re.sub(r"(?i)((?:password|passwd|token|secret|api_?key|access_?key)[=: ]+)\S+", r"\1***", text)
