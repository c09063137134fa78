"""A trainer that differs in its step."""

from common.training.trainer import Trainer


class HalvingTrainer(Trainer):
    """Descends along half of the losses."""

    def train_step(self, batch):
        """Learns from one batch; True when the weights moved."""
        losses = self.descend({name: value / 2 for name, value in self.losses_of(batch).items()})
        return losses is not None and self.last_of_group() and self.advance(losses)
