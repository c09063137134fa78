"""The training loop: one path, five events, one method to override.

Read `Trainer.fit` from top to bottom and that is all there is.  Callbacks watch; they never change a batch, a loss or
an order.  A model whose training differs (GANs, distillation, streams) overrides `Trainer.train_step`.
"""

import itertools
import math

import numpy as np
import paddle

from common.build.inputs import check_inputs
from common.build.training_only import groups, together
from common.data.workers import NoBatch
from common.errors import ConfigError, DataError, Diverged, Stopped
from common.log import logger
from common.system import distributed, random_state
from common.training.amp import Amp
from common.weights import pretrained


class Trainer:
    """Trains one model on one loader.

    Args:
        model (nn.Layer): answers `loss(batch) -> dict of scalar Tensors`, whose sum is minimised.
        loader (Loader): gives the batches of an epoch from any position on.
        optimizer (object): what `common.optim.optimizers` builds: `step(lr)`, `clear()`, `state()`, `load()`.
        schedule (object): `at(step) -> float`, bound to the length of the run.
        settings (Train): the `train:` section.
        folder (Path): where the run writes.
        callbacks (list[Callback]): told of every event, in this order.
        ema (ExponentialMovingAverage): keeps averaged weights beside the model; None for no averaging.
        amp (Amp): mixed precision; None for float32.
        stop (GracefulStop): knows whether a signal has asked the run to end; None where signals are not watched.
    """

    def __init__(
        self, model, loader, optimizer, schedule, settings, folder, callbacks=(), ema=None, amp=None, stop=None
    ):
        self.model, self.loader, self.optimizer, self.schedule = model, loader, optimizer, schedule
        self.settings, self.folder, self.callbacks, self.ema, self.stop = settings, folder, list(callbacks), ema, stop
        self.amp = amp or Amp()
        self.loss_of = distributed.wrap_loss(model)
        self.frozen = frozen_layers(model, settings.freeze)
        self.accumulate = settings.accumulate
        self.batches_per_epoch = loader.length
        self.steps_per_epoch, self.total_steps = run_length(loader.length, settings)
        self.epochs = settings.epochs
        self.samples_per_step = settings.batch_size * self.accumulate * distributed.world_size()
        self.epoch = self.position = self.step = self.bad_steps = 0
        self.at_end = False  # whether the batch at `position` is the last of its epoch
        self.lr, self.losses, self.scores, self.scores_step, self.best = schedule.at(0), {}, {}, 0, None
        self.end_reason = None
        self.batch = None

    def fit(self):
        """Runs until the last epoch, the last step, or a reason to end (a signal raises `Stopped` after saving)."""
        self.call("on_train_start")
        self.look_at_max_steps()
        while self.epoch < self.epochs and not self.end_reason:
            self.train_mode()
            for batch in self.batches():
                losses = self.train_step(to_tensors(batch))
                if self.update(losses):
                    self.call("after_step")
                if self.end_reason:
                    break
            else:
                self.end_epoch()
                self.call("after_epoch")
        self.call("on_train_end")

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
        inputs, multiple = getattr(self.model, "inputs", {}), getattr(self.model, "size_multiple", 1)
        try:
            batches = self.loader.epoch(self.epoch, self.position)
            for batch, position, is_last in with_end(batches, self.loader):
                check_inputs(inputs, batch, "data.train", multiple=multiple)
                self.batch, self.position, self.at_end = batch, position, is_last
                yield batch
        except NoBatch:
            self.call("on_stop")
            raise

    def train_step(self, batch):
        """The losses of one batch, by name; what a training that differs overrides."""
        with self.amp.auto_cast():
            return self.loss_of(batch, sync=self.last_of_group())

    def update(self, losses):
        """Goes back through the losses; on the last batch of a group, moves the weights. True when they moved."""
        total = sum(losses.values())
        values = {name: float(value.item()) for name, value in losses.items()}
        if not self.accept(values):
            return False
        self.amp.scale(total / self.accumulate if self.accumulate > 1 else total).backward()
        if not self.last_of_group():
            return False
        self.lr, self.losses = self.schedule.at(self.step), values
        self.amp.step(self.optimizer, self.lr)
        self.optimizer.clear()
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
            f"  learning rate {self.schedule.at(self.step):g}; samples of the batch: {short_list(samples)}\n"
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
        self.epoch, self.position, self.at_end = state["epoch"], state["position"], state["at_end"]
        self.step = state["step"]
        self.best, self.scores, self.scores_step = state["best"], state["scores"], state["scores_step"]
        for callback in self.callbacks:
            callback.load(state["callbacks"].get(type(callback).__name__, {}))
        random_state.restore(state["random"][distributed.rank()])

    def check_stop(self, save):
        """Raises `Stopped` after `save()` if a signal (of any rank) has asked the run to end."""
        if self.stop is None or distributed.all_true(not self.stop.requested):
            return
        path = save()
        number = self.stop.signal_number or 15
        raise Stopped(number, f"stopped by signal {number} at step {self.step}; saved {path}; go on with -r auto")


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
