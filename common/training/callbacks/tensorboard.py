"""TensorBoard logging (`--use_tb`), for `tensorboard --logdir FOLDER`."""

from common.errors import EnvironmentProblem
from common.training.callbacks.tracker import Tracker


class TensorBoard(Tracker):
    """Writes losses, learning rate, scores and throughput as TensorBoard events.

    Args:
        logdir (str): the folder for `tensorboard --logdir`.

    Raises:
        EnvironmentProblem: the package is not installed.
    """

    suffix = ".kit"

    def __init__(self, logdir):
        super().__init__(logdir)
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise EnvironmentProblem(f"--use_tb needs tensorboardX ({error}): pip install tensorboardX") from error
        self.make = SummaryWriter

    def open(self):
        """Creates a new event file, filled from `metrics.jsonl`."""
        for old in self.logdir.glob(f"events.out.tfevents.*{self.suffix}"):
            old.unlink()
        self.writer = self.make(str(self.logdir), filename_suffix=self.suffix, flush_secs=10)

    def add(self, tag, value, step):
        """Adds one point."""
        self.writer.add_scalar(tag, float(value), step)

    def add_image(self, tag, image, step):
        """Adds an image, RGB uint8 [H, W, 3]."""
        self.writer.add_image(tag, image, step, dataformats="HWC")

    def close(self):
        """Flushes pending events."""
        self.writer.close()
