"""`tools/average.py`: averages the weights of the last checkpoints of a run."""

import sys
from pathlib import Path

from common.commands.main import run_command
from common.commands.parser import Parser, positive_int

EXAMPLES = """examples:
  python tools/average.py output/transformer_base --last 5

Then use -o weights=output/transformer_base/average.
"""


def parser():
    """The argument parser of the command."""
    options = Parser(prog="average.py", description=__doc__, epilog=EXAMPLES)
    options.add_argument("run", metavar="FOLDER", help="folder of a run, with checkpoints step_N (train.keep)")
    options.add_argument("--last", type=positive_int, default=5, help="checkpoints to average (default 5)")
    options.add_argument("--out", metavar="FOLDER", help="new folder of the checkpoint (default: FOLDER/average)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run_average, argv)


def run_average(args):
    """Runs the command."""
    from common.weights.averaging import average_checkpoints, last_checkpoints

    paths = last_checkpoints(args.run, args.last)
    out = Path(args.out or Path(args.run) / "average")
    count = average_checkpoints(paths, out)
    sys.stdout.write(f"{out}: the mean of {', '.join(path.name for path in paths)}, {count:,} elements\n")
    return 0
