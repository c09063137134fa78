"""From a configuration to its trainer: optimizer, schedule, mixed precision, averaged weights, and the loop itself."""

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
    """Everything a trainer works with but its callbacks (RunParts).

    Args:
        config (Config): checked.
        folder (Path): of the run.
        model (nn.Layer): on the weights to start from; cast to half precision under `train.amp: O2`.
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
    """The trainer that the configuration names by `trainer:`, else the one for `train.mode`.

    Args:
        run (RunParts): what it works with.

    Raises:
        ConfigError: the data, the model or the optimizer do not suit the trainer.
    """
    stream = run.settings.mode == "stream"
    if stream:
        check_stream(run.loader.dataset, run.loader.sampler, run.settings.accumulate)
    if run.config.get("trainer", None) is None:
        return (StreamTrainer if stream else Trainer)(run)
    trainer = run.config.build("trainer", run=run)
    if stream and not isinstance(trainer, StreamTrainer):
        name = run.config.get("trainer.type")
        raise ConfigError(f"{run.config.place('trainer')}: train.mode is stream, which {name} does not follow")
    return trainer


def bind(config, schedule, batches):
    """Tells the schedule the length of the run, as far as it is known: `batches` an epoch, None for unknown."""
    steps, total = run_length(batches, config.settings("train"))
    try:
        schedule.bind(steps, total)
        schedule.rate(schedule.warmup_length())
    except ValueError as error:
        raise ConfigError(
            f"{config.place('optimizer.lr')}: {error}\n  data.train is a stream whose length nobody knows: "
            "give it `sampler: {type: StreamSampler, steps: ...}`, the batches of an epoch, or give train.max_steps"
        ) from error


def scale_learning_rate(settings, schedule):
    """Scales the learning rate to this run's total batch, where the configuration says what batch it is for."""
    base = settings.base_batch
    total = settings.batch_size * settings.accumulate * distributed.world_size()
    if base and base != total:
        schedule.scale(total / base)
        logger.info("learning rate scaled by %d/%d: the configuration's is for batches of %d", total, base, base)
