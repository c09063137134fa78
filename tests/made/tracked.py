"""The files of the repository, without those that a user put beside them: configurations, forks, logs, results."""

import functools
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.cache
def tracked(*patterns, root=ROOT):
    """The files that git tracks, sorted (tuple[Path]); in a copy without git, all that are not ignored by name.

    Args:
        patterns (str): as `git ls-files` takes them, such as `*.py`, which matches at any depth.
        root (Path): the repository.
    """
    command = ["git", "ls-files", "-z", "--", *patterns]
    place = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)}  # not those of a repository around the copy
    listing = subprocess.run(command, cwd=root, capture_output=True, text=True, env=place)
    names = listing.stdout.split("\0")[:-1] if listing.returncode == 0 else without_git(root, patterns)
    found = tuple(root / name for name in sorted(names) if (root / name).is_file())
    assert found, f"{root} has no file {patterns}"
    return found


def without_git(root, patterns):
    """Names of the files whose top folder is one of the repository's, made by no command."""
    for folder, folders, files in os.walk(root):
        inside = pathlib.Path(folder).relative_to(root)
        made = {"output", "dataset", "log", "build", "demo", "__pycache__"}
        folders[:] = [name for name in folders if name not in made and not name.startswith((".venv", ".git"))]
        for name in (inside / file for file in files):
            if not patterns or any(name.match(pattern) for pattern in patterns):
                yield str(name)
