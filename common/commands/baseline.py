"""`tools/baseline.py`: scores simple baselines on the data of a configuration, and the model beside them.

Texts: TF-IDF and logistic regression.  Tables: logistic regression and gradient-boosted trees.  Tags: the most frequent
one of each token.  Images: nearest mean image and logistic regression on 16 x 16 pixels.  Masks: the most frequent
class at each place, and Otsu's threshold of two classes.  Faces: the cascade of OpenCV 4.  Sessions: popular items and
neighbors of the last item.  Embeddings: the correlation of 16 x 16 pixels.  Keypoints: the
mean pose.
"""

import argparse
import json
import sys

from common.commands.main import add_config_arguments, open_config, run_command
from common.commands.parser import Parser, positive_int

EXAMPLES = """examples:
  python tools/baseline.py -c configs/emotect_textcnn.yml
  python tools/baseline.py -c configs/emotect_textcnn.yml --weights output/emotect_textcnn/best --split test
  python tools/baseline.py -c configs/gru4rec_diginetica.yml
"""


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="baseline.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, weights=True)
    options.add_argument("--split", default="eval", choices=["eval", "test"], help="the split of data: to score on")
    options.add_argument(
        "--most", type=positive_int, metavar="N", help="training samples of the baselines (default 200000)"
    )
    options.add_argument("--json", action="store_true", help="print the scores as one JSON object")
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_baseline(args, default_kit), argv)


def run_baseline(args, default_kit):
    """Runs the command."""
    config = open_config(args, default_kit)
    if config is None:
        return
    from common.baselines.compare import MOST, score_baselines
    from common.training.preflight import require_section
    from common.training.run import Run

    for section in ("data.train", f"data.{args.split}", "data.metric"):
        require_section(config, section, "a baseline")
    table = {}
    if config.get("weights"):  # first, for it refuses weights of other classes
        table[f"the model of {config.get('weights')}"], _ = Run(config).evaluate(args.split)
    baselines, metric = score_baselines(config, args.split, args.most or MOST)
    sys.stdout.write(json.dumps(baselines | table) + "\n" if args.json else as_table(baselines | table, metric.primary))
    if table and not args.json:
        sys.stdout.write(verdict(next(iter(table.values())), baselines, metric))


def as_table(table, primary):
    """Scores as lines: a row for each title, the primary score first."""
    names = sorted(next(iter(table.values())), key=lambda name: name != primary)
    width = max(map(len, table))
    lines = [f"{'':<{width}}" + "".join(f"  {name:>10}" for name in names)]
    for title, scores in table.items():
        lines.append(f"{title:<{width}}" + "".join(f"  {scores[name]:>{max(10, len(name))}.4f}" for name in names))
    return "\n".join(lines) + "\n"


def verdict(model, baselines, metric):
    """A line that compares the model with the best baseline."""
    name, sign = metric.primary, 1 if getattr(metric, "higher_is_better", True) else -1
    title, best = max(baselines.items(), key=lambda item: sign * item[1][name])
    ahead = sign * (model[name] - best[name])
    return f"the model is {abs(ahead):.4f} {name} {'better' if ahead >= 0 else 'worse'} than {title}\n"
