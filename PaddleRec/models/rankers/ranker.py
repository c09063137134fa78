"""What all rankers share: a logit in, a probability and a loss out."""

from paddle import nn
from paddle.nn import functional as F


class Ranker(nn.Layer):
    """A model that gives a row the probability of a click; the child class defines `predict`, the logits [N].

    Its inputs are those of `predict`, in the same order.
    """

    task = "Ranking"
    outputs = ("probability",)

    def forward(self, numbers, ids):
        """The probability [N] of label 1."""
        return F.sigmoid(self.predict(numbers, ids))

    def loss(self, batch):
        """The mean cross entropy of batch["label"], float32 [N]."""
        logits = self.predict(*(batch[name] for name in self.inputs))
        return {"loss_log": F.binary_cross_entropy_with_logits(logits, batch["label"])}


def table_inputs(num_numbers, num_categories):
    """The inputs of a model of D numbers and C categories."""
    return {"numbers": ([None, num_numbers], "float32"), "ids": ([None, num_categories], "int64")}
