"""Publishing callback: exports a model version after every hour of a stream."""

import json
import os
import shutil

from common.export.write import export
from common.log import logger
from common.training.callbacks.callback import Callback

ROWS = 2  # of a batch, to compare the exported model with the trained one


class Publish(Callback):
    """Exports the model to `<run>/published/<YYYYMMDDHH>/` and adds a line to `<run>/published/donefile`.

    A line is JSON: `version`, `path`, `step`, and the scores of the hour.  A version that is published again,
    because the run was killed before its checkpoint was saved, is replaced.

    Args:
        config (Config): of the run.
        keep (int): number of latest versions to keep.
    """

    def __init__(self, config, keep=3):
        self.config, self.keep, self.epoch = config, keep, None

    def after_epoch(self, trainer):
        """Publishes the model of the hour that has ended, unless it had no data."""
        if trainer.scores_step != trainer.step or not trainer.batch or trainer.epoch == self.epoch:
            return
        self.epoch = trainer.epoch
        version = trainer.loader.dataset.name_of(trainer.epoch - 1).replace("/", "")
        folder = trainer.folder / "published"
        inputs = {name: trainer.batch[name][:ROWS] for name in trainer.model.inputs}
        folder.mkdir(parents=True, exist_ok=True)
        export(trainer.model, self.config, [], inputs, folder / version)
        self.note({"version": version, "path": version, "step": trainer.step, **trainer.scores}, folder)
        logger.info("published %s", folder / version)

    def note(self, entry, folder):
        """Appends an entry to the donefile atomically, and removes the oldest versions."""
        done = folder / "donefile"
        lines = done.read_text(encoding="utf-8").splitlines() if done.is_file() else []
        lines = [line for line in lines if json.loads(line)["version"] < entry["version"]] + [json.dumps(entry)]
        draft = folder / f".donefile-{os.getpid()}"
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        draft.replace(done)
        versions = [json.loads(line)["version"] for line in lines]
        for old in versions[: -self.keep]:
            shutil.rmtree(folder / old, ignore_errors=True)
