"""What VisualDL and TensorBoard have in common: both show the numbers of `metrics.jsonl` and `timing.jsonl`.

The curves are made anew from these files when a run is resumed, so they have neither gaps nor steps shown twice.
"""

from pathlib import Path

from common.training.callbacks.callback import Callback
from common.training.callbacks.lines import Follower

NOT_CURVES = {"kind", "step", "memory"}


class Tracker(Callback):
    """Follows the files that :class:`common.training.callbacks.log.Log`, which stands before it, writes.

    Args:
        logdir (str): the folder that the viewer is pointed at.
    """

    def __init__(self, logdir):
        self.logdir = Path(logdir)
        self.files = None

    def open(self):
        """Starts an empty record in `logdir`."""
        raise NotImplementedError

    def add(self, tag, value, step):
        """Adds one point of the curve `tag`."""
        raise NotImplementedError

    def close(self):
        """Makes sure that everything is on the disk."""
        raise NotImplementedError

    def on_train_start(self, trainer):
        """Shows what a resumed run has done before."""
        self.follow(trainer)

    def after_step(self, trainer):
        """Adds the step's losses if they were logged."""
        self.follow(trainer)

    def after_evaluation(self, trainer):
        """Adds the scores."""
        self.follow(trainer)

    def on_train_end(self, trainer):
        """Ends the record."""
        self.follow(trainer)
        self.close()

    def follow(self, trainer):
        """Adds what was written since the last call."""
        if self.files is None:
            folder = Path(trainer.folder)
            self.files = [Follower(folder / "metrics.jsonl"), Follower(folder / "timing.jsonl")]
            self.open()
        for file in self.files:
            for record in file.new():
                kind = record.get("kind", "speed")
                for name, value in record.items():
                    if name not in NOT_CURVES and value is not None:
                        self.add(f"{kind}/{name}".replace("%", "percent"), value, record["step"])
