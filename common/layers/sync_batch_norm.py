"""Batch normalization whose statistics are those of the batches of all processes together.

PaddlePaddle has it for GPUs only; here it is for CPUs, as a change of class, so that weights, names and hooks stay.
C is the number of channels, M the number of values of one channel over all processes.  As in `nn.BatchNorm2D`, the
running variance takes the biased variance (divided by M, not M - 1).
"""

import functools

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.autograd import PyLayer
from paddle.nn.layer.norm import _BatchNormBase

from common.errors import ConfigError
from common.system import distributed


def convert_sync_batch_norm(model):
    """Makes every batch normalization of `model` (nn.Layer) use the batches of all processes; returns the model.

    A frozen one stays as it is: the framework's own conversion would make a new layer of it, whose statistics change.

    Raises:
        ConfigError: the model has an `nn.BatchNorm` of the first generation, which cannot be synchronized.
    """
    for name, layer in model.named_sublayers(include_self=True):
        if isinstance(layer, nn.BatchNorm):
            raise ConfigError(f"'{name}' is an nn.BatchNorm, which cannot be synchronized; use nn.BatchNorm2D")
    if paddle.device.get_device() != "cpu":
        return convert_for_gpus(model)
    if distributed.world_size() > 1:
        distributed.second_channel()
    for layer in model.sublayers(include_self=True):
        if isinstance(layer, _BatchNormBase) and not isinstance(layer, nn.SyncBatchNorm):
            layer.__class__ = synchronized_class(type(layer))
    return model


def convert_for_gpus(model):
    """Replaces those that are not frozen by the framework's own layer, which runs on GPUs only; returns the model.

    The parameters stay the same objects, so frozen ones stay frozen and an optimizer that has them stays valid.
    """
    if learns_statistics(model):
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for parent in model.sublayers(include_self=True):
        for name, layer in list(parent.named_children()):
            if learns_statistics(layer):
                setattr(parent, name, nn.SyncBatchNorm.convert_sync_batchnorm(layer))
    return model


def learns_statistics(layer):
    """True of a batch normalization, not yet synchronized, whose statistics are those of its batches."""
    kind = isinstance(layer, _BatchNormBase) and not isinstance(layer, nn.SyncBatchNorm)
    return kind and not layer._use_global_stats


class SyncBatchNorm:
    """Comes before a class of batch normalization; alone or in evaluation it is the same as that class."""

    def forward(self, input):
        """The normalized input, [N, C, ...] or with the channels last."""
        if not self.training or self._use_global_stats or distributed.world_size() == 1:
            return super().forward(input)
        self._check_data_format(self._data_format)
        self._check_input_dim(input)
        weight = paddle.ones_like(self._mean) if self.weight is None else self.weight
        bias = paddle.zeros_like(self._mean) if self.bias is None else self.bias
        return SyncNormalization.apply(input, weight, bias, self)


@functools.cache
def synchronized_class(kind):
    """The class `kind` of batch normalization with joint statistics; itself where it has them already."""
    return kind if issubclass(kind, SyncBatchNorm) else type(f"Sync{kind.__name__}", (SyncBatchNorm, kind), {})


class SyncNormalization(PyLayer):
    """(x - mean) / sqrt(variance + epsilon) * weight + bias (https://arxiv.org/abs/1502.03167, algorithm 1)."""

    @staticmethod
    def forward(ctx, x, weight, bias, layer):
        mean, variance, ctx.count = joint_statistics(x, layer._data_format)
        layer._mean.scale_(layer._momentum).add_(mean * (1 - layer._momentum))
        layer._variance.scale_(layer._momentum).add_(variance * (1 - layer._momentum))
        ctx.deviation = (variance + layer._epsilon).sqrt()
        ctx.affine = functools.partial(
            F.batch_norm,
            running_mean=mean,
            running_var=variance,
            training=False,
            epsilon=layer._epsilon,
            data_format=layer._data_format,
        )
        ctx.save_for_backward(x, weight, bias)
        return ctx.affine(x, weight=weight, bias=bias)

    @staticmethod
    def backward(ctx, dy):
        """Adds to the gradient at fixed statistics what flows through the mean and the variance.

        With z the normalized x and sums over all processes, dx = weight / deviation * (dy - sum(dy) / M - z *
        sum(dy * z) / M), and the two sums are the gradients of the bias and of the weight.
        """
        leaves = [tensor.detach() for tensor in ctx.saved_tensor()]
        for leaf in leaves:
            leaf.stop_gradient = False
        with paddle.enable_grad():
            y = ctx.affine(leaves[0], weight=leaves[1], bias=leaves[2])
        dx, dweight, dbias = paddle.grad(y, leaves, dy)
        through = distributed.all_reduce_sum(paddle.stack([dweight, dbias]), distributed.second_channel())
        through = through * (leaves[1] / ctx.deviation / -ctx.count)
        dx = dx + ctx.affine(leaves[0].detach(), weight=through[0], bias=through[1])
        given = zip((dx, dweight, dbias), ctx.saved_tensor())
        return tuple(None if tensor.stop_gradient else gradient for gradient, tensor in given)


def joint_statistics(x, data_format):
    """The mean [C] and biased variance [C] over all processes, and M (float).

    The parts are put together from their means and variances (Chan et al., http://i.stanford.edu/pub/cstr/reports/cs/
    tr/79/773/CS-TR-79-773.pdf, eq. 2.1), which loses no precision where the mean is large.
    """
    channels = x.shape[1 if data_format.startswith("NC") else -1]
    mean, variance = paddle.zeros([channels]), paddle.zeros([channels])
    F.batch_norm(x, mean, variance, training=True, momentum=0.0, data_format=data_format)
    own = np.zeros([distributed.world_size(), 1 + 2 * channels], "float32")
    own[distributed.rank()] = np.concatenate([[x.size / channels], mean.numpy(), variance.numpy()])
    parts = distributed.all_reduce_sum(own, distributed.second_channel()).astype("float64")
    counts, means, variances = parts[:, :1], parts[:, 1 : 1 + channels], parts[:, 1 + channels :]
    total = counts.sum()
    joint = (counts * means).sum(0) / total
    spread = (counts * (variances + (means - joint) ** 2)).sum(0) / total
    return paddle.to_tensor(joint, "float32"), paddle.to_tensor(spread, "float32"), float(total)
