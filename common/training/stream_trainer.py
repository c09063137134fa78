"""Online training on a stream of hourly data, with progressive (test-then-train) evaluation.

Every epoch is one hour of data, trained on once in the order of arrival.  Each batch is scored by predictions from
before its update, so that the scores of an hour are those of a model that has not seen it.  Where a model predicts in
training as it does in evaluation, these are the predictions of the training pass itself.
"""

import numpy as np
from paddle import nn

from common.errors import ConfigError
from common.inference.evaluate import sources_of, update
from common.inference.scored import best_thresholds
from common.log import logger
from common.system.distributed import world_size
from common.training.trainer import Trainer


class StreamTrainer(Trainer):
    """The trainer of `train: {mode: stream}`; an epoch of `train.epochs` is an hour.

    Its dataset is a stream with `await_hour(hour, should_stop)`, `name_of(hour)` and `late`.  `run.metric` scores the
    predictions made before each update.

    Args:
        run (RunParts): passed by the program.
    """

    def __init__(self, run):
        super().__init__(run)
        self.one_pass = scores_in_training(self.model) and world_size() == 1 and not self.amp.enabled

    def batches(self):
        """Waits for the next hour and yields its batches; none if it does not arrive."""
        dataset = self.loader.dataset
        stop = self.stop
        if dataset.await_hour(self.epoch, lambda: stop is not None and stop.requested):
            yield from super().batches()
            return
        if stop is not None and stop.requested:
            self.call("on_stop")
        hour = dataset.name_of(self.epoch)
        if dataset.late == "skip":
            logger.warning("hour %s did not arrive within %g seconds and is skipped", hour, dataset.wait)
        else:
            self.end_reason = f"hour {hour} did not arrive within {dataset.wait:g} seconds; -r auto resumes with it"

    def train_step(self, batch):
        """Predicts and scores the batch, then trains on it."""
        if self.one_pass:
            losses, outputs = self.model.scored_loss(batch)
            found = {name: value.numpy() for name, value in outputs.items()}
            update(self.metric, {"predictions": lambda _: found}, self.batch)
            losses = self.descend(losses)
            return losses is not None and self.advance(losses)
        self.model.eval()
        update(self.metric, sources_of(self.model), self.batch)
        self.train_mode()
        return super().train_step(batch)

    def end_epoch(self):
        """Records the scores of the hour and advances to the next one."""
        if self.end_reason and not self.position:
            return
        if self.position:
            self.at_end = True
            self.scores, self.scores_step = self.metric.compute(), self.step
            self.thresholds = best_thresholds(self.metric)
            self.call("after_evaluation")
            self.call("at_epoch_end")
        else:
            logger.warning("hour %s: no rows", self.loader.dataset.name_of(self.epoch))
        self.metric.reset()
        self.epoch, self.position, self.at_end = self.epoch + 1, 0, False

    def state(self):
        arrays, state = super().state()
        arrays["progress"] = {name: np.asarray(value) for name, value in self.metric.state().items()}
        return arrays, state

    def load(self, arrays, state):
        super().load(arrays, state)
        self.metric.merge([arrays["progress"]])


def scores_in_training(model):
    """True if the predictions of a model's training pass are those of evaluation, and it gives them."""
    layers = model.sublayers(include_self=True)
    random = any(getattr(x, "dropout", 0) or (isinstance(x, nn.Dropout) and x.p) for x in layers)
    return hasattr(model, "scored_loss") and not random and not any("BatchNorm" in type(x).__name__ for x in layers)


def check_stream(dataset, sampler, amount):
    """Checks that training sees every row exactly once.

    Args:
        dataset (object): the dataset of data.train.
        sampler (object): the sampler of data.train.
        amount (int): `train.accumulate`.

    Raises:
        ConfigError: the dataset is not hourly, or rows would be left out.
    """
    if not hasattr(dataset, "await_hour"):
        raise ConfigError(f"train.mode is stream, but {type(dataset).__name__} is not hourly; use HourlyRows")
    if sampler.drop_last or sampler.steps:
        raise ConfigError(
            "train.mode is stream, but the sampler of data.train drops rows: "
            "give it `sampler: {type: StreamSampler, drop_last: false}`"
        )
    if amount != 1:
        raise ConfigError(f"train.mode is stream, which takes train.accumulate 1, not {amount}")
