"""`tools/export.py`: exports a model for inference, and verifies its outputs against the trained model."""

import argparse
import sys

from common.commands.main import add_config_arguments, open_config, run_command
from common.commands.parser import Parser

EXAMPLES = """examples:
  python tools/export.py -c configs/yolov3.yml -o weights=output/yolov3/best        # to output/yolov3/export
  python tools/export.py -c configs/yolov3.yml -o weights=output/yolov3/best --onnx
"""


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="export.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, weights=True)
    options.add_argument("--out", metavar="DIR", help="output folder (default: output/<config>/export)")
    options.add_argument(
        "--onnx",
        action="store_true",
        help="write and verify model.onnx too (needs paddle2onnx and onnxruntime)",
    )
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_export(args, default_kit), argv)


def run_export(args, default_kit):
    """Runs the command."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.training.run import Run

    sys.stdout.write(f"{Run(config).export(args.out, args.onnx)}\n")
    return 0
