"""Images of the first training batches of a run, after augmentation."""

from pathlib import Path

from common.log import logger
from common.training.batch_images import FILES, write_batch
from common.training.callbacks.callback import Callback


class TrainBatches(Callback):
    """Writes `plots/train_batch_0.jpg` to `_2.jpg` after the first updates of a new run, if its samples are images.

    Errors are logged as warnings and never end a run.
    """

    def __init__(self):
        self.left = 0

    def on_train_start(self, trainer):
        """Has nothing to write in a resumed run."""
        self.left = 0 if trainer.step else FILES

    def after_step(self, trainer):
        """Writes the batch of the update."""
        if not self.left:
            return
        number, self.left = FILES - self.left, self.left - 1
        transforms, labels = trainer.loader.pipeline.transforms, getattr(trainer.model, "labels", None)
        try:
            if write_batch(Path(trainer.folder) / "plots", number, trainer.batch, transforms, labels) is None:
                self.left = 0
        except Exception as error:  # noqa: BLE001 no error of a plot may end the run
            self.left = 0
            logger.warning("plots: train_batch: %s: %s", type(error).__name__, error)
