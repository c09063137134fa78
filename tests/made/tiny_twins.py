"""Trains the tiny twin of a row of `tests/zoo.csv`, and measures what came of it."""

import json
import shlex
from pathlib import Path

import threadpoolctl

from common.config import load_config
from common.system import runtime
from tests.made.commands import command


def arguments(row, sets, *more):
    """The arguments of a command on the twin, reading the made set that its `dataset:` is named for.

    Args:
        row (dict): of the zoo; its `tiny` is what follows `-c` in a command.
        sets (MadeSets): the data.
        more (str): further `key=value`.
    """
    config, *overrides = shlex.split(row["tiny"])
    overrides = [text for text in overrides if text != "-o"]
    config = f"{row['kit']}/{config}"
    if load_config(config).get("dataset", None) is not None:
        overrides = [f"dataset={made_set(config, sets)}", *overrides]
    return ["-c", config, "-o", *overrides, *more]


def made_set(config, sets):
    """The folder of the made set that a tiny configuration is for: the last part of its `dataset:` is the name."""
    return sets.folder(Path(load_config(config).get("dataset")).name)


def first_losses(row, sets, folder, steps=3):
    """The losses of the first steps from the configuration's seed on one thread, a list of floats.

    Threads add in another order, and a few steps make much of the last bits: what is recorded is for one thread.

    Args:
        row (dict): of the zoo.
        sets (MadeSets): the data.
        folder (Path): to write to.
        steps (int): how many.
    """
    runtime.prepare()
    with threadpoolctl.threadpool_limits(1):
        answer = command(
            "train", *arguments(row, sets, f"output_dir={folder}", f"train.max_steps={steps}", "log_every=1")
        )
    assert answer.code == 0, answer.err
    (metrics,) = folder.rglob("metrics.jsonl")
    return [json.loads(line)["loss"] for line in metrics.read_text().splitlines()]


def losses_before_and_after(row, sets, folder, steps):
    """The loss of one batch by the untrained model, and after a few steps on the whole set.

    Args:
        row (dict): of the zoo.
        sets (MadeSets): the data.
        folder (Path): to write to.
        steps (int): of the training.
    """
    given = arguments(row, sets, f"output_dir={folder}", f"train.max_steps={steps}", "train.epochs=99", "log_every=1")
    answer = command("train", *given)
    assert answer.code == 0, answer.err
    (last,) = folder.rglob("last")
    config = load_config(given[1], given[3:])
    if config.get("slim") is not None:  # which adds losses in training: those of the first and of the last step count
        (metrics,) = folder.rglob("metrics.jsonl")
        losses = [json.loads(line)["loss"] for line in metrics.read_text().splitlines() if '"train"' in line]
        return losses[0], losses[-1]
    return loss_of_first_batch(config, None), loss_of_first_batch(config, last)


def loss_of_first_batch(config, weights):
    """The loss of the first batch in training mode, with these weights or the first ones (float)."""
    import paddle

    from common.build.data import build_dataset, build_loader, class_names
    from common.build.model import build_model, load_weights
    from common.training.trainer import to_tensors
    from common.weights import checkpoint

    dataset = build_dataset(config, "train")
    if weights is not None:
        config.set("weights", str(weights))
    model = build_model(config, class_names(dataset))
    if weights is not None:
        load_weights(model, checkpoint.read_weights(weights), config)
    model.train()
    with build_loader(config, "train", dataset, config.settings("train"), training=True) as loader:
        batch = next(iter(loader.epoch(0)))
    with paddle.no_grad():
        return float(sum(model.loss(to_tensors(batch)).values()).item())
