"""`tools/eval.py`: evaluates a checkpoint or an exported model on a dataset."""

import argparse
import json
import sys
import unicodedata

from common.commands.main import ENGINES, add_config_arguments, open_config, run_command
from common.commands.parser import Parser

MOST_CLASSES = 40  # in the printed table
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
    options.add_argument("--json", action="store_true", help="print the scores as one JSON object, and write no plots")
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
        run = Run(config)
        scores, metric = run.evaluate(args.split, args.model, args.engine)
    if distributed.is_main():
        report(scores, metric, run.folder / "plots" / args.split, args.json)
    return 0


def report(scores, metric, folder, as_json):
    """Prints the scores, the table of the classes and the best threshold, and writes them as plots and CSV.

    Args:
        scores (dict[str, float]): of the metric.
        metric (object): after an evaluation.
        folder (Path): for the plots.
        as_json (bool): print the scores as the metric gives them, as JSON, and nothing else.
    """
    from common.log import logger
    from common.training.report import Findings, write_report

    if as_json:
        sys.stdout.write(json.dumps(scores) + "\n")
        return
    findings = Findings(metric)
    lines = [*score_lines(scores, metric), *class_lines(findings, folder / "per_class.csv")]
    sys.stdout.write("\n".join([*lines, *threshold_lines(findings)]) + "\n")
    sys.stdout.flush()
    write_report(folder, findings)
    if folder.is_dir():
        logger.info("plots and tables: %s", folder)


def score_lines(scores, metric):
    """The lines of the scores, the primary one first; undefined ones are dashes, with a line that explains them."""
    from common.contract import get_optional

    unknown = get_optional(metric, "metric", "undefined")
    width = max(map(len, scores))
    values = {name: None if value == unknown or value != value else value for name, value in scores.items()}
    for name in sorted(values, key=lambda name: name != metric.primary):
        yield f"{name:<{width}}  {number_text(values[name])}"
    if None in values.values():
        yield f"{'-':<{width}}  {get_optional(metric, 'metric', 'undefined_text')}"


def class_lines(findings, file):
    """The lines of the table of the classes, of at most MOST_CLASSES; `file` (Path) has all of them."""
    from common.training.report import class_rows

    head, rows = class_rows(findings)
    if not rows:
        return
    texts = [head, *([str(name), *map(number_text, numbers)] for name, *numbers in rows[:MOST_CLASSES])]
    widths = [max(map(display_width, column)) for column in zip(*texts)]
    yield ""
    for name, *numbers in texts:
        cells = [" " * (width - len(text)) + text for text, width in zip(numbers, widths[1:])]
        yield "  ".join([name + " " * (widths[0] - display_width(name)), *cells])
    if len(rows) > MOST_CLASSES:
        yield f"... {len(rows) - MOST_CLASSES} more classes: {file}"


def threshold_lines(findings):
    """The lines of the threshold of maximum F1, and of the calibration error of a binary classifier."""
    from common.inference.scored import pooled

    best = pooled(list(findings.scored.values())).best() if findings.scored else None
    if best:
        names = list(findings.scored)
        classes = f" over {len(names)} classes" if len(names) > 1 else f" of {names[0]!r}"
        numbers = f"precision {best['precision']:.4f}, recall {best['recall']:.4f}"
        yield ""
        yield f"maximum F1 {best['F1']:.4f}{classes} at the score threshold {best['threshold']:g}: {numbers}"
        if len(names) == 1 and len(findings.labels) == 2 and findings.scored[names[0]].complete:
            yield (
                "the answer is the class that scores higher, as in the scores above; "
                f"-o postprocess.decision={best['threshold']:g} answers {names[0]!r} from this score on"
            )
    if len(findings.complete) == 1:
        (part,) = findings.complete.values()
        yield f"expected calibration error (ECE, 15 bins) {part.calibration_error():.4f}, AUC {part.auc():.4f}"


def number_text(value):
    """A number of a table: an integer as it is, others with four decimals, a dash for None."""
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"


def display_width(text):
    """The columns that a text takes in a terminal, in which Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
