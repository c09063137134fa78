"""Scores the most popular items, and the neighbours of the last item, on the data of a session configuration.

python PaddleRec/tools/baseline.py -c configs/gru4rec_diginetica.yml
"""

import argparse
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import add_config_arguments, open_config, run  # noqa: E402
from common.commands.parser import Parser  # noqa: E402


def parser():
    """The options of the command."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config_arguments(options)
    return options


def main(argv=None):
    """Runs the command."""
    run(parser(), score, argv)


def score(args):
    """What the command does."""
    config = open_config(args, KIT)
    if config is None:
        return
    from common.build.data import build_dataset, build_loader
    from common.build.learn_transforms import fit_transforms

    config.set("data.train.mode", "last")  # every session once
    config.set("train.workers", 0)
    train = build_dataset(config, "train")
    fit_transforms(config, train)
    metric = config.build("data.metric")
    baselines = config.namespace.resolve("ItemPopularity"), config.namespace.resolve("ItemKNN")
    made = [kind(config.get("num_items"), max(metric.at)) for kind in baselines]
    for batch in build_loader(config, "train", train, config.settings("train"), training=False).epoch(0):
        whole = with_target(batch["items"], batch["target"])
        for baseline in made:
            baseline.learn(whole)
    evaluation = build_dataset(config, "eval")
    for baseline in made:
        metric.reset()
        for batch in build_loader(config, "eval", evaluation, config.settings("eval"), training=False).epoch(0):
            metric.update({"items": baseline.answer(batch["items"])}, batch)
        scores = ", ".join(f"{name} {value:.4f}" for name, value in metric.compute().items())
        sys.stdout.write(f"{type(baseline).__name__}: {scores}\n")


def with_target(items, target):
    """Sessions [N, L + 1] with the last click put behind the others."""
    import numpy as np

    whole = np.concatenate([items, np.full((len(items), 1), -1)], 1)
    whole[np.arange(len(items)), (items >= 0).sum(1)] = target
    return whole


if __name__ == "__main__":
    main()
