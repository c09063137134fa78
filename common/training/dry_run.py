"""Dry run: one training step, one evaluation batch, and a checkpoint written and read back, to find errors early."""

from common.errors import KitError
from common.inference.evaluate import update_once
from common.log import logger
from common.system import distributed
from common.training.callbacks.checkpoint import Checkpoint
from common.training.callbacks.evaluate import Evaluate
from common.training.trainer import to_tensors
from common.weights import checkpoint


def dry_run(trainer):
    """Runs every stage of a training once.

    Args:
        trainer (Trainer): just built; it writes to a temporary folder.

    Raises:
        KitError: a checkpoint that is read back differs from what was saved.
    """
    trainer.settings.max_steps = trainer.total_steps = 1
    trainer.train_mode()
    for batch in trainer.batches():
        if trainer.train_step(to_tensors(batch)):
            break
    evaluations = [callback for callback in trainer.callbacks if isinstance(callback, Evaluate)]
    for callback in evaluations:
        evaluate_one_batch(trainer.model, callback.loader, callback.metric)
    path = next(c for c in trainer.callbacks if isinstance(c, Checkpoint)).save(trainer)
    before = trainer.state()[0]["model"]
    if distributed.is_main():  # only it has written
        trainer.load(*checkpoint.read_checkpoint(path))
    after = trainer.state()[0]["model"]
    if any((before[name] != after[name]).any() for name in before):
        raise KitError("the checkpoint read back differs from the state that was saved")
    losses = ", ".join(f"{name} {value:.4f}" for name, value in trainer.losses.items())
    tried = f"one step ({losses}), " + ("one evaluation, " if evaluations else "")
    logger.info("dry run passed: %scheckpoint saved and loaded", tried)


def evaluate_one_batch(model, loader, metric):
    """Scores the first batch of a loader; the model is in evaluation mode afterwards."""
    model.eval()
    update_once(model, loader, metric)
    return metric.compute()
