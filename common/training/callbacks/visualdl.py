"""VisualDL logging (`--use_vdl`), for `visualdl --logdir FOLDER`."""

from common.errors import EnvironmentProblem
from common.training.callbacks.tracker import Tracker


class VisualDL(Tracker):
    """Writes losses, learning rate, scores and throughput to one `vdlrecords` file.

    Args:
        logdir (str): the folder for `visualdl --logdir`.

    Raises:
        EnvironmentProblem: the package is not installed.
    """

    file_name = "vdlrecords.0000000000.log"

    def __init__(self, logdir):
        super().__init__(logdir)
        try:
            from visualdl import LogWriter
        except ImportError as error:
            raise EnvironmentProblem(f"--use_vdl needs VisualDL ({error}): pip install visualdl") from error
        self.make = LogWriter

    def open(self):
        """Creates a new file, filled from `metrics.jsonl`."""
        (self.logdir / self.file_name).unlink(missing_ok=True)
        self.writer = self.make(str(self.logdir), file_name=self.file_name)

    def add(self, tag, value, step):
        """Adds one point."""
        self.writer.add_scalar(tag=tag, value=float(value), step=step)

    def add_image(self, tag, image, step):
        """Adds an image, RGB uint8 [H, W, 3]."""
        self.writer.add_image(tag=tag, img=image, step=step)

    def close(self):
        """Flushes pending records."""
        self.writer.close()
