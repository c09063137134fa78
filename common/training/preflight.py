"""Checks before a training run (paths, sections, data) that need no import of PaddlePaddle, which takes seconds."""

import dataclasses
import os

from common.build.data import build_dataset, class_names
from common.build.learn_transforms import fit_transforms
from common.build.model import known_labels, read_configured_weights
from common.build.preparation import check_preparation
from common.data.issues import check_before_training
from common.errors import ConfigError, EnvironmentProblem
from common.inference.exported import check_exportable
from common.system import distributed
from common.weights.run_folder import resolve_link


@dataclasses.dataclass
class Prepared:
    """Checked inputs of a training run.

    Args:
        train (object): the dataset to train on.
        evaluation (object): the dataset to evaluate on, or None.
        weights (dict): `pretrained` and `weights`, as far as the configuration sets them -> name -> array.
    """

    train: object
    evaluation: object
    weights: dict


def prepare_training(config, options):
    """Reads and checks the inputs of a training run, and reports every error that would end it before its first step.

    Args:
        config (Config): checked.
        options (RunOptions): of the run.

    Returns:
        Prepared: datasets and weights.

    Raises:
        ConfigError: a section or a path is missing, the run's folder holds an earlier run, or a transform
            or the task cannot be exported.
        DataError: the data have errors.
        EnvironmentProblem: the run's folder cannot be written, or the weights are damaged.
    """
    require_section(config, "optimizer", "training")
    if options.evaluate:
        require_section(config, "data.metric", "--eval")
    folder = config.run_folder
    check_no_earlier_run(folder, options)
    if distributed.is_main():
        make_folder(folder)
    if options.resume not in (None, "auto"):
        resolve_link(options.resume)
    weights = {key: read_configured_weights(config, key) for key in ("pretrained", "weights") if config.get(key)}
    check_exportable(config)
    start = config.get("weights")
    datasets = {"train": build_dataset(config, "train", known_labels(config, start)[1], start), "eval": None}
    fit_transforms(config, datasets["train"])
    if options.evaluate:
        datasets["eval"] = build_dataset(config, "eval", class_names(datasets["train"]))
    check_preparation(config)
    if options.check_data:
        cache = str(folder) if distributed.is_main() and not options.dry_run else None
        check_before_training(datasets, config.settings("train").bad_samples, cache)
    return Prepared(datasets["train"], datasets["eval"], weights)


def require_section(config, path, what):
    """Raises ConfigError if the section at a dotted path, which `what` needs, is missing."""
    if config.get(path, None) is None:
        raise ConfigError(f"{config.place(path)}: '{path}:' is missing, which {what} needs")


def make_folder(folder):
    """Checks that the folder of a run is writable; a folder that did not exist is removed again."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
        for path in made:
            path.rmdir()
    except OSError as error:
        raise EnvironmentProblem(
            f"{folder} cannot be written: {error.strerror}\n  fix: choose another folder with -o output_dir=PATH"
        ) from error


def check_no_earlier_run(folder, options):
    """Raises ConfigError if the folder holds an earlier run that is neither resumed nor overwritten."""
    if options.resume and options.overwrite:
        raise ConfigError("-r resumes an earlier run, and --overwrite removes it; use one of them")
    if not (options.resume or options.overwrite or options.dry_run) and any(folder.glob("step_*")):
        raise ConfigError(
            f"{folder} holds the checkpoints of an earlier run: -r auto resumes it, "
            "-o output_dir=... writes to another folder, --overwrite removes it"
        )
