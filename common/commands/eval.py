"""`tools/eval.py`: scores a checkpoint, or an exported model, on a data set."""

import argparse
import json
import sys

from common.commands.main import ENGINES, add_config_arguments, open_config, run
from common.commands.parser import Parser

EXAMPLES = """examples:
  python tools/eval.py -c configs/yolov3.yml -o weights=output/yolov3/best
  python tools/eval.py -c configs/yolov3.yml --model output/yolov3/export    # the exported model on the same data
  python tools/eval.py -c configs/yolov3.yml -o weights=output/yolov3/best --split test --json
"""


def parser():
    """The options of the command."""
    options = Parser(
        prog="eval.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, weights=True)
    options.add_argument("--model", metavar="DIR", help="an exported model to score instead of -o weights=...")
    options.add_argument("--engine", choices=ENGINES, help="what runs --model (default: what its infer.yml says)")
    options.add_argument(
        "--split", default="eval", choices=["train", "eval", "test"], help="the part of data: to score on"
    )
    options.add_argument("--json", action="store_true", help="print the scores as one JSON object")
    return options


def main(default_kit=None, argv=None):
    """Runs the command; ends the process."""
    run(parser(), lambda args: score(args, default_kit), argv)


def score(args, default_kit):
    """What the command does."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.errors import ConfigError
    from common.system import distributed
    from common.training.run import Run

    if args.engine and not args.model:
        raise ConfigError("--engine is for exported models: give one with --model")
    if args.weights and args.model:
        raise ConfigError("eval.py takes --weights or --model, which is an exported model with weights of its own")
    with distributed.report_failure():
        scores, metric = Run(config).evaluate(args.split, args.model, args.engine)
    if distributed.is_main():
        show(scores, metric, args.json)
    return 0


def show(scores, metric, as_json):
    """The scores, the one that selects the best first."""
    if as_json:
        sys.stdout.write(json.dumps(scores) + "\n")
        return
    width = max(map(len, scores))
    for name in sorted(scores, key=lambda name: name != metric.primary):
        sys.stdout.write(f"{name:<{width}}  {scores[name]:.4f}\n")
