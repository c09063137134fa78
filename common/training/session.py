"""Puts a training run together from a configuration, and runs it."""

import contextlib
import importlib
import shutil
import tempfile
from pathlib import Path

from common.build.data import build_loader, class_names
from common.build.learned_files import check_unchanged, learned_files, warn_of_changes
from common.build.model import build_model, labels_of
from common.errors import ConfigError, KitError
from common.log import logger
from common.system import distributed
from common.system.device import select_device
from common.system.signals import GracefulStop
from common.text.vocabulary import check_vocabulary_size
from common.training.amp import Amp
from common.training.callbacks.checkpoint import Checkpoint
from common.training.callbacks.evaluate import Evaluate
from common.training.callbacks.log import NextSteps
from common.training.ema import ExponentialMovingAverage
from common.training.preflight import run_folder
from common.training.stream_trainer import StreamTrainer, check_stream
from common.training.trainer import Trainer, run_length, to_tensors
from common.vision.decode import decode_image
from common.weights import checkpoint, pretrained
from common.weights.run_folder import lock_run_folder
from common.weights.structure import check_agreement

# what a training writes to its folder; exports, searches and what is remembered of data may be there besides
OF_A_RUN = (
    *("step_*", "last", "best", "metrics.jsonl", "timing.jsonl", "env.json", "README.md"),
    *("plots", "vdl", "tensorboard", "profile", "published"),
)


