"""Sequence-wise batch normalization (Deep Speech 2, https://arxiv.org/abs/1512.02595, section 3.2).

The mean and the variance of a channel are taken over all frames of all utterances of the batch, without padding, on all
processes; evaluation uses running averages, so that the output of an utterance does not depend on its batch.

Shapes in this file:
    N utterances of T frames (padded), C channels, F frequencies of a feature map.
"""

import paddle
from paddle import nn
from paddle.autograd import PyLayer

from common.system import distributed


class SequenceBatchNorm(nn.Layer):
    """Returns the scale and the shift, which a linear layer before it can fold into its weight.

    Args:
        channels (int): C.
        momentum (float): decay of the running averages.
        epsilon (float): added to the variance.
    """

    def __init__(self, channels, momentum=0.9, epsilon=1e-5):
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = self.create_parameter([channels], default_initializer=nn.initializer.Constant(1.0))
        self.bias = self.create_parameter([channels], is_bias=True)
        for name, value in (("_mean", 0.0), ("_variance", 1.0)):
            fixed = paddle.ParamAttr(initializer=nn.initializer.Constant(value), trainable=False)
            setattr(self, name, self.create_parameter([channels], attr=fixed))
            getattr(self, name).stop_gradient = True

    def affine(self, sums=None):
        """(scale, shift), [C] each: x * scale + shift is normalized.

        Args:
            sums (tuple): the result of :func:`sums_of_rows` or :func:`sums_of_maps`; needed in training only.
        """
        mean, variance = self.moments(*sums) if self.training else (self._mean, self._variance)
        scale = self.weight * (variance + self.epsilon).rsqrt()
        return scale, self.bias - mean * scale

    def moments(self, total, squares, count):
        """The mean and the biased variance, [C] each, over all processes; updates the running averages."""
        if distributed.world_size() > 1:
            both = JointSum.apply(paddle.concat([total, squares, count.reshape([1])]))
            total, squares, count = paddle.split(both, [len(total), len(squares), 1])
        mean = total / count
        variance = paddle.clip(squares / count - mean * mean, min=0.0)
        with paddle.no_grad():
            for average, now in ((self._mean, mean), (self._variance, variance)):
                average.scale_(self.momentum).add_(now.detach() * (1 - self.momentum))
        return mean, variance


class JointSum(PyLayer):
    """The sum over all processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx, x):
        return distributed.all_reduce_sum(x.clone(), distributed.second_channel())

    @staticmethod
    def backward(ctx, gradient):
        """The sum of the gradients."""
        return distributed.all_reduce_sum(gradient.clone(), distributed.second_channel())


def sums_of_rows(x, mask):
    """(sum, sum of squares, count) over the frames whose mask is 1: [C], [C], [].

    Args:
        x (Tensor): [N, T, C].
        mask (Tensor): float32 [N, T].
    """
    mask = mask.reshape([1, -1])
    rows = x.reshape([-1, x.shape[2]])
    return paddle.matmul(mask, rows)[0], paddle.matmul(mask, rows * rows)[0], mask.sum()


def sums_of_maps(x, mask):
    """The same of feature maps [N, C, T, F]; every frequency of a frame counts.

    Args:
        x (Tensor): [N, C, T, F].
        mask (Tensor): float32 [N, T].
    """
    wide = mask.unsqueeze(2).expand([-1, -1, x.shape[3]]).reshape([x.shape[0], -1, 1])  # [N, T F, 1]
    flat = x.reshape([x.shape[0], x.shape[1], -1])
    return (
        paddle.matmul(flat, wide).sum([0, 2]),
        paddle.matmul(flat * flat, wide).sum([0, 2]),
        mask.sum() * float(x.shape[3]),
    )
