"""`tools/export.py`: writes a model for inference and proves that it answers as the trained one does."""

import argparse
import sys

from common.commands.main import add_config_arguments, open_config, run
from common.commands.parser import Parser

EXAMPLES = """examples:
  python tools/export.py -c configs/yolov3.yml -o weights=output/yolov3/best        # to output/yolov3/export
  python tools/export.py -c configs/yolov3.yml -o weights=output/yolov3/best --onnx
"""


def parser():
    """The options of the command."""
    options = Parser(
        prog="export.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, weights=True)
    options.add_argument("--out", metavar="DIR", help="where to write (default: output/<config>/export)")
    options.add_argument(
        "--onnx",
        action="store_true",
        help="write model.onnx too, compared the same way (needs paddle2onnx, onnxruntime)",
    )
    return options


def main(default_kit=None, argv=None):
    """Runs the command; ends the process."""
    run(parser(), lambda args: write(args, default_kit), argv)


def write(args, default_kit):
    """What the command does."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.training.run import Run

    sys.stdout.write(f"{Run(config).export(args.out, args.onnx)}\n")
    return 0
