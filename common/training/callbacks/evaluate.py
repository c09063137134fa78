"""Evaluates while training, keeps the best, and ends a run that no longer gains."""

import contextlib

from common.build.model import predictor_of
from common.inference.evaluate import evaluate
from common.system import distributed
from common.training.callbacks.callback import Callback


class Evaluate(Callback):
    """Scores the model (its averaged weights when there are some) every `every` epochs and after the last one.

    Args:
        loader (Loader): over the evaluation set.
        metric (object): its `primary` score selects the best checkpoint.
        every (int): epochs between evaluations; 0 only after the last.
        patience (int): evaluations without a new best before the run ends; 0 never.
    """

    pictures = 16

    def __init__(self, loader, metric, every=1, patience=0):
        self.loader, self.metric, self.every, self.patience = loader, metric, every, patience
        self.without_gain = 0

    def state(self):
        return {"without_gain": self.without_gain}

    def load(self, state):
        self.without_gain = state.get("without_gain", 0)

    def on_train_start(self, trainer):
        """Ends a run that goes on after it had ended for want of gains."""
        self.end_without_gain(trainer)

    def at_epoch_end(self, trainer):
        done = trainer.epoch + 1
        if done == trainer.epochs or (self.every and done % self.every == 0):
            self.run(trainer)

    def on_train_end(self, trainer):
        if trainer.scores_step != trainer.step:
            self.run(trainer)

    def run(self, trainer):
        """Evaluates and notes the scores, whether they are the best, and the first answers for the pictures."""
        trainer.answers = []

        def after_batch(batch, outputs):
            if len(trainer.answers) < self.pictures:
                trainer.answers.append((batch, outputs))
            if trainer.stop is not None and trainer.stop.requested and distributed.world_size() == 1:
                raise InterruptedEvaluation

        model = trainer.model
        model.eval()
        try:
            with trainer.ema.swapped() if trainer.ema else contextlib.nullcontext():
                scores = evaluate(predictor_of(model), self.loader, self.metric, after_batch)
        except InterruptedEvaluation:
            trainer.call("on_stop")
            return
        finally:
            trainer.train_mode()
        self.note(trainer, scores)

    def note(self, trainer, scores):
        """Records the scores; a score that is not a number never becomes the best."""
        trainer.scores, trainer.scores_step, trainer.metric = scores, trainer.step, self.metric
        name = self.metric.primary
        score = scores[name]
        sign = 1 if getattr(self.metric, "higher_is_better", True) else -1
        if score == score and (trainer.best is None or sign * score > sign * trainer.best["score"]):
            trainer.best = {"metric": name, "score": score, "step": trainer.step}
            self.without_gain = 0
        else:
            self.without_gain += 1
        self.end_without_gain(trainer)
        trainer.call("after_evaluation")

    def end_without_gain(self, trainer):
        """Gives the run a reason to end where the best score is too long ago."""
        if self.patience and self.without_gain >= self.patience:
            trainer.end_reason = f"{self.metric.primary} has not gained for {self.without_gain} evaluations"


class InterruptedEvaluation(Exception):
    """A signal came during an evaluation; what is saved then is from before it, and it is run anew on resuming."""
