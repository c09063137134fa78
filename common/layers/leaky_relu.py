"""The leaky rectifier in a form that exports."""

import paddle
from paddle import nn
from paddle.nn import functional as F


class LeakyReLU(nn.Layer):
    """x where it is positive, slope * x elsewhere.

    Exported as x + relu((slope - 1) x): of the operator's own slope, PaddlePaddle 3.3's oneDNN pass crashes, and the
    ONNX converter writes a wrong number.

    Args:
        slope (float): of the negative part.
    """

    def __init__(self, slope=0.1):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        if paddle.in_dynamic_mode():
            return F.leaky_relu(x, self.slope)
        return x + F.relu(x * (self.slope - 1))
