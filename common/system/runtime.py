"""Performance settings for PaddlePaddle on the host CPU: OpenMP threads, MKL, malloc; applied before it is imported.

Environment variables override them:
    KIT_THREADS=N         threads per process; the default is the number of cores this process may use
    KIT_MKL=0             leave the choice of the code path to MKL
    KIT_MALLOC=0          leave the C library's allocator unchanged
    KIT_ONEDNN=0          compute with PaddlePaddle's own convolutions (see common/layers/fast_conv.py)
    OMP_NUM_THREADS, OMP_WAIT_POLICY, MKL_DEBUG_CPU_TYPE, MALLOC_*, GLOG_minloglevel: an existing value is kept.
"""

import contextlib
import ctypes
import importlib
import io
import math
import os
import signal
import sys
import threading
import warnings
from pathlib import Path

from common.errors import ConfigError, EnvironmentProblem

# mallopt(3): PaddlePaddle frees every tensor; by default glibc returns each large one to the kernel.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MALLOC = ((M_MMAP_THRESHOLD, 1 << 30), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 256 << 20))
CHATTER = ("No ccache found", "WARNING: OMP_NUM_THREADS set to", "PLEASE USE OMP_NUM_THREADS WISELY", "warnings.warn(")

_done = []


def prepare(load=True):
    """Applies the settings for this machine, once, and imports PaddlePaddle without its irrelevant warnings.

    Args:
        load (bool): also import PaddlePaddle.

    Returns:
        list[tuple[str, str, str]]: the settings, see :func:`runtime_settings`.

    Raises:
        ConfigError: KIT_THREADS is not a number of 1 or more.
        EnvironmentProblem: PaddlePaddle is not installed or cannot be imported.
    """
    if not _done:
        late = "paddle" in sys.modules
        _done.extend([_mkl(late), _threads(late), _wait(late), _convolutions(), _malloc(), _glog()])
        for words in ("No ccache found", "When training, we now always track global mean", "Tensor do not have"):
            warnings.filterwarnings("ignore", message=words)
    if load and "paddle" not in sys.modules:
        _import_quietly()
    return runtime_settings()


def runtime_settings():
    """(setting, value, reason) of everything :func:`prepare` decided; applies the settings if that was not done yet."""
    return list(_done) or prepare(load=False)


def _import_quietly():
    """Imports PaddlePaddle and forwards its standard error, except for lines known to be irrelevant.

    Its SIGTERM handler, which prints a stack trace as if the program had crashed, is replaced by the previous one.
    """
    output, handler = io.StringIO(), signal.getsignal(signal.SIGTERM)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        with contextlib.redirect_stderr(output):
            importlib.import_module("paddle")
    except ModuleNotFoundError as error:
        fix = "pip install -r requirements.lock" if error.name == "paddle" else f"pip install {error.name}"
        raise EnvironmentProblem(f"the package {error.name} is not installed: {fix}") from error
    except ImportError as error:
        raise EnvironmentProblem(f"PaddlePaddle cannot be imported: {error}") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_DFL if handler is None else handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        lines = [line for line in output.getvalue().splitlines() if not any(words in line for words in CHATTER)]
        if lines:
            sys.stderr.write("\n".join(lines) + "\n")


# The machine ---------------------------------------------------------------------------------------------------------


def processor(path="/proc/cpuinfo"):
    """(vendor, flags) of the first CPU; empty if the file cannot be read."""
    vendor, flags = "", frozenset()
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == "vendor_id" and not vendor:
                    vendor = value.strip()
                if name.strip() == "flags":
                    return vendor, frozenset(value.split())
    except OSError:
        pass
    return vendor, flags


