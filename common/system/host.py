"""Facts about the host: installed versions, CPU, memory, git revision; uses the standard library only."""

import importlib.metadata
import platform
import re
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def versions(packages):
    """The installed versions by package name; packages that are not installed are omitted."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cpu_name():
    """The CPU model name as reported by the operating system."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def memory_bytes():
    """(total, available) memory in bytes within the container's limit; zeros if the system does not report it."""
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
    """{"commit": hash, "changed": True if the working tree is dirty}; empty outside a repository or without git."""
    git = shutil.which("git")
    if git is None:
        return {}
    outputs = []
    for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]):
        try:
            done = subprocess.run([git, "-C", str(folder), *words], capture_output=True, text=True, timeout=10)  # nosec B603: fixed words
        except (OSError, subprocess.TimeoutExpired):
            return {}
        if done.returncode:
            return {}
        outputs.append(done.stdout.strip())
    return {"commit": outputs[0], "changed": bool(outputs[1])}


def anonymize(text):
    """Replaces home folders and redacts the values of passwords, tokens, secrets and API keys."""
    text = re.sub(r"(/home/|/Users/)[^/\s'\"]+", "~", str(text).replace(str(Path.home()), "~"))
    return re.sub(r"(?i)((?:password|passwd|token|secret|api_?key|access_?key)[=: ]+)\S+", r"\1***", text)
