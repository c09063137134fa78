"""The training loop: one path, five events, one method to override.

Read `Trainer.fit` from top to bottom and that is all there is.  Callbacks observe; they never change a batch, a
loss or an order.  A trainer is a component: `trainer: {type: AlternatingTrainer}` in a configuration names another one,
from `common/training/` or the kit's `training/`.  It derives from `Trainer`, takes `run` and its own keys, and
overrides :meth:`Trainer.train_step`.
"""

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import paddle

from common.build.inputs import check_batch
from common.build.training_only import group_arrays, merge_groups
from common.contract import get_optional
from common.data.workers import NoBatch
from common.errors import ConfigError, DataError, Diverged, Stopped
from common.inference.scored import best_thresholds
from common.log import logger
from common.system import distributed, random_state
from common.training.amp import Amp
from common.weights import pretrained


@dataclasses.dataclass
class RunParts:
    """The components that a trainer works with.

    Args:
        model (nn.Layer): `loss(batch) -> dict of scalar Tensors`, whose sum is minimized.
        loader (Loader): yields the batches of an epoch from any position.
        optimizer (object): built by `common.optim`: `step(lr)`, `clear()`, `state()`, `load()`.
        schedule (object): learning rate schedule `at(step)`, bound to the length of the run.
        settings (Train): the `train:` section.
        folder (Path): output folder of the run.
        config (Config): the checked configuration.
        callbacks (list[Callback]): called at every event, in this order.
        metric (object): scores predictions during training; used by streams only.
        ema (ExponentialMovingAverage): averaged weights; None for no averaging.
        amp (Amp): mixed precision; None for float32.
        stop (GracefulStop): records stop signals; None if signals are not handled.
    """

    model: object
    loader: object
    optimizer: object
    schedule: object
    settings: object
    folder: Path
    config: object = None
    callbacks: list = dataclasses.field(default_factory=list)
    metric: object = None
    ema: object = None
    amp: object = None
    stop: object = None


