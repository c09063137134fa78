"""Training without end: every epoch is an hour of data that others write, learned once, in the order it came.

Each batch is first answered by the model as it is, and then learned (progressive evaluation): the scores of an hour
are those of a model that has seen nothing of it.
"""

import numpy as np

from common.errors import ConfigError
from common.inference.evaluate import sources_of, update
from common.log import logger
from common.training.trainer import Trainer


class StreamTrainer(Trainer):
    """The trainer of `train: {mode: stream}`; an epoch of `train.epochs` is an hour.

    Its data set answers `await_hour(hour, should_stop)`, `name_of(hour)` and `late`, besides being a stream.
    `run.metric` scores what is predicted before it is learned.

    Args:
        run (RunParts): given by the program.
    """

    def batches(self):
        """The batches of the next hour, which is waited for; none where it does not come."""
        dataset = self.loader.dataset
        stop = self.stop
        if dataset.await_hour(self.epoch, lambda: stop is not None and stop.requested):
            yield from super().batches()
            return
        if stop is not None and stop.requested:
            self.call("on_stop")
        hour = dataset.name_of(self.epoch)
        if dataset.late == "skip":
            logger.warning("hour %s did not come within %g seconds and is left out", hour, dataset.wait)
        else:
            self.end_reason = f"hour {hour} did not come within {dataset.wait:g} seconds; -r auto goes on with it"

    def train_step(self, batch):
        """Answers the batch, scores the answer, and then gives the losses."""
        self.model.eval()
        update(self.metric, sources_of(self.model), self.batch)
        self.train_mode()
        return super().train_step(batch)

    def end_epoch(self):
        """Notes the scores of the hour and goes on to the next one."""
        if self.end_reason and not self.position:
            return
        if self.position:
            self.at_end = True
            self.scores, self.scores_step = self.metric.compute(), self.step
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


def check_stream(dataset, sampler, amount):
    """Refuses what would not learn every row once.

    Args:
        dataset (object): of data.train.
        sampler (object): of data.train.
        amount (int): `train.accumulate`.

    Raises:
        ConfigError: the data set has no hours, or rows would be left out.
    """
    if not hasattr(dataset, "await_hour"):
        raise ConfigError(f"train.mode is stream, but {type(dataset).__name__} has no hours; it takes HourlyRows")
    if sampler.drop_last or sampler.steps:
        raise ConfigError(
            "train.mode is stream, but data.train leaves out rows: "
            "give it `sampler: {type: StreamSampler, drop_last: false}`"
        )
    if amount != 1:
        raise ConfigError(f"train.mode is stream and train.accumulate {amount}; a stream is learned batch by batch")
