"""Evaluation during training, best-checkpoint selection and early stopping."""

import contextlib

from common.inference.evaluate import evaluate, sources_of, update_once
from common.system import distributed
from common.training.callbacks.callback import Callback


class Evaluate(Callback):
    """Evaluates the model (with its averaged weights, if any) every `every` epochs and after the last one.

    Args:
        loader (Loader): of the evaluation data.
        metric (object): its `primary` score selects the best checkpoint.
        every (int): epochs between evaluations; 0 only after the last.
        patience (int): evaluations without improvement before early stopping; 0 disables it.
    """

    images = 16  # whose predictions are drawn

    def __init__(self, loader, metric, every=1, patience=0):
        self.loader, self.metric, self.every, self.patience = loader, metric, every, patience
        self.without_gain = 0

    def state(self):
        return {"without_gain": self.without_gain}

    def load(self, state):
        self.without_gain = state.get("without_gain", 0)

    def on_train_start(self, trainer):
        """Ends a resumed run that had already stopped early; a run that was not evaluated yet tries one batch."""
        self.stop_early(trainer)
        if not trainer.scores_step and not trainer.end_reason and not trainer.finished():
            trainer.model.eval()
            try:
                update_once(trainer.model, self.loader, self.metric)
            finally:
                trainer.train_mode()

    def at_epoch_end(self, trainer):
        done = trainer.epoch + 1
        if done == trainer.epochs or (self.every and done % self.every == 0):
            self.run(trainer)

    def on_train_end(self, trainer):
        if trainer.scores_step != trainer.step:
            self.run(trainer)

    def run(self, trainer):
        """Evaluates, records the scores, and keeps the first predictions for the plots."""
        trainer.predictions = []

        def after_batch(batch, outputs):
            if len(trainer.predictions) < self.images and outputs is not None:
                trainer.predictions.append((batch, outputs))
            if trainer.stop is not None and trainer.stop.requested and distributed.world_size() == 1:
                raise InterruptedEvaluation

        model = trainer.model
        model.eval()
        try:
            with trainer.ema.swap_in() if trainer.ema else contextlib.nullcontext():
                scores = evaluate(sources_of(model), self.loader, self.metric, after_batch)
        except InterruptedEvaluation:
            trainer.call("on_stop")
            return
        finally:
            trainer.train_mode()
        self.note(trainer, scores)

    def note(self, trainer, scores):
        """Records the scores, and ends the run after `patience` evaluations without improvement."""
        self.without_gain = 0 if trainer.note_scores(scores, self.metric) else self.without_gain + 1
        self.stop_early(trainer)
        trainer.call("after_evaluation")

    def stop_early(self, trainer):
        """Sets `end_reason` if the best score has not improved for `patience` evaluations."""
        if self.patience and self.without_gain >= self.patience:
            evaluations = f"{self.without_gain} evaluations"
            trainer.end_reason = f"early stopping: no improvement of {self.metric.primary} for {evaluations}"


class InterruptedEvaluation(Exception):
    """A stop signal during an evaluation: the state before it is saved, and the evaluation is repeated on resuming."""
