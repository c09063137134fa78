"""Sheets of generated images after every epoch, in the folder of a run."""

import contextlib
from pathlib import Path

import numpy as np
import paddle

from common.inference.generated import as_pixels
from common.log import logger
from common.training.callbacks.callback import Callback
from common.training.plotting import draw_mosaic
from common.training.trainer import to_tensors

SAMPLES = 32  # of the first batch
IN_ROWS = 8  # samples with several images each
CELL = 96  # pixels of the side of an image


class SampleSheets(Callback):
    """Writes `samples/step_<step>.png` after every epoch, for models with a `sheet`: always of the same samples.

    These are the first ones that this process trains on. Errors are logged as warnings and never end a run.
    """

    def __init__(self):
        self.batch = None

    def after_step(self, trainer):
        """Keeps the first batch."""
        if self.batch is None:
            self.batch = {name: value[:SAMPLES] for name, value in trainer.batch.items() if hasattr(value, "ndim")}

    def at_epoch_end(self, trainer):
        """Writes the sheet."""
        if self.batch is None:
            return
        path = Path(trainer.folder) / "samples" / f"step_{trainer.step:08d}.png"
        trainer.model.eval()
        try:
            with paddle.no_grad(), trainer.ema.swap_in() if trainer.ema else contextlib.nullcontext():
                columns = [np.asarray(column.numpy()) for column in trainer.model.sheet(to_tensors(self.batch))]
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_sheet(path, columns)
        except Exception as error:  # noqa: BLE001 no error of a drawing may end the run
            logger.warning("samples: %s: %s", type(error).__name__, error)
        finally:
            trainer.train_mode()


def draw_sheet(path, columns):
    """Writes a sheet: a row for each sample with its images, or eight samples per row of one image each.

    Args:
        path (Path): the PNG to write.
        columns (list[ndarray]): images float32 [N, D, H, W] from -1 to 1.
    """
    if len(columns) == 1:
        images, width = list(columns[0]), 8
    else:
        images, width = (
            [column[row] for row in range(min(IN_ROWS, len(columns[0]))) for column in columns],
            len(columns),
        )
    draw_mosaic(path, [as_pixels(image) for image in images], columns=width, cell=CELL)
