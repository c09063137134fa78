"""Dress rehearsal of a configuration: one training step, one batch of each other split, and an export, none kept.

`tools/check.py` runs it, so that it refuses what training, evaluation and export would refuse hours later.
"""

import tempfile
from pathlib import Path

from common.build.data import build_loader, build_metric, class_names
from common.build.model import build_model, fix_classes, predictor_of, read_configured_weights
from common.errors import KitError
from common.export.example import example_inputs
from common.export.write import export
from common.inference.evaluate import update_once
from common.inference.exported import split_of_inferences
from common.inference.task import task_of
from common.log import logger
from common.system import random_state
from common.system.device import select_device
from common.training.options import RunOptions
from common.training.preflight import Prepared
from common.training.session import TrainingSession


def rehearse(config, datasets):
    """Runs every stage once; raises whatever the stage would raise in a run.

    Args:
        config (Config): checked.
        datasets (dict): split -> dataset, as far as the configuration has them.

    Returns:
        list[str]: the stages, for people.
    """
    labels = class_names(next(iter(datasets.values())))
    if "train" in datasets and config.get("optimizer", None) is not None:
        model = train_one_step(config, datasets)
        stages = ["a training step", "a checkpoint"]
    else:
        model, stages = build(config, labels), []
    model.eval()
    for split in [split for split in datasets if split != "train"]:
        evaluate_one_batch(config, split, datasets[split], model)
        stages.append(f"a batch of data.{split}")
    fix_classes(config, labels, datasets.get("train"))
    if split_of_inferences(config) != "train" and export_once(config, model, labels):
        stages.append("an export")
    return stages


def build(config, labels):
    """The model on its device, with random weights; what it refuses in the configuration is raised."""
    select_device(config.get("device"))
    return build_model(config, labels)


def build_once(config, datasets):
    """Builds the model, which compares it with the transforms; the stages as :func:`rehearse` has them."""
    build(config, class_names(next(iter(datasets.values()))))
    return ["building the model"]


def train_one_step(config, datasets):
    """The model after a dry run of the training: a step, and a checkpoint saved and loaded."""
    weights = {key: read_configured_weights(config, key) for key in ("pretrained", "weights") if config.get(key)}
    prepared = Prepared(datasets["train"], None, weights)
    return TrainingSession(config, RunOptions(dry_run=True), prepared, config.run_folder).run().model


def evaluate_one_batch(config, split, dataset, model):
    """Predicts the first batch of a split, and gives it to the metric if the configuration has one."""
    with build_loader(config, split, dataset, config.settings("eval"), training=False) as loader:
        if config.get("data.metric", None) is not None:
            update_once(model, loader, build_metric(config, dataset, task_of(config)), split)
        else:
            predictor_of(model)(next(iter(loader.epoch(0))))


def export_once(config, model, labels):
    """Exports the model to a temporary folder; False, with a warning, where untrained weights make ties in it."""
    state = random_state.collect()
    with tempfile.TemporaryDirectory() as folder:
        try:
            export(model, config, labels, example_inputs(model, config), Path(folder) / "export", automatic=False)
        except KitError as error:
            if type(error) is not KitError:
                raise
            logger.warning("the export of the untrained model: %s", str(error).splitlines()[0])
            return False
    random_state.restore(state)
    return True