class Trainer:
    """Trains one model with one loader.

    Args:
        run (RunParts): passed by the program.
    """

    def __init__(self, run):
        self.model, self.loader, self.settings, self.config = run.model, run.loader, run.settings, run.config
        self.optimizer, self.schedule, self.folder, self.metric = run.optimizer, run.schedule, run.folder, run.metric
        self.callbacks, self.ema, self.amp, self.stop = list(run.callbacks), run.ema, run.amp or Amp(), run.stop
        self.loss_of = distributed.wrap_loss(run.model)
        self.frozen = freeze_layers(run.model, run.settings.freeze)
        self.accumulate = run.settings.accumulate
        self.batches_per_epoch = run.loader.length
        self.steps_per_epoch, self.total_steps = run_length(run.loader.length, run.settings)
        self.epochs = run.settings.epochs
        self.samples_per_step = run.settings.batch_size * self.accumulate * distributed.world_size()
        self.epoch = self.position = self.step = self.bad_steps = 0
        self.at_end = False  # the batch at `position` is the last of its epoch
        self.lrs, self.losses = learning_rates(run.schedule.at(0)), {}
        self.scores, self.scores_step, self.best = {}, 0, None
        self.thresholds = None  # of the last evaluation, see common.inference.scored.best_thresholds
        self.end_reason = None
        self.batch = None

    def fit(self):
        """Trains to the last epoch, the last step, or an `end_reason` (a signal raises `Stopped` after saving)."""
        self.call("on_train_start")
        self.check_max_steps()
        while self.epoch < self.epochs and not self.end_reason:
            self.train_mode()
            for batch in self.batches():
                if self.train_step(to_tensors(batch)):
                    self.call("after_step")
                if self.end_reason:
                    break
            else:
                self.end_epoch()
                self.call("after_epoch")
        self.call("on_train_end")

    def train_step(self, batch):
        """Trains on one batch (dict of Tensors); True if the weights were updated. Custom trainers override it."""
        losses = self.descend(self.losses_of(batch))
        return losses is not None and self.last_of_group() and self.advance(losses)

    def end_epoch(self):
        """Finishes an epoch and moves to the start of the next one."""
        if not self.position:
            raise DataError(f"data.train yielded no batch in epoch {self.epoch + 1}")
        self.at_end = True
        self.call("at_epoch_end")
        self.epoch, self.position, self.at_end = self.epoch + 1, 0, False

    def batches(self):
        """The batches of this epoch from the current position; a signal that comes while waiting for one ends it.

        Not within a group of `train.accumulate` batches, as checkpoints do not hold accumulated gradients.
        """
        alone = self.stop is not None and distributed.world_size() == 1
        self.loader.should_stop = (lambda: self.stop.requested and self.last_of_group()) if alone else bool
        try:
            batches = self.loader.epoch(self.epoch, self.position)
            for batch, position, is_last in with_end(batches, self.loader):
                check_batch(self.model, batch, "data.train")
                self.batch, self.position, self.at_end = batch, position, is_last
                yield batch
        except NoBatch:
            self.call("on_stop")
            raise

    def losses_of(self, batch, **given):
        """The named losses of a batch, in the precision of the run; `given` is passed to the model's `loss`."""
        with self.amp.auto_cast():
            return self.loss_of(batch, sync=self.last_of_group(), **given)

    def descend(self, losses, only=None):
        """Backpropagates the losses and, on the last batch of an accumulation group, updates the weights.

        Args:
            losses (dict[str, Tensor]): scalars, whose sum is minimized.
            only (list[str]): names of the parts of `optimizer: {type: Several}` to update; all when None.

        Returns:
            dict[str, float]: the losses; None if they are not finite and the batch is skipped.

        Raises:
            Diverged: they are not finite, and `train.on_nan` does not skip such batches.
        """
        total = sum(losses.values())
        values = {name: float(value.item()) for name, value in losses.items()}
        if not self.accept(values):
            return None
        self.amp.scale(total / self.accumulate if self.accumulate > 1 else total).backward()
        if self.last_of_group():
            optimizer = self.optimizer if only is None else self.optimizer.parts_named(only)
            self.amp.step(optimizer, self.schedule.at(self.step))
            self.optimizer.clear()
        return values

    def advance(self, losses):
        """Counts an update with these losses (dict of floats), and updates the averaged weights."""
        self.lrs, self.losses = learning_rates(self.schedule.at(self.step)), losses
        if self.ema:
            self.ema.update()
        self.step += 1
        self.check_max_steps()
        return True

    def check_max_steps(self):
        """Ends the run after `train.max_steps` updates, also when it is resumed there."""
        if 0 < self.settings.max_steps <= self.step:
            self.end_reason = f"train.max_steps={self.settings.max_steps} steps are done"

    def is_last_step(self):
        """True if the last update was the final one of the run, as far as that is known."""
        return self.step == self.total_steps or (self.at_end and self.epoch + 1 == self.epochs)

    def finished(self):
        """True if the run is complete."""
        return self.epoch >= self.epochs or 0 < self.settings.max_steps <= self.step

    def last_of_group(self):
        """True if the current batch ends a group of `train.accumulate` batches (or the epoch)."""
        return self.position % self.accumulate == 0 or self.at_end

    def accept(self, losses):
        """False to skip a batch whose loss is not finite (`on_nan: skip`, five in a row at most).

        Raises:
            Diverged: with the step, the losses, the learning rate and the samples of the batch.
        """
        finite = distributed.all_true(all(math.isfinite(value) for value in losses.values()))
        if finite:
            self.bad_steps = 0
            return True
        self.bad_steps += 1
        terms = ", ".join(f"{name}={value:g}" for name, value in losses.items())
        samples = self.batch.get("image_id", self.batch.get("path", []))
        some = any(Path(self.folder).glob("step_*"))
        saved = "the last checkpoint is from before this step" if some else "no checkpoint has been saved yet"
        message = (
            f"the loss is not finite at step {self.step} (epoch {self.epoch + 1}): {terms}\n"
            f"  {learning_rate_text(self.schedule.at(self.step))}; samples of the batch: {shorten_list(samples)}\n"
            f"  {saved}; try a lower optimizer.lr, a longer warm-up or optimizer.clip_norm, or inspect these samples"
        )
        if self.settings.on_nan == "skip" and self.bad_steps <= 5:
            logger.warning(message)
            self.optimizer.clear()
            return False
        raise Diverged(message)

    def train_mode(self):
        """Sets training mode, except for frozen layers, whose running statistics stay unchanged."""
        self.model.train()
        for layer in self.frozen:
            layer.eval()

    def call(self, event):
        """Calls the method `event` of every callback."""
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def state(self):
        """The complete state for checkpoints: ({group: {name: array}}, a dict of JSON values)."""
        arrays = group_arrays(self.model, {name: value.numpy() for name, value in self.model.state_dict().items()})
        arrays["optimizer"], optimizer_state = self.optimizer.state()
        state = {
            "epoch": self.epoch,
            "position": self.position,
            "at_end": self.at_end,
            "step": self.step,
            "best": self.best,
            "scores": self.scores,
            "scores_step": self.scores_step,
            "thresholds": self.thresholds,
            **self.order(),
            "optimizer": optimizer_state,
            "amp": self.amp.state(),
            "random": distributed.all_gather_json(random_state.collect()),
            "callbacks": {type(callback).__name__: callback.state() for callback in self.callbacks},
        }
        if self.ema:
            arrays["ema"], state["ema"] = self.ema.state()
        if hasattr(self.model, "training_state"):
            ranks = distributed.all_gather_state(self.model.training_state())
            arrays["training_state"] = {f"{rank}/{n}": v for rank, named in enumerate(ranks) for n, v in named.items()}
        return arrays, state

    def order(self):
        """The settings that determine the order of samples, and so the meaning of a position in the data, by name."""
        sizes = {"batches_per_epoch": self.batches_per_epoch, "batch_size": self.settings.batch_size}
        return sizes | {"accumulate": self.accumulate, "world_size": distributed.world_size()} | self.loader.order

    def load(self, arrays, state):
        """The inverse of `state`.

        Raises:
            ConfigError: the checkpoint was written with another batch size, seed, dataset length, number of processes.
        """
        for name, here in self.order().items():
            if state.get(name, here) != here:
                raise ConfigError(
                    f"-r: the checkpoint was written with {name}={state[name]}, this run has {here}; "
                    "to resume exactly they must be equal (to start a new run from its weights: -o pretrained=PATH)"
                )
        pretrained.load_arrays(self.model, merge_groups(arrays), "-r: the checkpoint", strict=True)
        self.optimizer.load(arrays["optimizer"], state["optimizer"])
        self.amp.load(state["amp"])
        if self.ema:
            self.ema.load(arrays["ema"], state["ema"])
        if hasattr(self.model, "load_training_state"):
            own = f"{distributed.rank()}/"
            kept = {n.removeprefix(own): v for n, v in arrays.get("training_state", {}).items() if n.startswith(own)}
            self.model.load_training_state(kept)
        self.epoch, self.position, self.at_end = state["epoch"], state["position"], state["at_end"]
        self.step = state["step"]
        self.best, self.scores, self.scores_step = state["best"], state["scores"], state["scores_step"]
        self.thresholds = state.get("thresholds")
        for callback in self.callbacks:
            callback.load(state["callbacks"].get(type(callback).__name__, {}))
        random_state.restore(state["random"][distributed.rank()])

    def note_scores(self, scores, metric):
        """Records the scores of the current weights; True if they are the best so far.

        NaN is never the best score.
        """
        self.scores, self.scores_step, self.metric = scores, self.step, metric
        self.thresholds = best_thresholds(metric)
        score, sign = scores[metric.primary], 1 if get_optional(metric, "metric", "higher_is_better") else -1
        if score != score or (self.best is not None and sign * score <= sign * self.best["score"]):
            return False
        self.best = {"metric": metric.primary, "score": score, "step": self.step}
        return True

    def stop_requested(self):
        """True if any rank has received a stop signal."""
        return self.stop is not None and not distributed.all_true(not self.stop.requested)

    def stop_exception(self, path):
        """The exception that ends a run on a signal; its checkpoint is at `path`."""
        number = self.stop.signal_number or 15
        return Stopped(number, f"stopped by signal {number} at step {self.step}; saved {path}; resume with -r auto")