def usable_cores(cgroup="/sys/fs/cgroup", own="/proc/self/cgroup"):
    """The number of cores this process may use, by CPU affinity and by the quota of its cgroups (v1 or v2)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for folder in _control_groups(Path(cgroup), own) if (quota := _quota(folder)) is not None]
    return max(1, min([cores, *(math.ceil(quota) for quota in quotas)]))


def _control_groups(root, own):
    """Folders of the cgroups of this process, innermost first, up to the root."""
    try:
        lines = Path(own).read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    found = []
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" or "cpu" in controllers.split(","):
            bases = [root] if number == "0" else [root / controllers, root / "cpu"]
            inside = Path(path.lstrip("/"))
            found += [base / part for base in bases for part in (inside, *inside.parents)]
    return found or [root, root / "cpu"]


def _quota(folder):
    """The CPU quota of one cgroup in cores, or None."""
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text().split()[:2]
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return None if quota == "max" or int(quota) <= 0 else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


# The settings --------------------------------------------------------------------------------------------------------


def _mkl(late):
    name = "MKL_DEBUG_CPU_TYPE"
    vendor, flags = processor()
    if name in os.environ:
        return name, os.environ[name], "set by the environment"
    if os.environ.get("KIT_MKL") == "0":
        return name, "not set", "KIT_MKL=0"
    if vendor != "AuthenticAMD":
        return name, "not set", f"the processor is {vendor or 'unknown'}; only on AMD does MKL choose a slow path"
    if "avx2" not in flags:
        return name, "not set", "the processor has no AVX2"
    if late:
        return name, "not set", "PaddlePaddle was imported before; matrix products take 2 to 3 times as long"
    os.environ[name] = "5"
    return name, "5", "AMD with AVX2: MKL's fast path, 2 to 3 times faster matrix products"


def _threads(late):
    name = "OMP_NUM_THREADS"
    requested = os.environ.get("KIT_THREADS")
    processes = _processes_here()
    if requested:
        if not requested.isdigit() or int(requested) < 1:
            raise ConfigError(f"KIT_THREADS={requested}: write a number of threads, 1 or more")
        threads, why = int(requested), "KIT_THREADS"
    elif name in os.environ and not (processes > 1 and os.environ[name] == "1"):
        # The launcher imports PaddlePaddle, which sets 1 if the variable is unset; child processes inherit it.
        return name, os.environ[name], "set by the environment"
    else:
        cores = usable_cores()
        threads = max(1, cores // processes)
        why = f"{cores} usable cores" + (f" for {processes} processes" if processes > 1 else "")
    if late:
        return name, os.environ.get(name, "not set"), "PaddlePaddle was imported before and keeps its thread count"
    os.environ[name] = str(threads)
    return name, str(threads), why


def _wait(late):
    name = "OMP_WAIT_POLICY"
    if name in os.environ:
        return name, os.environ[name], "set by the environment"
    if late:
        return name, "not set", "PaddlePaddle was imported before; idle threads keep a core busy for a while"
    os.environ[name] = "passive"
    return name, "passive", "MKL and oneDNN have a thread pool each; the idle pool yields its cores to the other"


def _convolutions():
    name = "convolutions"
    if os.environ.get("KIT_ONEDNN") == "0":
        return name, "PaddlePaddle", "KIT_ONEDNN=0"
    return name, "oneDNN", "on CPUs it uses all cores and is up to 8 times faster for depthwise convolutions"


def _processes_here():
    """The number of processes that the launcher started on this machine; 1 without a launcher."""
    for name in ("PADDLE_LOCAL_SIZE", "PADDLE_TRAINERS_NUM"):
        value = os.environ.get(name, "")
        if value.isdigit() and int(value) > 0:
            return int(value)
    return 1


def _malloc():
    if os.environ.get("KIT_MALLOC") == "0":
        return "malloc", "unchanged", "KIT_MALLOC=0"
    if any(name.startswith("MALLOC_") for name in os.environ):
        return "malloc", "unchanged", "MALLOC_* is set by the environment"
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version.restype = ctypes.c_char_p
        version = library.gnu_get_libc_version().decode()
    except (OSError, AttributeError):
        return "malloc", "unchanged", "the C library is not glibc"
    accepted = [library.mallopt(option, value) for option, value in MALLOC]
    if not all(accepted):
        return "malloc", "partly kept", f"glibc {version} rejected a value; freed memory may be returned to the kernel"
    return "malloc", "keeps memory", f"glibc {version}: freed memory is reused, which makes steps up to 25 % faster"


def _glog():
    name = "GLOG_minloglevel"
    if name in os.environ:
        return name, os.environ[name], "set by the environment"
    os.environ[name] = "2"
    return name, "2", "PaddlePaddle logs errors only"
