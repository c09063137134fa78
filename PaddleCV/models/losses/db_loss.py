"""The loss of differentiable binarization (https://arxiv.org/abs/1911.08947, section 3.4).

Shapes in this file:
    N images of H x W pixels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from .segmentation_losses import soft_binary  # noqa: F401


class DBLoss(nn.Layer):
    pass
