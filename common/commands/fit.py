"""`tools/fit.py`: fits the transforms of a configuration to the training data, such as vocabularies."""

import argparse
import sys

from common.commands.main import add_config_arguments, open_config, run_command
from common.commands.parser import Parser

EXAMPLES = """examples:
  python tools/fit.py -c configs/deepfm.yml            # training does the same if needed
  python tools/fit.py -c configs/deepfm.yml --force    # fit again after the data or the settings changed
"""


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="fit.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options)
    options.add_argument("--force", action="store_true", help="fit transforms again that are fitted already")
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_fit(args, default_kit), argv)


def run_fit(args, default_kit):
    """Runs the command."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.build.data import build_dataset
    from common.build.learn_transforms import fit_transforms

    written = fit_transforms(config, build_dataset(config, "train"), force=args.force)
    for path in written:
        sys.stdout.write(f"{path}\n")
    if not written:
        sys.stdout.write("nothing to fit: all transforms are fitted, or none needs it (--force fits again)\n")
    return 0
