"""Training session: builds a run from its configuration, and trains."""

import contextlib
import shutil
import tempfile
from pathlib import Path

from common.build.data import build_loader, build_metric
from common.build.learned_files import check_unchanged
from common.build.model import check_labels, fix_classes, labels_of, saved_config
from common.inference.task import task_of
from common.log import logger
from common.system import distributed
from common.system.device import select_device
from common.text.vocabulary import check_vocabulary_size
from common.training.compression import Context
from common.training.dry_run import dry_run
from common.training.network import build_network
from common.training.trainers import build_parts, build_trainer
from common.training.watchers import build_callbacks
from common.weights import checkpoint, run_folder

# files that a training writes to its folder; exports, searches and caches may be there as well
OF_A_RUN = (
    *("step_*", "last", "best", "metrics.jsonl", "timing.jsonl", "env.json", "README.md"),
    *("plots", "vdl", "tensorboard", "profile", "published"),
)

FREE = {f"train.{name}" for name in ("workers", "keep", "save_every", "save_every_steps", "eval_every", "early_stop")}
MOST_CHANGES = 8


class TrainingSession:
    """One training run, from the prepared data to its last checkpoint.

    Args:
        config (Config): checked.
        options (RunOptions): of this run.
        prepared (Prepared): the result of `common.training.preflight`.
        folder (Path): output folder.
    """

    def __init__(self, config, options, prepared, folder):
        self.config, self.options, self.prepared, self.folder = config, options, prepared, Path(folder)
        self.settings = config.settings("train")
        self.resources = contextlib.ExitStack()

    def run(self):
        """Builds everything and trains. Returns the trainer, which holds the scores and the best step."""
        distributed.initialize()
        with self.resources:
            select_device(self.config.get("device"), self.settings.deterministic)
            if self.options.dry_run:
                return self.dry_run()
            resume_from = self.place_to_start()
            trainer = self.build(resume_from)
            if distributed.is_main():
                self.resources.enter_context(run_folder.lock_run_folder(self.folder))
            if resume_from:
                self.resume(trainer, resume_from)
            elif self.options.overwrite:
                self.remove_earlier_run()
            with trainer.stop or contextlib.nullcontext():
                trainer.fit()
        return trainer

    def dry_run(self):
        """Runs every stage once in a temporary folder. Returns the trainer."""
        with tempfile.TemporaryDirectory() as folder:
            self.folder = Path(folder) / self.config.name
            trainer = self.build()
            dry_run(trainer)
        return trainer

    def place_to_start(self):
        """The checkpoint to resume from, found by the main process for all, or None."""
        if not self.options.resume:
            return None
        found = checkpoint.resolve_resume(self.options.resume, self.folder) if distributed.is_main() else None
        path = distributed.all_gather_json(str(found) if found else None)[0]
        return Path(path) if path else None

    def remove_earlier_run(self):
        """Removes the files of an earlier training from the folder, and nothing else, after all checks have passed."""
        if distributed.is_main():
            for path in [found for name in OF_A_RUN for found in self.folder.glob(name)]:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        distributed.barrier()

    def build(self, resume_from=None):
        """Builds the trainer with its callbacks; in a resumed run the model has the structure of the checkpoint."""
        config, dataset = self.config, self.prepared.train
        labels = labels_of(config, dataset)
        fix_classes(config, labels, dataset)
        datasets = {"train": dataset, "eval": self.prepared.evaluation}
        context = Context(config, self.folder, datasets, self.options.dry_run)
        model, method = build_network(config, self.prepared, context, resume_from)
        loader = self.loader("train", dataset)
        check_vocabulary_size(loader.pipeline.transforms, model)
        run = build_parts(config, self.folder, model, loader)
        run.callbacks = build_callbacks(config, self.options, self.folder, model, *self.evaluation())
        trainer = build_trainer(run)
        if method and not method.trains:
            trainer.end_reason, trainer.scores_step = f"{type(method).__name__} needs no training", None
        return trainer

    def evaluation(self):
        """The loader of the evaluation data and the metric; (None, None) for a run without evaluation."""
        dataset = self.prepared.evaluation
        if dataset is None:
            return None, None
        return self.loader("eval", dataset), build_metric(self.config, dataset, task_of(self.config))

    def loader(self, split, dataset):
        """Builds a loader that is closed at the end of the run."""
        settings = self.config.settings(split)
        return self.resources.enter_context(build_loader(self.config, split, dataset, settings, split == "train"))

    def resume(self, trainer, path):
        """Resumes exactly from the checkpoint `path`."""
        check_unchanged(self.config, path)
        check_labels(self.config, self.config.get("labels"), path, self.config.place("data"))
        warn_of_other_settings(self.config, path)
        arrays, state = checkpoint.read_checkpoint(path)
        trainer.load(arrays, state)
        if trainer.finished():
            logger.info("%s: this run is complete; increase train.epochs or train.max_steps to train longer", path)
        else:
            logger.info("resumed %s: epoch %d, step %d", path, trainer.epoch + 1, trainer.step)


def warn_of_other_settings(config, path):
    """Warns of settings of the optimizer and of `train` that differ from those of the checkpoint `path`."""
    saved = saved_config(config, path)
    if saved is None:
        return
    before, now = (
        flattened({key: one.to_dict().get(key) for key in ("optimizer", "train")}) for one in (saved, config)
    )
    names = [name for name in now | before if now.get(name) != before.get(name) and name not in FREE]
    if names:
        texts = [f"{name} {before.get(name)} -> {now.get(name)}" for name in names[:MOST_CHANGES]]
        more = f" and {len(names) - MOST_CHANGES} more" if len(names) > MOST_CHANGES else ""
        logger.warning("%s was trained with other settings: %s%s", path, ", ".join(texts), more)


def flattened(value, name=""):
    """The scalars of nested dicts by their dotted names; a list is a scalar."""
    if not isinstance(value, dict):
        return {name: value}
    inner = (flattened(item, f"{name}.{key}" if name else str(key)) for key, item in value.items())
    return {key: item for found in inner for key, item in found.items()}
