"""`tools/elastic.py logs`: the log of a run of several processes."""

import sys
import time
from pathlib import Path

from common.commands.main import add_config_arguments, open_config
from common.errors import EnvironmentProblem


def add_options(parser):
    """Adds the options of the command."""
    add_config_arguments(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines are written, until Ctrl-C")
    parser.add_argument("--of", metavar="NAME", help="a member, such as worker-0 or shard-0; the supervisor by default")


def execute(args):
    """Runs the command."""
    config = open_config(args, None)
    if config is None:
        return 0
    folder = Path(config.run_folder) / "elastic"
    file = folder / "logs" / f"{args.of}.txt" if args.of else folder / "log.txt"
    if not file.is_file():
        names = ", ".join(sorted(path.stem for path in (folder / "logs").glob("*.txt")))
        raise EnvironmentProblem(f"{file}: there is no such log; the members are {names or 'not started yet'}")
    with open(file, encoding="utf-8", errors="backslashreplace") as source:
        while True:
            sys.stdout.write(source.read())
            sys.stdout.flush()
            if not args.follow:
                return 0
            time.sleep(0.5)
