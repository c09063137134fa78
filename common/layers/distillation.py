"""Knowledge distillation losses between the logits of a student and its teacher.

Shapes in this file:
    N images, C classes.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

SMALLEST = 1e-8


class JensenShannonLoss(nn.Layer):
    """The Jensen-Shannon divergence of student and teacher, averaged over the images (SSLD, 2103.05959, section 3.1).

    It is symmetric and bounded by log 2, which makes it robust to occasional errors of the teacher.  For an untrained
    student its gradient is an eighth of that of cross entropy (ten classes, a confident teacher): hence the weight.

    Args:
        temperature (float): divides the logits of both.
        weight (float): weight of the divergence.
    """

    def __init__(self, temperature=1.0, weight=1.0):
        super().__init__()
        self.temperature, self.weight = check_temperature(self, temperature), weight

    def forward(self, student, teacher):
        """The loss (scalar) for the logits [N, C] of both."""
        probabilities = (F.softmax(logits / self.temperature) for logits in (student, teacher))
        return self.weight * jensen_shannon(*probabilities).mean()


class SoftLabelLoss(nn.Layer):
    """The KL divergence from the softened teacher probabilities (https://arxiv.org/abs/1503.02531, section 2).

    It is multiplied by the square of the temperature, which keeps the magnitude of its gradients.

    Args:
        temperature (float): divides the logits of both.
    """

    def __init__(self, temperature=4.0):
        super().__init__()
        self.temperature = check_temperature(self, temperature)

    def forward(self, student, teacher):
        """The loss (scalar) for the logits [N, C] of both."""
        student, teacher = (F.softmax(logits / self.temperature) for logits in (student, teacher))
        return kullback_leibler(teacher, student).mean() * self.temperature**2


class AttentionLoss(nn.Layer):
    """The KL divergence of attention distributions, averaged over all queries (MiniLM, 2002.10957, section 3.1).

    Student and teacher have as many heads; the sizes of their features may differ.
    """

    def forward(self, student, teacher):
        """The loss (scalar) for the attention weights [N, A, T, T] of both, each row of which adds up to 1."""
        return kullback_leibler(teacher.flatten(0, 2), student.flatten(0, 2)).mean()


def check_temperature(layer, temperature):
    """Refuses a temperature that is not above 0; returns it."""
    if not temperature > 0:
        raise ValueError(f"{type(layer).__name__} got temperature {temperature}; it must be above 0")
    return temperature


def kullback_leibler(p, q):
    """The divergence sum p log(p / q) over the classes, [N], of probabilities [N, C]."""
    return (p * (paddle.log(p + SMALLEST) - paddle.log(q + SMALLEST))).sum(axis=1)


def jensen_shannon(p, q):
    """The mean divergence of p and q [N, C] from their average, [N]."""
    middle = 0.5 * (p + q)
    return 0.5 * (kullback_leibler(p, middle) + kullback_leibler(q, middle))