def run_length(batches, settings):
    """(updates per epoch of `batches`, updates of the whole run); None where unknown.

    Args:
        batches (int): batches per epoch; None for a stream of unknown length.
        settings (Train): epochs, accumulate, max_steps.
    """
    if batches is None:
        return None, settings.max_steps or None
    steps = math.ceil(batches / settings.accumulate)
    return steps, min(steps * settings.epochs, settings.max_steps or steps * settings.epochs)


def with_end(batches, loader):
    """Yields (batch, position after it, True if it is the last of the epoch) from a loader.

    A stream of unknown length is read one batch ahead to detect the last batch; with several processes it ends for all
    as soon as it ends for one.
    """
    if loader.length is not None:
        yield from ((batch, loader.position, loader.position == loader.length) for batch in batches)
        return
    held = None
    for batch in itertools.chain(batches, [None]):
        more = distributed.all_true(batch is not None)
        if held:
            yield (*held, not more)
        if not more:
            return
        held = batch, loader.position


def to_tensors(batch):
    """The arrays of a batch as Tensors; lists (paths, names) are unchanged."""
    return {k: paddle.to_tensor(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}


def freeze_layers(model, patterns):
    """Freezes the sublayers whose dotted names match a pattern, and returns them.

    Raises:
        ConfigError: a pattern matches no layer.
    """
    import fnmatch

    frozen = []
    for pattern in patterns:
        found = [layer for name, layer in model.named_sublayers() if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            names = ", ".join(name for name, _ in model.named_children())
            raise ConfigError(f"train.freeze: no layer is named '{pattern}'; the model's parts are {names}")
        frozen += found
    for layer in frozen:
        for parameter in layer.parameters():
            parameter.stop_gradient = True
    return frozen


def shorten_list(values, most=16):
    """`values` on one line, truncated after `most`."""
    values = [str(v) for v in (values.tolist() if isinstance(values, np.ndarray) else values)]
    return ", ".join(values[:most]) + (f" ... ({len(values)} in all)" if len(values) > most else "")


def learning_rates(given):
    """{`lr`: value}, with `lr_NAME` for further optimizers, from the value of a schedule: a number or a dict."""
    if not isinstance(given, dict):
        return {"lr": given}
    first, *others = given
    return {"lr": given[first]} | {f"lr_{name}": given[name] for name in others}


def learning_rate_text(given):
    """The value of a schedule as text."""
    return "learning rate " + ", ".join(f"{value:g}" for value in learning_rates(given).values())
