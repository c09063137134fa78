"""`tools/elastic.py scale`: another number of workers for a run that is up."""

import sys

from common.commands.main import add_config_arguments, open_config
from common.commands.parser import positive_int


def add_options(parser):
    """Adds the options of the command."""
    add_config_arguments(parser)
    help = "processes that compute gradients (down ends the run)"
    parser.add_argument("--workers", type=positive_int, required=True, help=help)


def execute(args):
    """Runs the command."""
    config = open_config(args, None)
    if config is None:
        return 0
    from common.elastic.run import wish

    wish(config.run_folder, workers=args.workers)
    sys.stdout.write(f"{config.run_folder}: {args.workers} workers wanted\n")
    return 0
