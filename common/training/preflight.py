"""What a command can refuse before PaddlePaddle is imported, which takes seconds: paths, sections, the data."""

import dataclasses
import os

from common.build.data import build_dataset, class_names
from common.build.learn_transforms import fit_transforms
from common.build.model import read_weights
from common.data.issues import check_before_training
from common.errors import ConfigError, EnvironmentProblem
from common.inference.exported import check_exportable
from common.system import distributed
from common.weights.run_folder import resolve_link


@dataclasses.dataclass
class Prepared:
    """What a training run starts from.

    Args:
        train (object): the data set to train on.
        evaluation (object): the data set to evaluate on, or None.
        weights (dict): `pretrained` and `weights`, those that the configuration names -> name -> array.
    """

    train: object
    evaluation: object
    weights: dict


def prepare_training(config, options):
    """What a training run starts from, read and checked; refuses all that would end it before its first step.

    Args:
        config (Config): checked.
        options (RunOptions): of the run.

    Returns:
        Prepared: data sets and weights.

    Raises:
        ConfigError: a section or a path is missing, the run's folder holds an earlier run, or no export could have a
            transform or the task.
        DataError: with what the data have wrong.
        EnvironmentProblem: the run's folder cannot be written, or the weights are damaged.
    """
    need(config, "optimizer", "training")
    if options.evaluate:
        need(config, "data.metric", "--eval")
    folder = run_folder(config)
    refuse_earlier_run(folder, options)
    if distributed.is_main():
        make_folder(folder)
    if options.resume not in (None, "auto"):
        resolve_link(options.resume)
    weights = {key: read_weights(config, key) for key in ("pretrained", "weights") if config.get(key)}
    check_exportable(config)
    datasets = {"train": build_dataset(config, "train"), "eval": None}
    fit_transforms(config, datasets["train"])
    if options.evaluate:
        datasets["eval"] = build_dataset(config, "eval")
        here, there = class_names(datasets["train"]), class_names(datasets["eval"])
        if here != there:
            raise ConfigError(f"{config.place('data')}: data.train has the classes {here}, data.eval has {there}")
    if options.check_data:
        cache = str(folder) if distributed.is_main() and not options.dry_run else None
        check_before_training(datasets, config.settings("train").bad_samples, cache)
    return Prepared(datasets["train"], datasets["eval"], weights)


def need(config, path, what):
    """Refuses a configuration without the node at a dotted path, which `what` asks for."""
    if config.get(path, None) is None:
        raise ConfigError(f"{config.place(path)}: there is no '{path}:', which {what} needs")


def run_folder(config):
    """Where the run of a configuration is written (Path)."""
    return config.run_folder


def make_folder(folder):
    """Makes the folder of a run, to find out now whether it can be written; what was not there goes again."""
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
            f"{folder} cannot be written: {error.strerror}\n  fix: write elsewhere with -o output_dir=PATH"
        ) from error


def refuse_earlier_run(folder, options):
    """A folder that holds another run is never written over unasked."""
    if options.resume and options.overwrite:
        raise ConfigError("-r goes on with an earlier run, and --overwrite removes it; take one of them")
    if not (options.resume or options.overwrite or options.dry_run) and any(folder.glob("step_*")):
        raise ConfigError(
            f"{folder} holds the checkpoints of an earlier run: -r auto goes on with it, "
            "-o output_dir=... writes elsewhere, --overwrite removes it"
        )
