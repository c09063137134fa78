"""Base class of callbacks, with the events of a training run.

Order of the events of a run::

    on_train_start
        after_step            after every update
        at_epoch_end          after the last batch of an epoch; evaluation happens here
            after_evaluation  `trainer.scores` are those of `trainer.step`
        after_epoch           the epoch counter has been incremented; a checkpoint is saved here
    on_stop                   a stop signal came while waiting for a batch, or during an evaluation
    on_train_end
"""


class Callback:
    """Observes a run: it may read everything in the trainer and must not change it.

    A callback never touches a batch, a loss, an order or a random state: callbacks do not change the results of a run.
    """

    def on_train_start(self, trainer):
        """Called once, after a checkpoint is loaded and before the first batch is read."""

    def after_step(self, trainer):
        """Called after every update; `trainer.step` already counts it."""

    def at_epoch_end(self, trainer):
        """Called after the last batch of an epoch, while `trainer.epoch` still counts only the epochs before it."""

    def after_evaluation(self, trainer):
        """Called when `trainer.scores` are the scores of the current weights."""

    def after_epoch(self, trainer):
        """Called when `trainer.epoch` includes the epoch that ended."""

    def on_stop(self, trainer):
        """Called on a stop signal while waiting for a batch or evaluating; the callback that saves ends the run."""

    def on_train_end(self, trainer):
        """Called once, when the run ends without a signal or an error."""

    def state(self):
        """The state for checkpoints, as JSON values."""
        return {}

    def load(self, state):
        """Restores the result of :meth:`state`, before :meth:`on_train_start`."""
