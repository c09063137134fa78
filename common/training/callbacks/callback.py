"""What a part that watches a training run may listen to.

Order of the events of a run::

    on_train_start
        after_step            after every update of the weights
        at_epoch_end          the last batch of an epoch is done; evaluation happens here
            after_evaluation  `trainer.scores` are those of `trainer.step`
        after_epoch           the epoch counter has moved on; a checkpoint is saved here
    on_stop                   a signal came while a batch was awaited, or during an evaluation
    on_train_end
"""


class Callback:
    """Watches a run. It may read everything of the trainer and changes nothing of it.

    A callback never touches a batch, a loss, an order or a random state: a run with callbacks equals the run without.
    """

    def on_train_start(self, trainer):
        """Called once, after a checkpoint was loaded and before the first batch is read."""

    def after_step(self, trainer):
        """Called after every update; `trainer.step` already counts it."""

    def at_epoch_end(self, trainer):
        """Called after the last batch of an epoch, while `trainer.epoch` still counts only the epochs before it."""

    def after_evaluation(self, trainer):
        """Called when `trainer.scores` hold the scores of the weights as they are."""

    def after_epoch(self, trainer):
        """Called when `trainer.epoch` counts the epoch that ended."""

    def on_stop(self, trainer):
        """Called when a signal came while a batch was awaited, or during an evaluation; whoever saves ends the run."""

    def on_train_end(self, trainer):
        """Called once, when the run ends by itself."""

    def state(self):
        """What a checkpoint keeps of this callback, as plain JSON values."""
        return {}

    def load(self, state):
        """Takes back what :meth:`state` gave, before :meth:`on_train_start`."""
