"""Base class of experiment trackers (VisualDL, TensorBoard), fed from `metrics.jsonl` and `timing.jsonl`.

When a run is resumed the curves are rebuilt from these files, without gaps and duplicate steps.
"""

from pathlib import Path

from common.training.callbacks.callback import Callback
from common.training.callbacks.lines import Follower
from common.vision.decode import decode_image

NOT_CURVES = {"kind", "step", "memory"}


class Tracker(Callback):
    """Follows the files of :class:`common.training.callbacks.log.Log`, which precedes it in the callbacks.

    Args:
        logdir (str): the folder for the viewer.
    """

    def __init__(self, logdir):
        self.logdir = Path(logdir)
        self.files, self.sheets = None, set()

    def open(self):
        """Creates an empty log in `logdir`."""
        raise NotImplementedError

    def add(self, tag, value, step):
        """Adds one point of the curve `tag`."""
        raise NotImplementedError

    def add_image(self, tag, image, step):
        """Adds an image, RGB uint8 [H, W, 3]."""
        raise NotImplementedError

    def close(self):
        """Syncs the log to the disk."""
        raise NotImplementedError

    def on_train_start(self, trainer):
        """Adds the earlier steps of a resumed run."""
        self.follow(trainer)

    def after_step(self, trainer):
        """Adds the losses of the step if they were logged."""
        self.follow(trainer)

    def after_evaluation(self, trainer):
        """Adds the scores."""
        self.follow(trainer)

    def after_epoch(self, trainer):
        """Adds the sheets of generated images, of earlier epochs too in a resumed run."""
        for path in sorted((Path(trainer.folder) / "samples").glob("step_*.png")):
            if path.name not in self.sheets:
                self.sheets.add(path.name)
                self.add_image("samples", decode_image(path.read_bytes(), str(path)), int(path.stem.split("_")[1]))

    def on_train_end(self, trainer):
        """Closes the log."""
        self.follow(trainer)
        self.close()

    def follow(self, trainer):
        """Adds the records written since the last call."""
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
