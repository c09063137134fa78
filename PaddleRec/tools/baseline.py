"""Evaluates the baselines of a session configuration: item popularity and item-based nearest neighbors (Item-KNN).

python PaddleRec/tools/baseline.py -c configs/gru4rec_diginetica.yml
"""

import argparse
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import add_config_arguments, open_config, run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config_arguments(options)
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), score, argv)


def score(args):
    """Fits and evaluates the baselines."""
    config = open_config(args, KIT)
    if config is None:
        return
    from common.build.data import build_dataset, build_loader
    from common.build.learn_transforms import fit_transforms

    config.set("data.train.mode", "last")  # one row per session
    config.set("train.workers", 0)
    train = build_dataset(config, "train")
    fit_transforms(config, train)
    metric = config.build("data.metric")
    baselines = config.namespace.resolve("ItemPopularity"), config.namespace.resolve("ItemKNN")
    models = [kind(config.get("num_items"), max(metric.at)) for kind in baselines]
    for batch in build_loader(config, "train", train, config.settings("train"), training=False).epoch(0):
        whole = append_target(batch["items"], batch["target"])
        for baseline in models:
            baseline.fit(whole)
    evaluation = build_dataset(config, "eval")
    for baseline in models:
        metric.reset()
        for batch in build_loader(config, "eval", evaluation, config.settings("eval"), training=False).epoch(0):
            metric.update({"items": baseline.recommend(batch["items"])}, batch)
        scores = ", ".join(f"{name} {value:.4f}" for name, value in metric.compute().items())
        sys.stdout.write(f"{type(baseline).__name__}: {scores}\n")


def append_target(items, target):
    """Complete sessions [N, L + 1]: the target after the other clicks."""
    import numpy as np

    whole = np.concatenate([items, np.full((len(items), 1), -1)], 1)
    whole[np.arange(len(items)), (items >= 0).sum(1)] = target
    return whole


if __name__ == "__main__":
    main()
