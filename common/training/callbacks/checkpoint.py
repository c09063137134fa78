"""Checkpoint callback: saves every few epochs or steps, on a stop signal, and at the end."""

from common.errors import Diverged
from common.inference.thresholds import threshold_file
from common.log import logger
from common.system import distributed
from common.training.callbacks.callback import Callback
from common.weights import checkpoint
from common.weights.structure import structure_files


class FirstCheckpoint(Callback):
    """Saves before the first evaluation, so that an evaluation that fails does not cost the training before it.

    Args:
        checkpoint (Checkpoint): writes it.
    """

    def __init__(self, checkpoint):
        self.checkpoint = checkpoint

    def at_epoch_end(self, trainer):
        if self.checkpoint.saved is None and not trainer.scores_step and trainer.step:
            self.checkpoint.save(trainer)


class Checkpoint(Callback):
    """Writes `step_N` folders, moves `last` and `best`, and removes the oldest.

    All processes take part (the random state of each is saved); only the main one writes.

    Args:
        every (int): epochs between checkpoints; 0 for none.
        every_steps (int): steps between checkpoints; 0 for none.
        keep (int): number of latest checkpoints to keep besides the best; -1 keeps all.
        config_text (str): the complete configuration, saved beside the weights.
        pdparams (bool): also write `model.pdparams` for official tools.
        files (dict): name -> bytes of further files of the model, which are part of every checkpoint.
    """

    def __init__(self, every=1, every_steps=0, keep=3, config_text="", pdparams=False, files=None):
        self.every, self.every_steps, self.keep, self.config_text = every, every_steps, keep, config_text
        self.pdparams, self.files = pdparams, files or {}
        self.saved = None

    def after_step(self, trainer):
        if self.every_steps and trainer.step % self.every_steps == 0:
            self.save(trainer)
        self.end_if_requested(trainer)

    def after_epoch(self, trainer):
        new_best = trainer.best is not None and trainer.best["step"] == trainer.step
        if new_best or (self.every and trainer.epoch % self.every == 0) or trainer.epoch == trainer.epochs:
            self.save(trainer)
        self.end_if_requested(trainer)

    def on_stop(self, trainer):
        self.end_if_requested(trainer)

    def on_train_end(self, trainer):
        self.save(trainer)

    def end_if_requested(self, trainer):
        """Saves and ends the run if a stop signal was received."""
        if trainer.stop_requested():
            raise trainer.stop_exception(self.save(trainer))

    def save(self, trainer):
        """Writes the checkpoint of this step unless it exists; returns its path."""
        place = (trainer.step, trainer.epoch, trainer.position, trainer.scores_step)
        path = trainer.folder / f"step_{trainer.step}"
        if self.saved == place:
            return path
        arrays, state = trainer.state()
        if distributed.is_main():
            self.refuse_poison(arrays["model"], trainer.step)
            files = self.files | structure_files(trainer.model)
            if trainer.thresholds and trainer.scores_step == trainer.step:
                files = files | threshold_file(trainer.thresholds)
            checkpoint.write_checkpoint(
                trainer.folder, trainer.step, arrays, state, self.config_text, pdparams=self.pdparams, files=files
            )
            protect = set()
            if trainer.best is not None:
                protect.add(trainer.best["step"])
                if trainer.best["step"] == trainer.step:
                    checkpoint.mark_best(trainer.folder, trainer.step)
            checkpoint.prune(trainer.folder, self.keep, protect)
            logger.info("saved %s", path)
        distributed.barrier()
        self.saved = place
        return path

    @staticmethod
    def refuse_poison(arrays, step):
        """Raises Diverged rather than save weights that are not finite."""
        import numpy as np

        for name, value in arrays.items():
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise Diverged(
                    f"{name} is not finite at step {step}; no checkpoint was saved, and earlier ones are intact"
                )
