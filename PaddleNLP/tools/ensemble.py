"""Predicts with several exported or served models of texts, whose probabilities are averaged.

python tools/ensemble.py --model export/bert --model export/ernie --input questions.tsv
python tools/ensemble.py --model export/cnn --model export/gru --vote -c configs/suggestion_minilm_cnn.yml --split test
python tools/ensemble.py --model export/bert=2 --model export/xlnet=1 --text "who ?<tab>ann went to rome" --json
python tools/ensemble.py --server http://127.0.0.1:8866/bert=2 --server http://127.0.0.1:8867 --input questions.tsv

A number behind = is the weight of a model. With --vote each classifier votes for its answer. With -c the metric of a
configuration scores what they answer together to one of its splits. The models have one task: classes of texts, a
number for them, or questions. A server is one of tools/serve.py, with models of questions or of numbers; exported and
served models may be mixed.
"""

import json
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError  # noqa: E402

TEXTS = ("text_a", "text_b")


def parser():
    """The command-line parser."""
    lines = __doc__.splitlines()
    options = Parser(prog="ensemble.py", description=lines[0], epilog="\n".join(lines[2:]))
    options.add_argument("--model", action="append", default=[], metavar="DIR[=W]", help="exported model; repeated")
    options.add_argument("--server", action="append", default=[], metavar="URL[=W]", help="served model; repeated")
    options.add_argument("--input", metavar="PATH", help="a file with one text per line, or - for standard input")
    options.add_argument("--text", metavar="TEXT", help="one text instead of --input")
    options.add_argument("--json", action="store_true", help="print one JSON object per text")
    options.add_argument("--out", metavar="PATH", help="write predictions to a .csv, .json or .jsonl file")
    options.add_argument("--vote", action="store_true", help="classifiers vote instead of averaging probabilities")
    options.add_argument("-c", "--config", metavar="FILE", help="score classifiers on the data of this configuration")
    options.add_argument("--split", default="eval", choices=["eval", "test"], help="the split of data: of -c")
    options.add_argument(
        "-o", "--override", nargs="+", action="extend", default=[], metavar="K=V", help="settings of -c"
    )
    options.add_argument("--threshold", type=float, help="minimum score of classes but the best")
    options.add_argument("--batch", type=int, help="texts that are predicted together")
    return options


def named_weight(text, option="--model"):
    """(folder or address, weight) of `DIR` or `DIR=W`; raises ConfigError for a weight that is no number above 0."""
    place, sign, number = text.rpartition("=")
    if not sign:
        return text, 1.0
    try:
        weight = float(number)
    except ValueError:
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise ConfigError(f"{option} {text}: the weight behind = is a number above 0")
    return place, weight


def run_ensemble(args):
    """Runs the command and returns its exit code."""
    from common.system import runtime

    places = [(False, *named_weight(text)) for text in args.model]
    places += [(True, *named_weight(text, "--server")) for text in args.server]
    if len(places) < 2:
        raise ConfigError("--model, --server: give two models or more; tools/infer.py predicts with one")
    if args.threshold is not None and not 0 <= args.threshold <= 1:
        raise ConfigError(f"--threshold is {args.threshold}; allowed: 0 to 1")
    if args.batch is not None and args.batch < 1:
        raise ConfigError(f"--batch is {args.batch}; allowed: 1 or more")
    if args.config and (args.input or args.text or args.out):
        raise ConfigError("ensemble.py scores the data of -c, or predicts --input or --text: give one of them")
    runtime.prepare(load=False)
    from common.inference.ensemble import Ensemble
    from common.inference.predictor import Predictor
    from common.inference.run import run_inference
    from common.inference.served_model import ServedModel
    from common.text.sources import open_texts

    members = [(ServedModel if served else Predictor)(place) for served, place, _ in places]
    model = Ensemble(members, [place for _, place, _ in places], [weight for *_, weight in places], args.vote)
    if args.config:
        scores = score(model, args)
        sys.stdout.write(json.dumps(scores) + "\n" if args.json else as_lines(scores))
        return 0
    return run_inference(model, open_texts(args.input, model.task, args.text), args)


def score(model, args):
    """The scores of classifiers together on a split of a configuration's data (dict).

    Args:
        model (Ensemble): of classifiers.
        args (Namespace): with config, override, split and batch.

    Raises:
        ConfigError: the models answer with no classes, or with others than the data.
        DataError: a text cannot be used.
    """
    import numpy as np

    from common.build.data import build_dataset, build_metric
    from common.config import load_config

    config = load_config(args.config, args.override, KIT)
    config.check()
    if model.task.name != "TextClassification":
        raise ConfigError(f"-c scores classifiers, and the models are of {model.task.name}")
    dataset = build_dataset(config, args.split)
    if list(dataset.labels) != list(model.labels):
        raise ConfigError(f"the classes of the models are {model.labels}, and those of the data {dataset.labels}")
    metric, size = build_metric(config, dataset), args.batch or 32
    model.task.n_best = len(model.labels)
    for first in range(0, len(dataset), size):
        samples = [dataset[k] for k in range(first, min(first + size, len(dataset)))]
        found, problems = model.predict_samples(
            [{key: one[key] for key in TEXTS if key in one} for one in samples], 0.0
        )
        if problems:
            raise problems[0]
        scores = np.zeros((len(samples), len(model.labels)))
        for row, (_, records) in zip(scores, found, strict=True):
            for record in records:
                row[record["category_id"]] = record["score"]
        metric.update({"scores": scores}, {"label": np.array([one["label"] for one in samples])})
    return metric.compute()


def as_lines(scores):
    """A line of each score (str)."""
    return "".join(f"{name}  {value:.4f}\n" for name, value in scores.items())


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), run_ensemble, argv)


if __name__ == "__main__":
    main()
