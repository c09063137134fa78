"""`tools/elastic.py down`: lets the workers of a run end their parts, commits, and stops."""

import sys
import time

from common.commands.main import add_config_arguments, open_config
from common.errors import EnvironmentProblem


def add_options(parser):
    """Adds the options of the command."""
    add_config_arguments(parser)
    parser.add_argument("--wait", type=float, default=300.0, help="seconds to wait for the end (default 300)")


def execute(args):
    """Runs the command."""
    config = open_config(args, None)
    if config is None:
        return 0
    from common.elastic.run import read_status, wish

    wish(config.run_folder, stop=True)
    end = time.monotonic() + args.wait
    while time.monotonic() < end:
        found = read_status(config.run_folder)
        if found["state"] != "running":
            sys.stdout.write(f"{config.run_folder}: {found['state']}, commit {found['commit']}\n")
            return 0
        time.sleep(0.3)
    raise EnvironmentProblem(f"{config.run_folder}: still running after {args.wait:g} seconds")
