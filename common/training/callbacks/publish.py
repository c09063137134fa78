"""Publishing callback: exports a model version after every hour of a stream."""

import itertools

from common.export.write import export
from common.log import logger
from common.table.versions import announce, announced
from common.training.callbacks.callback import Callback

ROWS = 2  # of a batch, to compare the exported model with the trained one


class Publish(Callback):
    """Exports the model to `<run>/published/<YYYYMMDDHH>/`, to which `<run>/published/current` then leads.

    A line is added to `donefile`, JSON: `version`, `path`, `step`, and the scores of the hour.  A version that is
    published again, because the run was killed before its checkpoint was saved, is replaced; an hour whose end was
    saved, but whose version was not finished when the run was killed, is published when the run resumes.

    Args:
        config (Config): of the run.
        keep (int): number of latest versions to keep.
    """

    def __init__(self, config, keep=3):
        self.config, self.keep, self.had_rows = config, keep, False

    def on_train_start(self, trainer):
        """Publishes the hour before this one in a resumed run that was killed before it had."""
        if not trainer.epoch or trainer.position or not trainer.step or trainer.scores_step != trainer.step:
            return
        steps = [entry["step"] for entry in announced(trainer.folder / "published").values()]
        if trainer.step not in steps:  # otherwise there were no rows since
            self.publish(trainer)

    def at_epoch_end(self, trainer):
        """Notes that the hour had rows."""
        self.had_rows = True

    def after_epoch(self, trainer):
        """Publishes the model of the hour that has ended, unless it had no rows."""
        if self.had_rows:
            self.publish(trainer)
        self.had_rows = False

    def publish(self, trainer):
        """Exports the model and notes it."""
        version = self.version(trainer)
        folder = trainer.folder / "published"
        batch = trainer.batch or rows_of(trainer.loader, trainer.epoch - 1)
        inputs = {name: batch[name][:ROWS] for name in trainer.model.inputs}
        folder.mkdir(parents=True, exist_ok=True)
        export(trainer.model, self.config, [], inputs, folder / version, thresholds=trainer.thresholds)
        self.note(trainer, version)
        logger.info("published %s", folder / version)

    @staticmethod
    def version(trainer):
        """The version of the hour that ended last."""
        return trainer.loader.dataset.name_of(trainer.epoch - 1).replace("/", "")

    def note(self, trainer, version):
        """Makes the version the current one and adds its line."""
        announce(trainer.folder / "published", version, {"step": trainer.step, **trainer.scores}, self.keep)


def rows_of(loader, hour):
    """The first rows of an hour as a batch; in a process that resumes at the end of the hour there is no other."""
    dataset = loader.dataset
    return loader.pipeline.table(dataset.assemble(list(itertools.islice(dataset.iterate(0, 1, hour), ROWS))))
