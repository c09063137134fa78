"""Run folders: `step_N` checkpoints in order, the links `last` and `best`, the lock, cleanup after killed processes."""

import contextlib
import errno
import os
import re
import shutil
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from common.errors import ConfigError, EnvironmentProblem
from common.files import find_file
from common.weights.manifest import CheckpointError, flush_folder, read_manifest, write_file

STEP = re.compile(r"step_(\d+)")
_LEFTOVER = re.compile(r"(step_\d+)\.(tmp|old|trash)-(\d+)")


def newest_first(root):
    """The `step_N` folders in reverse order of writing.

    Not by step: a run that was resumed from an old checkpoint has its newest checkpoint at a lower step. A folder with
    an unreadable manifest comes first, so that a search for the newest one reports it.
    """
    steps = _steps(Path(root))
    return sorted(steps, key=lambda path: (_serial(path), int(STEP.fullmatch(path.name)[1])), reverse=True)


def next_serial(root):
    """The serial number of the next checkpoint in the order of writing."""
    return 1 + max((s for s in map(_serial, _steps(Path(root))) if s != float("inf")), default=0)


def set_link(root, name, target):
    """Sets the symbolic link `root/name` -> `target` atomically; without symlinks, a file that contains the name."""
    root = Path(root)
    temporary = root / f".{name}-{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    try:
        os.symlink(target, temporary)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        write_file(temporary, [target.encode()])
    os.replace(temporary, root / name)
    flush_folder(root)


@contextlib.contextmanager
def lock_run_folder(root):
    """Context manager that locks a run folder (Path, created if missing); forked data workers do not inherit the lock.

    Raises:
        EnvironmentProblem: another process of this machine holds the lock.
    """
    root.mkdir(parents=True, exist_ok=True)
    with open(root / ".lock", "wb") as file:
        try:
            if fcntl:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):  # else it is a file system without locks
                raise EnvironmentProblem(
                    f"{root}: in use by another training run\n  fix: wait until it ends, or use -o output_dir=PATH"
                ) from None
        yield


def link_target(root, name):
    """The name of the `step_N` folder that a link of the run points to, or None."""
    try:
        return resolve_link(Path(root) / name).name
    except (ConfigError, OSError):
        return None


def resolve_link(value):
    """The real path of a checkpoint or of a link to one, including files that replace symbolic links.

    Raises:
        ConfigError: there is no such path.
    """
    path = find_file(value)
    if path.name in ("last", "best") and path.is_file() and path.stat().st_size < 64:
        name = path.read_text(errors="replace")
        path = path.with_name(name) if STEP.fullmatch(name) else path
    if not path.exists():
        beside = [step.name for step in newest_first(path.parent)[:5]]
        known = f"; {path.parent} contains {', '.join(beside)}" if beside else ""
        raise ConfigError(f"{value}: there is no such checkpoint{known}")
    return path.resolve()


def move_into_place(draft, final):
    """Renames a finished draft to its final name.

    An existing folder of this name, a checkpoint of the same step or an export, is first renamed so that
    :func:`remove_leftovers` can restore it.
    """
    old = final.with_name(f"{final.name}.old-{os.getpid()}")
    replaced = final.exists()
    if replaced:
        shutil.rmtree(old, ignore_errors=True)
        os.rename(final, old)
    try:
        os.rename(draft, final)
        flush_folder(final.parent)
    finally:
        if replaced and not final.exists():
            os.rename(old, final)
        else:
            shutil.rmtree(old, ignore_errors=True)


def remove_leftovers(root, name=None):
    """Removes partial files of dead processes, and restores a folder that was being replaced.

    Args:
        root (str | Path): the folder of a run, or the one that an export is written to.
        name (str): of an export in it; the checkpoints of a run when None.
    """
    root = Path(root)
    pattern = re.compile(rf"\.?({re.escape(name)})\.(tmp|raw|old)-(\d+)") if name else _LEFTOVER
    for path in list(root.iterdir()) if root.is_dir() else []:
        match = pattern.fullmatch(path.name)
        if not match or (int(match[3]) != os.getpid() and Path(f"/proc/{match[3]}").exists()):
            continue
        final = root / match[1]
        if match[2] == "old" and not final.exists():
            with contextlib.suppress(OSError):
                os.rename(path, final)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _steps(root):
    if not root.is_dir():
        return []
    return [path for path in root.iterdir() if STEP.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]


def _serial(path):
    try:
        return read_manifest(path).get("serial", 0)
    except CheckpointError:
        return float("inf")
