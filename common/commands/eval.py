"""`tools/eval.py`: evaluates a checkpoint or an exported model on a dataset."""

import argparse
import json
import sys

from common.commands.main import ENGINES, add_config_arguments, open_config, run_command
from common.commands.parser import Parser

EXAMPLES = """examples:
  python tools/eval.py -c configs/yolov3.yml -o weights=output/yolov3/best
  python tools/eval.py -c configs/yolov3.yml --model output/yolov3/export    # the exported model on the same data
  python tools/eval.py -c configs/yolov3.yml -o weights=output/yolov3/best --split test --json
"""


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="eval.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, weights=True)
    options.add_argument("--model", metavar="DIR", help="evaluate an exported model instead of -o weights=...")
    options.add_argument(
        "--engine", choices=ENGINES, help="inference engine of --model (default: that of its infer.yml)"
    )
    options.add_argument(
        "--split", default="eval", choices=["train", "eval", "test"], help="the split of data: to evaluate on"
    )
    options.add_argument("--json", action="store_true", help="print the scores as one JSON object")
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_eval(args, default_kit), argv)


def run_eval(args, default_kit):
    """Runs the command."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.errors import ConfigError
    from common.system import distributed
    from common.training.run import Run

    if args.engine and not args.model:
        raise ConfigError("--engine is for exported models: give one with --model")
    if args.weights and args.model:
        raise ConfigError("eval.py takes --weights or --model, not both: an exported model contains its weights")
    with distributed.report_failure():
        scores, metric = Run(config).evaluate(args.split, args.model, args.engine)
    if distributed.is_main():
        print_scores(scores, metric, args.json)
    return 0


def print_scores(scores, metric, as_json):
    """Prints the scores, the primary one first."""
    if as_json:
        sys.stdout.write(json.dumps(scores) + "\n")
        return
    width = max(map(len, scores))
    for name in sorted(scores, key=lambda name: name != metric.primary):
        sys.stdout.write(f"{name:<{width}}  {scores[name]:.4f}\n")
