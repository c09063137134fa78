"""The training loop: one path, five events, one method to override.

Read `Trainer.fit` from top to bottom and that is all there is.  Callbacks watch; they never change a batch, a loss or
an order.  A trainer is a component: `trainer: {type: AlternatingTrainer}` in a configuration names another one, of
`common/training/` or of the kit's `training/`.  It derives from `Trainer`, takes `run` and keys of its own, and
overrides :meth:`Trainer.train_step`.
"""

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import paddle

from common.build.inputs import check_inputs
from common.build.training_only import groups, together
from common.contract import offered
from common.data.workers import NoBatch
from common.errors import ConfigError, DataError, Diverged, Stopped
from common.log import logger
from common.system import distributed, random_state
from common.training.amp import Amp
from common.weights import pretrained


@dataclasses.dataclass
class RunParts:
    """Everything that a session gives to its trainer.

    Args:
        model (nn.Layer): `loss(batch) -> dict of scalar Tensors`, whose sum is minimized.
        loader (Loader): gives the batches of an epoch from any position on.
        optimizer (object): built by `common.optim`: `step(lr)`, `clear()`, `state()`, `load()`.
        schedule (object): `at(step)`, bound to the length of the run.
        settings (Train): the `train:` section.
        folder (Path): where the run writes.
        config (Config): the checked configuration.
        callbacks (list[Callback]): called at every event, in this order.
        metric (object): scores predictions; only a stream scores while it trains.
        ema (ExponentialMovingAverage): keeps averaged weights beside the model; None for no averaging.
        amp (Amp): mixed precision; None for float32.
        stop (GracefulStop): knows whether a signal has asked the run to end; None where signals are not watched.
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
    """Trains one model on one loader.

    Args:
        run (RunParts): given by the program.
    """

    def __init__(self, run):
        self.model, self.loader, self.settings, self.config = run.model, run.loader, run.settings, run.config
        self.optimizer, self.schedule, self.folder, self.metric = run.optimizer, run.schedule, run.folder, run.metric
        self.callbacks, self.ema, self.amp, self.stop = list(run.callbacks), run.ema, run.amp or Amp(), run.stop
        self.loss_of = distributed.wrap_loss(run.model)
        self.frozen = frozen_layers(run.model, run.settings.freeze)
        self.accumulate = run.settings.accumulate
        self.batches_per_epoch = run.loader.length
        self.steps_per_epoch, self.total_steps = run_length(run.loader.length, run.settings)
        self.epochs = run.settings.epochs
        self.samples_per_step = run.settings.batch_size * self.accumulate * distributed.world_size()
        self.epoch = self.position = self.step = self.bad_steps = 0
        self.at_end = False  # whether the batch at `position` is the last of its epoch
        self.lrs, self.losses = learning_rates(run.schedule.at(0)), {}
        self.scores, self.scores_step, self.best = {}, 0, None
        self.end_reason = None
        self.batch = None

    def fit(self):
        """Runs until the last epoch, the last step, or a reason to end (a signal raises `Stopped` after saving)."""
        self.call("on_train_start")
        self.look_at_max_steps()
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
        """Learns from one batch (dict of Tensors); True when the weights moved. A trainer that differs overrides it."""
        losses = self.descend(self.losses_of(batch))
        return losses is not None and self.last_of_group() and self.advance(losses)

    def end_epoch(self):
        """Goes from the end of an epoch to the beginning of the next one."""
        if not self.position:
            raise DataError(f"data.train gave no batch in epoch {self.epoch + 1}")
        self.at_end = True
        self.call("at_epoch_end")
        self.epoch, self.position, self.at_end = self.epoch + 1, 0, False

    def batches(self):
        """The batches of this epoch from the current position on; a signal that comes while one is awaited ends it.

        Within a group of `train.accumulate` batches it does not: no checkpoint has the gradients of half a group.
        """
        alone = self.stop is not None and distributed.world_size() == 1
        self.loader.should_stop = (lambda: self.stop.requested and self.last_of_group()) if alone else bool
        inputs, multiple = self.model.inputs, offered(self.model, "model", "size_multiple")
        try:
            batches = self.loader.epoch(self.epoch, self.position)
            for batch, position, is_last in with_end(batches, self.loader):
                check_inputs(inputs, batch, "data.train", multiple=multiple)
                self.batch, self.position, self.at_end = batch, position, is_last
                yield batch
        except NoBatch:
            self.call("on_stop")
            raise

    def losses_of(self, batch, **given):
        """The named losses of a batch, computed in the precision of the run; `given` goes to the model's `loss`."""
        with self.amp.auto_cast():
            return self.loss_of(batch, sync=self.last_of_group(), **given)

    def descend(self, losses, only=None):
        """Goes back through the losses and, on the last batch of a group, moves the weights.

        Args:
            losses (dict[str, Tensor]): scalars, whose sum is minimized.
            only (list[str]): names of the parts of `optimizer: {type: Several}` that move; all when None.

        Returns:
            dict[str, float]: the losses; None when they are not finite and the batch is left out.

        Raises:
            Diverged: they are not finite, and `train.on_nan` does not leave such batches out.
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
        """Counts an update with these losses (dict of floats), and takes the moved weights into their average."""
        self.lrs, self.losses = learning_rates(self.schedule.at(self.step)), losses
        if self.ema:
            self.ema.update()
        self.step += 1
        self.look_at_max_steps()
        return True

    def look_at_max_steps(self):
        """Ends the run once `train.max_steps` updates are done, also in one that is resumed there."""
        if 0 < self.settings.max_steps <= self.step:
            self.end_reason = f"train.max_steps={self.settings.max_steps} steps are done"

    def is_last_step(self):
        """Whether the last update was the last one of the run, as far as that can be known."""
        return self.step == self.total_steps or (self.at_end and self.epoch + 1 == self.epochs)

    def finished(self):
        """Whether nothing is left to train."""
        return self.epoch >= self.epochs or 0 < self.settings.max_steps <= self.step

    def last_of_group(self):
        """Whether the current batch ends a group of `train.accumulate` batches (or the epoch)."""
        return self.position % self.accumulate == 0 or self.at_end

    def accept(self, losses):
        """False to leave out a batch whose loss is not finite (`on_nan: skip`, five in a row at most).

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
        message = (
            f"the loss is not finite at step {self.step} (epoch {self.epoch + 1}): {terms}\n"
            f"  {learning_rate_text(self.schedule.at(self.step))}; samples of the batch: {short_list(samples)}\n"
            "  the last checkpoint is from before this step; try a lower optimizer.lr, a longer warm-up, "
            "optimizer.clip_norm, or look at these samples"
        )
        if self.settings.on_nan == "skip" and self.bad_steps <= 5:
            logger.warning(message)
            self.optimizer.clear()
            return False
        raise Diverged(message)

    def train_mode(self):
        """Training mode for all but the frozen layers, whose running statistics stay as they are."""
        self.model.train()
        for layer in self.frozen:
            layer.eval()

    def call(self, event):
        """Tells every callback of `event`."""
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def state(self):
        """Everything a resumed run needs: ({group: {name: array}}, a dict that JSON can hold)."""
        arrays = groups(self.model, {name: value.numpy() for name, value in self.model.state_dict().items()})
        arrays["optimizer"], optimizer_state = self.optimizer.state()
        state = {
            "epoch": self.epoch,
            "position": self.position,
            "at_end": self.at_end,
            "step": self.step,
            "best": self.best,
            "scores": self.scores,
            "scores_step": self.scores_step,
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
        """What decides which samples come when, and so what a position in the data means, by name."""
        sizes = {"batches_per_epoch": self.batches_per_epoch, "batch_size": self.settings.batch_size}
        return sizes | {"accumulate": self.accumulate, "world_size": distributed.world_size()} | self.loader.order

    def load(self, arrays, state):
        """The inverse of `state`.

        Raises:
            ConfigError: the checkpoint was written with another batch size, seed, data set length, number of processes.
        """
        for name, here in self.order().items():
            if state.get(name, here) != here:
                raise ConfigError(
                    f"-r: the checkpoint was written with {name}={state[name]}, this run has {here}; "
                    "a run resumes exactly only with the same (to start anew from its weights: -o pretrained=PATH)"
                )
        pretrained.load_arrays(self.model, together(arrays), "-r: the checkpoint", strict=True)
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
        for callback in self.callbacks:
            callback.load(state["callbacks"].get(type(callback).__name__, {}))
        random_state.restore(state["random"][distributed.rank()])

    def note_scores(self, scores, metric):
        """Takes the scores of the weights as they are, and says whether they are the best so far (bool).

        A score that is not a number never becomes the best.
        """
        self.scores, self.scores_step, self.metric = scores, self.step, metric
        score, sign = scores[metric.primary], 1 if offered(metric, "metric", "higher_is_better") else -1
        if score != score or (self.best is not None and sign * score <= sign * self.best["score"]):
            return False
        self.best = {"metric": metric.primary, "score": score, "step": self.step}
        return True

    def asked_to_stop(self):
        """Whether a signal (of any rank) has asked the run to end."""
        return self.stop is not None and not distributed.all_true(not self.stop.requested)

    def stopped(self, path):
        """The end of a run that a signal asked for (an exception to raise), its checkpoint being at `path`."""
        number = self.stop.signal_number or 15
        return Stopped(number, f"stopped by signal {number} at step {self.step}; saved {path}; resume with -r auto")


def run_length(batches, settings):
    """How many updates an epoch of `batches` and the whole run have; None each where nobody knows.

    Args:
        batches (int): batches an epoch; None for a stream that is read to its end.
        settings (Train): epochs, accumulate, max_steps.
    """
    if batches is None:
        return None, settings.max_steps or None
    steps = math.ceil(batches / settings.accumulate)
    return steps, min(steps * settings.epochs, settings.max_steps or steps * settings.epochs)


def with_end(batches, loader):
    """(batch, position after it, whether it is the last of the epoch) of the batches of a loader.

    A stream of unknown length is read one batch ahead, since only its end tells which batch is the last; with several
    processes it ends for all where it ends for one.
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
    """The arrays of a batch as Tensors; lists (paths, names) stay as they are."""
    return {k: paddle.to_tensor(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}


def frozen_layers(model, patterns):
    """Stops the gradients of the sub-layers whose dotted names match a pattern, and returns them.

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


def short_list(values, most=16):
    """`values` in one line, cut after `most`."""
    values = [str(v) for v in (values.tolist() if isinstance(values, np.ndarray) else values)]
    return ", ".join(values[:most]) + (f" ... ({len(values)} in all)" if len(values) > most else "")


def learning_rates(given):
    """`lr`, and `lr_NAME` of further optimizers, of what a schedule gives: a number, or a number by name."""
    if not isinstance(given, dict):
        return {"lr": given}
    first, *others = given
    return {"lr": given[first]} | {f"lr_{name}": given[name] for name in others}


def learning_rate_text(given):
    """What a schedule gives, for messages."""
    return "learning rate " + ", ".join(f"{value:g}" for value in learning_rates(given).values())
