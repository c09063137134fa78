"""Tunes the weights of a language model: a grid search over alpha and beta on a split.

    python tools/tune_decoder.py -c configs/deepspeech2.yml -o weights=output/deepspeech2/best --lm words.arpa
    python tools/tune_decoder.py -c configs/deepspeech2_aishell.yml --model output/deepspeech2_aishell/export \\
        --lm characters.arpa.gz --unit character --alpha 0.5 1 1.5 2 --beta 0 1 2 3

The acoustic model runs once; every point of the grid decodes its outputs.
"""

import argparse
import itertools
import json
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import add_config_arguments, open_config, run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.errors import ConfigError  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config_arguments(options, weights=True)
    options.add_argument("--model", metavar="DIR", help="an exported model, instead of -o weights=...")
    options.add_argument(
        "--split", default="eval", choices=["train", "eval", "test"], help="split to evaluate (default eval)"
    )
    options.add_argument("--lm", help="an ARPA file; without one only beta is tuned")
    options.add_argument("--unit", default="word", choices=["word", "character"], help="unit of the language model")
    options.add_argument(
        "--alpha", nargs="+", type=float, default=[0.0, 0.5, 1.0, 1.5, 2.0], help="language model weights to try"
    )
    options.add_argument("--beta", nargs="+", type=float, default=[0.0, 1.0, 2.0], help="word bonuses to try")
    options.add_argument("--beam-size", type=positive_int, default=64, help="beam size (default 64)")
    options.add_argument("--json", action="store_true", help="print one JSON object")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), tune, argv)


def tune(args):
    """Runs the grid search and prints the error rates."""
    config = open_config(args, KIT)
    if config is None:
        return 0
    decoders = grid(args)  # invalid weights or language models are reported before the model runs
    outputs, metric = run_model(config, args)
    rows = [{"alpha": one.alpha, "beta": one.beta} | score(outputs, metric, one) for one in decoders]
    best = min(rows, key=lambda row: row[metric.primary])
    show(score(outputs, metric), rows, best, metric.primary, args.json)
    return 0


def grid(args):
    """The decoder for each pair of weights (list[BeamSearch]).

    Raises:
        ConfigError: a value is out of range.
        DataError: the language model cannot be read.
    """
    from common.audio.ctc_beam_search import BeamSearch
    from common.audio.language_model import NgramModel

    pairs = itertools.product(args.alpha if args.lm else [0.0], args.beta)
    try:
        decoders = [BeamSearch(args.lm, alpha, beta, args.unit, args.beam_size) for alpha, beta in pairs]
    except ValueError as error:
        raise ConfigError(f"--alpha, --beta: {error}") from None
    if args.lm:
        NgramModel(args.lm)  # found to be malformed before the model runs
    return decoders


def run_model(config, args):
    """(a list of (outputs, batch) of all batches, the metric of the configuration).

    Raises:
        ConfigError: the metric is not ErrorRates.
    """
    from common.build.data import build_dataset, build_loader, build_metric
    from common.build.model import read_configured_weights
    from common.inference.task import task_of
    from common.system import runtime
    from common.training import preflight as preparation

    preparation.require_section(config, "data.metric", "a score")
    runtime.prepare(load=False)
    from common.training.run import Run

    arrays = None if args.model else read_configured_weights(config)
    run = Run(config)
    dataset = build_dataset(config, args.split, *run.classes(args.model))
    metric = build_metric(config, dataset, task_of(config))
    if not hasattr(metric, "labels") or not hasattr(metric, "add"):
        raise ConfigError(f"{config.place('data.metric')}: only ErrorRates can be tuned")
    runtime.prepare()
    answer = run.sources(dataset, args.model, arrays=arrays)["predictions"]
    with build_loader(config, args.split, dataset, config.settings("eval"), training=False) as loader:
        return [(answer(batch), batch) for batch in loader.epoch(0)], metric


def score(outputs, metric, decoder=None):
    """The error rates of a beam search, or of greedy decoding without a decoder.

    Args:
        outputs (list): (outputs, batch) pairs of :func:`run_model`.
        metric (ErrorRates): computes the rates.
        decoder (BeamSearch | None): the settings.
    """
    from common.inference.tasks.speech_recognition import SpeechRecognition

    metric.task = SpeechRecognition(decoder)
    metric.reset()
    for found, batch in outputs:
        metric.update(found, batch)
    return metric.compute()


def show(greedy, rows, best, primary, as_json):
    """Prints the table with the best row marked, or one JSON object."""
    if as_json:
        sys.stdout.write(json.dumps({"greedy": greedy, "rows": rows, "best": best}) + "\n")
        return
    sys.stdout.write(f"alpha   beta    WER     CER      (greedy: WER {greedy['WER']:.4f} CER {greedy['CER']:.4f})\n")
    for row in rows:
        mark = "  <-" if row is best else ""
        sys.stdout.write(f"{row['alpha']:<7g} {row['beta']:<7g} {row['WER']:.4f}  {row['CER']:.4f}{mark}\n")
    sys.stdout.write(f"best {primary} {best[primary]:.4f}: alpha: {best['alpha']:g}, beta: {best['beta']:g}\n")


if __name__ == "__main__":
    main()
