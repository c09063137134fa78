"""Builds the trainer of a configuration: optimizer, schedule, mixed precision, averaged weights, and the loop."""

import threading

from common.build.data import build_metric
from common.errors import ConfigError
from common.inference.task import task_of
from common.log import logger
from common.system import distributed
from common.system.signals import GracefulStop
from common.training.amp import Amp
from common.training.ema import ExponentialMovingAverage
from common.training.stream_trainer import StreamTrainer, check_stream
from common.training.trainer import RunParts, Trainer, run_length


def build_parts(config, folder, model, loader):
    """The components of a trainer without its callbacks (RunParts).

    Args:
        config (Config): checked.
        folder (Path): of the run.
        model (nn.Layer): with its initial weights; cast to half precision under `train.amp: O2`.
        loader (Loader): over the training data.
    """
    settings, optimizer = config.settings("train"), config.build("optimizer")
    bind(config, optimizer.schedule, loader.length)
    scale_learning_rate(settings, optimizer.schedule)
    amp = Amp(settings.amp, settings.amp_dtype)
    amp.decorate(model)
    return RunParts(
        model=model,
        loader=loader,
        optimizer=optimizer.build(model),
        schedule=optimizer.schedule,
        settings=settings,
        folder=folder,
        config=config,
        metric=build_metric(config, loader.dataset, task_of(config)) if settings.mode == "stream" else None,
        ema=ExponentialMovingAverage(model, settings.ema) if settings.ema else None,
        amp=amp,
        stop=GracefulStop() if threading.current_thread() is threading.main_thread() else None,
    )


def build_trainer(run):
    """Builds the trainer that `trainer:` names, else the default one of `train.mode`.

    Args:
        run (RunParts): its components.

    Raises:
        ConfigError: the data, the model or the optimizer are not supported by the trainer.
    """
    stream = run.settings.mode == "stream"
    if stream:
        check_stream(run.loader.dataset, run.loader.sampler, run.settings.accumulate)
    if run.config.get("trainer", None) is None:
        return (StreamTrainer if stream else Trainer)(run)
    trainer = run.config.build("trainer", run=run)
    if stream and not isinstance(trainer, StreamTrainer):
        name = run.config.get("trainer.type")
        raise ConfigError(f"{run.config.place('trainer')}: train.mode is stream, which {name} does not support")
    return trainer


def bind(config, schedule, batches):
    """Binds the schedule to the length of the run, as far as it is known: `batches` per epoch, None if unknown."""
    steps, total = run_length(batches, config.settings("train"))
    try:
        schedule.bind(steps, total)
        schedule.rate(schedule.warmup_length())
    except ValueError as error:
        raise ConfigError(
            f"{config.place('optimizer.lr')}: {error}\n  data.train is a stream of unknown length: "
            "give it `sampler: {type: StreamSampler, steps: ...}`, the batches of an epoch, or give train.max_steps"
        ) from error
    late = [f"{turn} (step {step})" for turn, step in schedule.turns().items() if total is not None and step >= total]
    if late:
        logger.warning(
            "%s: the run ends after %d steps, before %s: shorten the schedule, or train longer",
            *(config.place("optimizer.lr"), total, ", ".join(late)),
        )


def scale_learning_rate(settings, schedule):
    """Scales the learning rate linearly to this run's total batch size if `train.base_batch` is set."""
    base = settings.base_batch
    total = settings.batch_size * settings.accumulate * distributed.world_size()
    if base and base != total:
        schedule.scale(total / base)
        logger.info(
            "learning rate scaled by %d/%d: the configured value is for a total batch size of %d", total, base, base
        )
