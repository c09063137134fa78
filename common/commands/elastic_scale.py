"""`tools/elastic.py scale`: another number of workers or of shards for a run that is up."""

import sys

from common.commands.main import add_config_arguments, open_config
from common.commands.parser import positive_int
from common.errors import ConfigError

MOST = 16  # shards; a commit has so many files of rows


def add_options(parser):
    """Adds the options of the command."""
    add_config_arguments(parser)
    help = "processes that compute gradients (down ends the run)"
    parser.add_argument("--workers", type=positive_int, help=help)
    parser.add_argument("--shards", type=positive_int, help=f"processes that hold rows, {MOST} at most; with a commit")


def execute(args):
    """Runs the command."""
    config = open_config(args, None)
    if config is None:
        return 0
    wanted = {name: getattr(args, name) for name in ("workers", "shards") if getattr(args, name)}
    if not wanted:
        raise ConfigError("scale needs --workers, --shards or both")
    if wanted.get("shards", 1) > MOST:
        raise ConfigError(f"--shards is {args.shards}; {MOST} at most")
    from common.elastic.run import wish

    wish(config.run_folder, **wanted)
    sys.stdout.write(f"{config.run_folder}: {' and '.join(f'{n} {name}' for name, n in wanted.items())} wanted\n")
    return 0
