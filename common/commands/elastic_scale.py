"""`tools/elastic.py scale`: another number of workers for a run that is up."""

import sys

from common.commands.main import add_config_arguments, open_config
from common.errors import ConfigError


def add_options(parser):
    """Adds the options of the command."""
    add_config_arguments(parser)
    parser.add_argument("--workers", type=int, required=True, help="processes that compute gradients")


def execute(args):
    """Runs the command."""
    config = open_config(args, None)
    if config is None:
        return 0
    if args.workers < 1:
        raise ConfigError(f"--workers is {args.workers}; it must be 1 or more (down ends the run)")
    from common.elastic.run import wish

    wish(config.run_folder, workers=args.workers)
    sys.stdout.write(f"{config.run_folder}: {args.workers} workers wanted\n")
    return 0
