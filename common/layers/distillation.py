"""Losses that bring a student's answers near its teacher's.

Shapes in this file:
    N images, C classes.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

SMALLEST = 1e-8


class JensenShannonLoss(nn.Layer):
    """The Jensen-Shannon divergence of student and teacher, the mean over the images (SSLD, 2103.05959, section 3.1).

    It is bounded by log 2 and the same both ways, which bears a teacher that is wrong now and then.  Of a student that
    knows nothing yet its gradient is an eighth of cross entropy's (ten classes, a sure teacher): hence the weight.

    Args:
        temperature (float): divides the logits of both.
        weight (float): multiplies the divergence.
    """

    def __init__(self, temperature=1.0, weight=1.0):
        super().__init__()
        self.temperature, self.weight = positive(self, temperature), weight

    def forward(self, student, teacher):
        """A number, from the logits [N, C] of both."""
        probabilities = (F.softmax(logits / self.temperature) for logits in (student, teacher))
        return self.weight * jensen_shannon(*probabilities).mean()


class SoftLabelLoss(nn.Layer):
    """The divergence of the student from the teacher's softened scores (https://arxiv.org/abs/1503.02531, section 2).

    It is multiplied by the square of the temperature, so that its gradients keep their size.

    Args:
        temperature (float): divides the logits of both.
    """

    def __init__(self, temperature=4.0):
        super().__init__()
        self.temperature = positive(self, temperature)

    def forward(self, student, teacher):
        """A number, from the logits [N, C] of both."""
        student, teacher = (F.softmax(logits / self.temperature) for logits in (student, teacher))
        return kullback_leibler(teacher, student).mean() * self.temperature**2


def positive(layer, temperature):
    """The temperature, which must be above 0."""
    if not temperature > 0:
        raise ValueError(f"{type(layer).__name__} got temperature {temperature}; it must be above 0")
    return temperature


def kullback_leibler(p, q):
    """sum p log(p / q) over the classes, [N], of probabilities [N, C]."""
    return (p * (paddle.log(p + SMALLEST) - paddle.log(q + SMALLEST))).sum(axis=1)


def jensen_shannon(p, q):
    """Half the divergences of p and of q [N, C] from their mean, [N]."""
    middle = 0.5 * (p + q)
    return 0.5 * (kullback_leibler(p, middle) + kullback_leibler(q, middle))