class TrainingSession:
    """One call of `tools/train.py`.

    Args:
        config (Config): checked.
        args (Namespace): the command's options.
        prepared (Prepared): what `common.training.preflight` read.
        command_line (list[str]): as it was typed, for the record.
    """

    def __init__(self, config, args, prepared, command_line=()):
        self.config, self.args, self.prepared, self.command_line = config, args, prepared, command_line
        self.settings = config.settings("train")
        self.folder = run_folder(config)
        self.resources = contextlib.ExitStack()

    def run(self):
        """Builds everything, trains, and returns the exit code."""
        distributed.initialize()
        with self.resources:
            select_device(self.config.get("device"), self.settings.deterministic)
            if self.args.dry_run:
                return self.dry_run()
            resume_from = self.place_to_start()
            trainer = self.build(resume_from)
            if distributed.is_main():
                self.resources.enter_context(lock_run_folder(self.folder))
            if resume_from:
                self.resume(trainer, resume_from)
            elif self.args.overwrite:
                self.remove_earlier_run()
            with trainer.stop:
                trainer.fit()
            if trainer.end_reason:
                logger.info("ended early: %s", trainer.end_reason)
        return 0

    def place_to_start(self):
        """The checkpoint to go on with, which the main process finds for all, or None."""
        if not self.args.resume:
            return None
        found = checkpoint.resolve_resume(self.args.resume, self.folder) if distributed.is_main() else None
        path = distributed.all_gather_json(str(found) if found else None)[0]
        return Path(path) if path else None

    def remove_earlier_run(self):
        """Removes what a training wrote to the folder, and nothing else; last, when nothing refuses to run."""
        if distributed.is_main():
            for path in [found for name in OF_A_RUN for found in self.folder.glob(name)]:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        distributed.barrier()

    def build(self, resume_from=None):
        """The trainer of this run, with its callbacks; of one that goes on, of the structure in its checkpoint."""
        config, settings = self.config, self.settings
        dataset, evaluation = self.prepared.train, self.prepared.evaluation
        labels = labels_of(config, dataset)
        if labels is not None:
            config.fix(labels=labels, num_classes=len(labels))
        model, method = self.build_model(dataset, resume_from)
        loader = self.resources.enter_context(build_loader(config, "train", dataset, settings, training=True))
        check_vocabulary_size(loader.pipeline.transforms, model)
        optimizer = config.build("optimizer")
        schedule = optimizer.schedule
        self.bind(schedule, loader.length)
        self.scale_learning_rate(schedule)
        amp = Amp(settings.amp, settings.amp_dtype)
        amp.decorate(model)
        ema = ExponentialMovingAverage(model, settings.ema) if settings.ema else None
        stream = settings.mode == "stream"
        if stream:
            check_stream(dataset, loader.sampler, settings.accumulate)
        trainer = (StreamTrainer if stream else Trainer)(
            model,
            loader,
            optimizer.build(model),
            schedule,
            settings,
            self.folder,
            ema=ema,
            amp=amp,
            stop=GracefulStop(),
        )
        trainer.config = config
        if stream:
            trainer.metric = config.build("data.metric", dataset=dataset)
        trainer.callbacks = self.callbacks(evaluation, model)
        if method and not method.trains:
            trainer.end_reason, trainer.scores_step = f"{type(method).__name__} needs no training", None
        return trainer

    def build_model(self, dataset, resume_from=None):
        """The model, on pretrained weights if the configuration names some, normalising over all processes.

        Args:
            dataset (object): to train on.
            resume_from (Path): the checkpoint of a run that goes on, whose structure the model takes.

        Returns:
            tuple: the model, and the method of `slim:` or None.
        """
        model = build_model(self.config, class_names(dataset), resume_from)
        for key, arrays in self.prepared.weights.items() if resume_from is None else ():
            pretrained.load_arrays(model, arrays, source=str(self.config.get(key)), strict=key == "weights")
            if key == "pretrained" and Path(self.config.get(key)).exists():
                warn_of_changes(self.config, self.config.get(key))
        method = self.compress(model, resume_from) if self.config.get("slim", None) else None
        if distributed.world_size() > 1:
            from common.layers.sync_batch_norm import convert_sync_batch_norm

            convert_sync_batch_norm(model)
            distributed.broadcast_parameters(model)
        model.labels = class_names(dataset)
        return model, method

    def compress(self, model, resume_from):
        """The method of `slim:`, which has changed the model, or found it changed in a run that goes on."""
        from common.training import compression

        if resume_from is not None:
            check_agreement(self.config, getattr(model, "structure", None), resume_from)
        datasets = {"train": self.prepared.train, "eval": self.prepared.evaluation}
        context = compression.Context(self.config, self.folder, datasets, self.args.dry_run)
        method = compression.begin(self.config, model, context, resume_from is not None)
        compression.add_loss(method, model)
        return method

    def bind(self, schedule, batches):
        """Tells the schedule the length of the run, as far as it is known: `batches` an epoch, None for unknown."""
        settings = self.settings
        steps, total = run_length(batches, settings)
        try:
            schedule.bind(steps, total)
            schedule.rate(schedule.warmup_length())
        except ValueError as error:
            raise ConfigError(
                f"{self.config.place('optimizer.lr')}: {error}\n  data.train is a stream whose length nobody knows: "
                "give it `sampler: {type: StreamSampler, steps: ...}`, the batches of an epoch, or give train.max_steps"
            ) from error

    def scale_learning_rate(self, schedule):
        """Scales the learning rate to this run's total batch, where the configuration says what batch it is for."""
        base = self.settings.base_batch
        total = self.settings.batch_size * self.settings.accumulate * distributed.world_size()
        if base and base != total:
            schedule.scale(total / base)
            logger.info("learning rate scaled by %d/%d: the configuration's is for batches of %d", total, base, base)

    def callbacks(self, evaluation, model):
        """What watches this run; processes but the main one only evaluate and take part in saving."""
        config, settings, args = self.config, self.settings, self.args
        found = []
        if evaluation is not None:
            given = config.settings("eval")
            loader = self.resources.enter_context(build_loader(config, "eval", evaluation, given, training=False))
            metric = config.build("data.metric", dataset=evaluation)
            found.append(Evaluate(loader, metric, settings.eval_every, settings.early_stop))
        if distributed.is_main():
            found += self.watchers(model, evaluation)
        if settings.mode == "stream" and distributed.is_main():
            from common.training.callbacks.publish import Publish

            found.append(Publish(config, settings.keep))  # before saving: a version may come twice
        found.append(
            Checkpoint(
                settings.save_every,
                settings.save_every_steps,
                settings.keep,
                config.dump(),
                pdparams=args.format == "pdparams",
                files=learned_files(config, "train"),
            )
        )
        if distributed.is_main():
            found.append(NextSteps())
        return found

    def watchers(self, model, evaluation):
        """The callbacks that write for people."""
        from common.training.callbacks.card import Card
        from common.training.callbacks.log import Log
        from common.training.callbacks.plots import Plots

        watchers = [Log(self.config.get("log_every")), Plots(draw=drawing(model, evaluation)), Card(self.command_line)]
        if self.args.use_vdl:
            from common.training.callbacks.visualdl import VisualDL

            watchers.append(VisualDL(self.folder / "vdl"))
        if self.args.use_tb:
            from common.training.callbacks.tensorboard import TensorBoard

            watchers.append(TensorBoard(self.folder / "tensorboard"))
        if self.args.profile:
            from common.training.callbacks.profile import Profile

            watchers.append(Profile())
        return watchers

    def resume(self, trainer, path):
        """Goes on exactly where `path` was written."""
        check_unchanged(self.config, path)
        arrays, state = checkpoint.read_checkpoint(path)
        trainer.load(arrays, state)
        if trainer.finished():
            logger.info("%s: this run has ended; a higher train.epochs or train.max_steps would prolong it", path)
        else:
            logger.info("resumed %s: epoch %d, step %d", path, trainer.epoch + 1, trainer.step)

    def dry_run(self):
        """One step, one evaluated batch, a checkpoint written and read back: what would fail, fails now."""
        with tempfile.TemporaryDirectory() as folder:
            self.folder = Path(folder) / self.config.name
            trainer = self.build()
            trainer.settings.max_steps = trainer.total_steps = 1
            trainer.train_mode()
            for batch in trainer.batches():
                if trainer.update(trainer.train_step(to_tensors(batch))):
                    break
            self.dry_evaluate(trainer)
            path = next(c for c in trainer.callbacks if isinstance(c, Checkpoint)).save(trainer)
            before = trainer.state()[0]["model"]
            if distributed.is_main():  # it alone has written
                trainer.load(*checkpoint.read_checkpoint(path))
            after = trainer.state()[0]["model"]
            if any((before[name] != after[name]).any() for name in before):
                raise KitError("the checkpoint read back differs from what was saved")
            losses = ", ".join(f"{name} {value:.4f}" for name, value in trainer.losses.items())
            logger.info("dry run: one step (%s), one evaluation, saved and loaded: all well", losses)
        return 0

    @staticmethod
    def dry_evaluate(trainer):
        """Scores one batch."""
        for callback in trainer.callbacks:
            if isinstance(callback, Evaluate):
                from common.build.model import predictor_of

                trainer.model.eval()
                batch = next(iter(callback.loader.epoch(0)))
                callback.metric.reset()
                callback.metric.update(predictor_of(trainer.model)(batch), batch)
                callback.metric.compute()


def drawing(model, dataset):
    """From a batch and the model's outputs to the pictures of the batch, answers drawn; None for texts."""
    task = importlib.import_module(f"common.inference.tasks.{model.task}")
    read = getattr(dataset, "picture_of", lambda path: decode_image(Path(path).read_bytes()))
    if task.INPUT != "picture":
        return None

    def draw(batch, outputs):
        pictures = [read(path) for path in batch["path"]]
        records = task.records(outputs, model.labels, min(0.3, task.THRESHOLD))
        return [task.draw(image, found) for image, found in zip(pictures, records)]

    return draw
