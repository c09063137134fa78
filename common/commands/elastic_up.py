"""`tools/elastic.py up`: trains by several processes on this machine, or in a cluster of Ray that is there."""

import os
import subprocess
import sys
import time
from pathlib import Path

from common.commands.main import add_config_arguments, open_config
from common.commands.parser import positive_int
from common.errors import EnvironmentProblem
from common.interpreter import ROOT

PATIENCE = 300.0  # seconds until the first status


def add_options(parser):
    """Adds the options of the command."""
    add_config_arguments(parser)
    parser.add_argument(
        "--workers", type=positive_int, help="processes that compute gradients; elastic.workers by default"
    )
    parser.add_argument("--shards", type=positive_int, help="processes that hold rows; elastic.shards by default")
    parser.add_argument("--local", action="store_true", help="on this machine, on 127.0.0.1 alone (the default)")
    parser.add_argument("--address", help="a cluster of Ray that is there, such as auto inside of one")
    parser.add_argument("--overwrite", action="store_true", help="remove an earlier run; else it is resumed")
    parser.add_argument("--foreground", action="store_true", help="stay, and log to this terminal; Ctrl-C drains")


def execute(args):
    """Runs the command."""
    config = open_config(args, None)
    if config is None:
        return 0
    from common.elastic.ray_cluster import RayCluster, check_ray

    check_ray()
    if not args.foreground:
        return start_apart(Path(config.run_folder).resolve())
    from common.elastic.run import run_elastic

    given = {"workers": args.workers, "shards": args.shards, "overwrite": args.overwrite}
    run_elastic(config, lambda folder: RayCluster(folder, args.address), **given)
    return 0


def start_apart(folder):
    """Starts this command again as a process of its own, and returns once it is up."""
    log = folder / "elastic" / "log.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    begun, size = time.time(), log.stat().st_size if log.exists() else 0
    command = [sys.executable, str(Path(ROOT) / "tools" / "elastic.py"), *sys.argv[1:], "--foreground"]
    with open(log, "ab") as file:
        streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file}
        process = subprocess.Popen(command, start_new_session=True, env=os.environ.copy(), **streams)
    while time.time() - begun < PATIENCE:
        if is_up(folder, begun):
            sys.stdout.write(f"{folder}: up (process {process.pid}); log: {log}\n")
            return 0
        if process.poll() is not None:
            break
        time.sleep(0.3)
    process.poll()
    text = log.read_bytes()[size:].decode("utf-8", "replace")
    sys.stderr.write(text)
    if process.returncode is None:
        raise EnvironmentProblem(f"no status after {PATIENCE:g} seconds; see {log}")
    return process.returncode


def is_up(folder, since):
    """True if the supervisor has written a status since a time."""
    status = folder / "elastic" / "status.json"
    return status.exists() and status.stat().st_mtime >= since
