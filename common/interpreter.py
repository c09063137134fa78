"""The Python that a script runs in: one with the dependencies, or else that of `.venv`, which `make setup` makes.

Imported by the package itself before anything else, so it needs only the standard library and runs in Python 3.8.
"""

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("tools", "benchmarks", "notebooks")  # of scripts that users start
NEEDED = ("numpy", "yaml", "cv2", "safetensors", "paddle")
OLDEST = (3, 11)
OFF = "KIT_NO_VENV"  # set by users who want an error in place of another Python
STARTED = "KIT_VENV_STARTED"  # set for the Python of .venv, so that it never starts itself again
LACKING = 4  # the exit code of an environment that lacks something


def lacking():
    """The cause for which this Python cannot run the commands, as text; empty if it can."""
    if sys.version_info < OLDEST:
        return "is older than {}.{}".format(*OLDEST)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return "lacks " + ", ".join(missing) if missing else ""


def python_of(root):
    """The Python of the repository's virtual environment, or None."""
    for place in ("bin/python", "Scripts/python.exe"):
        path = os.path.join(root, ".venv", *place.split("/"))
        if os.access(path, os.X_OK):
            return path
    return None


def in_words_of_pip(text, root=ROOT):
    """A message whose `pip install` means the Python that runs: a shell's `pip` may be another one's.

    Debian's Python refuses `pip install` outside of a virtual environment (PEP 668).
    """
    if sys.prefix != sys.base_prefix:
        active = os.environ.get("VIRTUAL_ENV", "")
        pip = "pip install" if active and os.path.realpath(active) == os.path.realpath(sys.prefix) else ""
        return re.sub(r"(?<![-/\w] )\bpip install", pip or shortest(sys.executable) + " -m pip install", text)
    if not os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")):
        return text
    pip = shortest(os.path.join(root, ".venv", "bin", "python"))
    return re.sub(r"(?<![-/\w] )\bpip install", f"make setup, then {pip} -m pip install", text)


def shortest(path):
    """A path relative to the current folder if it is inside."""
    near = os.path.relpath(path)
    return path if near.startswith("..") else near


def right_python(root=ROOT):
    """The cause for which `common` cannot be imported here, and the Python that can, as text."""
    python = python_of(root)
    use = f"use {shortest(python)}, or activate its environment" if python else f"run: cd {root} && make setup"
    return f"this Python ({sys.executable}) {lacking() or 'lacks a package'}; {use}"


def use_dependencies(script, root=ROOT):
    """Returns if this Python has the dependencies; else starts the script in `.venv`, or exits with code 4.

    Args:
        script (str): the program that was started.
        root (str): the folder that has `.venv`.
    """
    restarted = os.environ.pop(STARTED, "")
    cause = lacking()
    if not cause:
        return
    python = python_of(root)
    here = "this Python ({} {}.{})".format(sys.executable, *sys.version_info[:2])
    if python is None or restarted or os.environ.get(OFF):
        if os.path.basename(script) == "doctor.py" and sys.version_info >= OLDEST:
            return  # the report says it better
        where = f"cd {root} && make setup" if os.getcwd() != root else "make setup"
        sys.stderr.write(f"error: {here} {cause}; run: {where}\n")
        sys.exit(LACKING)
    sys.stderr.write(f"note: {here} {cause}; continuing in {python} ({OFF}=1 turns this off)\n")
    sys.stderr.flush()
    command = [python, *getattr(sys, "orig_argv", [sys.executable, *sys.argv])[1:]]
    environment = dict(os.environ, **{STARTED: "1"})
    if os.name == "nt":  # there exec returns to the shell at once
        sys.exit(subprocess.call(command, env=environment))
    os.execve(python, command, environment)  # noqa: S606  # nosec B606: our own interpreter


def started_script():
    """The script that this process runs if it is in one of the folders FOLDERS, else None."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    folder = os.path.basename(os.path.dirname(os.path.abspath(script))) if script else ""
    return script if folder in FOLDERS else None


if started_script():
    use_dependencies(started_script())
