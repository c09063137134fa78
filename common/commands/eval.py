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
    from common.system import runtime

    runtime.prepare(load=False)
    from common.build.data import build_dataset, build_loader
    from common.build.model import read_weights
    from common.errors import ConfigError
    from common.inference.evaluate import evaluate
    from common.system import distributed
    from common.system.device import select_device
    from common.training import preflight as preparation

    if args.engine and not args.model:
        raise ConfigError("--engine is for exported models: give one with --model")
    if args.weights and args.model:
        raise ConfigError("eval.py takes --weights or --model, which is an exported model with weights of its own")
    with distributed.report_failure():
        preparation.need(config, "data.metric", "evaluation")
        arrays = None if args.model else read_weights(config)
        dataset = build_dataset(config, args.split)
        metric = config.build("data.metric", dataset=dataset)
        runtime.prepare()
        distributed.initialize()
        select_device(config.get("device"))
        answer = scored_model(args, config, dataset, arrays)
        with build_loader(config, args.split, dataset, config.settings("eval"), training=False) as loader:
            scores = evaluate(answer, loader, metric)
    if distributed.is_main():
        show(scores, metric, args.json)
    return 0


def scored_model(args, config, dataset, arrays):
    """The model to score: the exported folder, or the weights in memory."""
    from common.build.data import class_names
    from common.build.model import build_model, labels_of, load_weights, predictor_of

    if args.model:
        from common.errors import ConfigError
        from common.inference.predictor import Predictor

        predictor = Predictor(args.model, engine=args.engine)
        labels = class_names(dataset)
        if labels is not None and list(predictor.labels or []) != labels:
            raise ConfigError(f"{args.model} knows {predictor.labels}; data.{args.split} has {labels}")
        return lambda batch: predictor.run({name: batch[name] for name in predictor.inputs})
    model = build_model(config, labels_of(config, dataset))
    load_weights(model, arrays, config)
    model.eval()
    return predictor_of(model)


def show(scores, metric, as_json):
    """The scores, the one that selects the best first."""
    if as_json:
        sys.stdout.write(json.dumps(scores) + "\n")
        return
    width = max(map(len, scores))
    for name in sorted(scores, key=lambda name: name != metric.primary):
        sys.stdout.write(f"{name:<{width}}  {scores[name]:.4f}\n")
