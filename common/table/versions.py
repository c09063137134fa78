"""Versions of what is published for serving: a folder for each, and a link `current` to the one that is served.

    published/2020040100/    published/2020040101/    published/current -> 2020040101    published/donefile

A folder appears whole, and the link is renamed over the one before, so that who follows it sees one version or the
other and never a part of one.  A line of JSON in `donefile` announces each version to programs that wait for new ones.
"""

import json
import os
import re
import shutil
from pathlib import Path

from common.errors import EnvironmentProblem
from common.weights.manifest import flush_folder
from common.weights.run_folder import move_into_place, remove_leftovers

CURRENT = "current"
DONE = "donefile"
NAME = re.compile(r"[0-9]{1,18}")


def publish(root, version, fill, keep=3, facts=None):
    """Publishes a version: `fill` writes its folder, which then gets its name and becomes the current one.

    Args:
        root (str | Path): of all versions; it is made.
        version (str): 1 to 18 digits, such as the hour 2020040100; one that is there is replaced.
        fill (Callable): from the path of a new, empty folder to nothing; it flushes what it writes.
        keep (int): see :func:`announce`.
        facts (dict | None): see :func:`announce`.

    Returns:
        Path: of the version.

    Raises:
        ValueError: `version` is no number, or `keep` is below 2.
        EnvironmentProblem: the disk is full, or not writable.
    """
    root = Path(root)
    if not NAME.fullmatch(version) or keep < 2:
        raise ValueError(f"version is {version!r} and keep {keep}; they take 1 to 18 digits, and 2 or more")
    draft, final = root / f".{version}.tmp-{os.getpid()}", root / version
    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_leftovers(root, version)
        draft.mkdir()
        try:
            fill(draft)
            flush_folder(draft)
            move_into_place(draft, final)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        announce(root, version, facts or {}, keep)
    except OSError as error:
        raise EnvironmentProblem(f"cannot publish {final}: {error}") from error
    return final


def announce(root, version, facts, keep=3):
    """Makes a version that is there the current one, notes it in `donefile`, and removes the oldest versions.

    Lines of this version and of later ones, which a run that went back has written, are taken out.

    Args:
        root (Path): of all versions.
        version (str): its name.
        facts (dict): more values of its line, such as `step` and scores.
        keep (int): newest versions that remain; with at least 2 a reader that has just read the link finds its folder.
    """
    set_current(root, version)
    entries = [entry for name, entry in announced(root).items() if int(name) < int(version)]
    entries.append({"version": version, "path": version, **facts})
    draft = root / f".{DONE}-{os.getpid()}"
    draft.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    draft.replace(root / DONE)
    for entry in entries[:-keep]:
        shutil.rmtree(root / entry["version"], ignore_errors=True)


def announced(root):
    """The entries of the donefile by their versions, the oldest first (dict[str, dict])."""
    done = Path(root) / DONE
    lines = done.read_text(encoding="utf-8").splitlines() if done.is_file() else []
    return {entry["version"]: entry for entry in map(json.loads, lines)}


def set_current(root, version):
    """Makes a version that is there the current one, such as an earlier one again."""
    root = Path(root)
    if not (root / version).is_dir():
        raise EnvironmentProblem(f"{root}: there is no version {version}; it has {', '.join(published_versions(root))}")
    link = root / f".{CURRENT}.tmp-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(version)
    os.replace(link, root / CURRENT)
    flush_folder(root)


def current_version(root):
    """The name of the version that the link names (str); None without a link."""
    try:
        name = os.readlink(Path(root) / CURRENT)
    except OSError:
        return None
    return name if NAME.fullmatch(name) and (Path(root) / name).is_dir() else None


def published_versions(root):
    """The names of the versions that are there, the oldest first (list[str])."""
    root = Path(root)
    names = [path.name for path in root.iterdir() if NAME.fullmatch(path.name)] if root.is_dir() else []
    return sorted(names, key=int)
