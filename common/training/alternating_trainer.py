"""Trainer that alternates between phases on the same batch, such as the discriminator and the generator of a GAN.

Goodfellow et al., https://arxiv.org/abs/1406.2661, algorithm 1.  The model names its phases in order, and returns the
losses of each::

    class Pix2Pix(nn.Layer):
        phases = ("discriminator", "generator")

        def loss(self, batch, phase):
            ...                        # {"loss_discriminator": ...} or {"loss_gan": ..., "loss_l1": ...}

Each phase updates the part of `optimizer: {type: Several}` with its name; gradients of other parameters are discarded.
"""

from common.contract import get_optional
from common.errors import ConfigError
from common.training.trainer import Trainer


class AlternatingTrainer(Trainer):
    """Runs the phases of a model one after another on every batch.

    Args:
        run (RunParts): passed by the program.
        every (dict[str, int]): phase -> interval in steps at which it runs, starting at the first step: with
            {generator: 5} the discriminator is updated five times as often as the generator (n_critic of WGAN,
            https://arxiv.org/abs/1701.07875); phases that are not named run in every step.

    Raises:
        ConfigError: the model has no phases, a phase has no optimizer, or gradient accumulation is on.
    """

    def __init__(self, run, every=None):
        super().__init__(run)
        self.every = every or {}
        phases, name = list(get_optional(run.model, "model", "phases")), type(run.model).__name__
        if not phases:
            raise ConfigError(f"AlternatingTrainer needs a model with `phases`; {name} has none")
        if unknown := [phase for phase in self.every if phase not in phases]:
            raise ConfigError(f"trainer.every names '{unknown[0]}'; the phases of {name} are {', '.join(phases)}")
        if wrong := [phase for phase, steps in self.every.items() if steps < 1]:
            raise ConfigError(f"trainer.every.{wrong[0]} is {self.every[wrong[0]]}; allowed: 1 or more")
        parts = list(getattr(run.optimizer, "parts", {}))
        if sorted(parts) != sorted(phases):
            raise ConfigError(
                f"the phases of {name} are {', '.join(phases)}, and optimizer has {', '.join(parts) or 'no parts'}; "
                "give each phase an optimizer: {type: Several, parts: {PHASE: {type: ..., lr: ...}}}"
            )
        if self.accumulate != 1:
            raise ConfigError(
                f"AlternatingTrainer does not accumulate gradients: train.accumulate is {self.accumulate}, not 1"
            )
        self.phases = phases

    def train_step(self, batch):
        """Updates each phase that is due; True if all of them were updated."""
        done = {}
        for phase in self.phases:
            if self.step % self.every.get(phase, 1):
                continue
            with self.optimizer.alone(phase):
                losses = self.descend(self.losses_of(batch, phase=phase), only=[phase])
            if losses is None:
                return False
            if both := done.keys() & losses.keys():
                raise ConfigError(f"two phases of {type(self.model).__name__} have a loss called {sorted(both)[0]}")
            done |= losses
        return self.advance(done)
