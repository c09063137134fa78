"""Phases that learn in turn from the same batch, such as the discriminator and the generator of a GAN.

Goodfellow et al., https://arxiv.org/abs/1406.2661, algorithm 1.  A model for it names its phases, in their order, and
says which losses each has::

    class Pix2Pix(nn.Layer):
        phases = ("discriminator", "generator")

        def loss(self, batch, phase):
            ...                        # {"loss_discriminator": ...} or {"loss_gan": ..., "loss_l1": ...}

Each phase moves the part of `optimizer: {type: Several}` that has its name; gradients of other parameters are not kept.
"""

from common.contract import offered
from common.errors import ConfigError
from common.training.trainer import Trainer


class AlternatingTrainer(Trainer):
    """Runs the phases of a model one after another in every step.

    Args:
        run (RunParts): given by the program.
        every (dict[str, int]): phase -> it runs in every so-manyth step only, from the first one on: with
            {generator: 5} the discriminator learns five times as often as the generator (n_critic of WGAN,
            https://arxiv.org/abs/1701.07875); phases that are not named run in every step.

    Raises:
        ConfigError: the model has no phases, a phase has no optimizer, or gradients are to be accumulated.
    """

    def __init__(self, run, every=None):
        super().__init__(run)
        self.every = every or {}
        phases, name = list(offered(run.model, "model", "phases")), type(run.model).__name__
        if not phases:
            raise ConfigError(f"AlternatingTrainer takes a model with `phases`; {name} has none")
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
            raise ConfigError(f"AlternatingTrainer takes train.accumulate 1, not {self.accumulate}")
        self.phases = phases

    def train_step(self, batch):
        """One update of each phase whose turn it is; True when all of them moved."""
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
