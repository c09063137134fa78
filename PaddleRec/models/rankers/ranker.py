"""The base class of the rankers: click probability and log loss from a logit."""

from paddle import nn
from paddle.nn import functional as F


class Ranker(nn.Layer):
    """Base class of click-through rate models; a child class defines `predict`: logits [N] of its inputs."""

    task = "Ranking"
    outputs = ("probability",)

    def forward(self, numbers, ids):
        """The click probability [N]."""
        return F.sigmoid(self.predict(numbers, ids))

    def loss(self, batch):
        """The mean log loss (binary cross entropy) of batch["label"], float32 [N]."""
        return self.scored_loss(batch)[0]

    def scored_loss(self, batch):
        """The losses of `loss`, and the outputs of `forward` by name, of one pass."""
        logits = self.predict(*(batch[name] for name in self.inputs))
        losses = {"loss_log": F.binary_cross_entropy_with_logits(logits, batch["label"])}
        return losses, {"probability": F.sigmoid(logits.detach())}


def table_inputs(num_numbers, num_categories):
    """The inputs of a model of D numerical and C categorical fields (dict)."""
    return {"numbers": ([None, num_numbers], "float32"), "ids": ([None, num_categories], "int64")}
