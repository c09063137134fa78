"""The convolutions over time and frequency of Deep Speech 2 (https://arxiv.org/abs/1512.02595, section 3.4, table 3).

Shapes in this file:
    N utterances of T frames (padded), F features of a frame, C channels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask
from common.layers.recurrent import CLIP

from .sequence_batch_norm import SequenceBatchNorm, sums_of_maps

TIME = 11  # kernel size over time, in frames
MARGIN = TIME // 2


class SpeechConvolution(nn.Layer):
    """A convolution, sequence-wise batch normalization and a clipped ReLU, min(max(x, 0), 20).

    Args:
        in_channels (int): channels of the input.
        channels (int): C.
        frequencies (int): kernel size over frequency, odd.
        stride (list[int]): over time and frequency.
    """

    def __init__(self, in_channels, channels, frequencies, stride):
        super().__init__()
        fan = in_channels * TIME * frequencies
        first = nn.initializer.Normal(0.0, (2 / fan) ** 0.5)
        self.weight = self.create_parameter([channels, in_channels, TIME, frequencies], default_initializer=first)
        self.norm = SequenceBatchNorm(channels)
        self.stride, self.margin = list(stride), frequencies // 2

    def forward(self, x, mask, margin):
        """Feature maps [N, C, T', F'], 0 at the padding.

        Args:
            x (Tensor): [N, in_channels, T, F], 0 at the padding.
            mask (Tensor): float32 [N, T'], 1 for a frame of the output, 0 for padding.
            margin (int): zero padding over time, in frames at either end.
        """
        weight, shift = self.weight, None
        if self.training:
            x = F.conv2d(x, weight, None, self.stride, [margin, self.margin])
            scale, shift = self.norm.affine(sums_of_maps(x, mask))
            x = x * scale.reshape([1, -1, 1, 1]) + shift.reshape([1, -1, 1, 1])
        else:
            scale, shift = self.norm.affine()
            x = F.conv2d(x, weight * scale.reshape([-1, 1, 1, 1]), shift, self.stride, [margin, self.margin])
        return paddle.clip(x, 0.0, CLIP) * mask.unsqueeze([1, 3])

    def length_after(self, length):
        """The number of output frames for a number of input frames, with the margin at either end."""
        return (length - 1) // self.stride[0] + 1


class SpeechConvolutions(nn.Layer):
    """Two convolutions, 11 x 41 and 11 x 21, with stride 2 over frequency in both and `time_stride` in the first.

    Args:
        num_features (int): F.
        channels (int): C.
        time_stride (int): stride of the first convolution over time.
    """

    def __init__(self, num_features, channels=32, time_stride=2):
        super().__init__()
        self.first = SpeechConvolution(1, channels, 41, [time_stride, 2])
        self.second = SpeechConvolution(channels, channels, 21, [1, 2])
        self.between = (num_features - 1) // 2 + 1  # frequencies between the two
        self.out_channels = channels * ((self.between - 1) // 2 + 1)

    def forward(self, features, length):
        """Features [N, T', out_channels], their lengths int64 [N] and their mask float32 [N, T'].

        Args:
            features (Tensor): float32 [N, T, F].
            length (Tensor): int64 [N], 1 to T; other values are clipped to this range, because the recurrent kernel
                would read out of bounds.
        """
        frames = paddle.shape(features)[1].astype("int64")
        length = paddle.minimum(paddle.maximum(length, paddle.ones_like(length)), frames)
        x = (features * sequence_mask(length, features).unsqueeze(2)).unsqueeze(1)
        length = self.first.length_after(length)
        mask = sequence_mask(length, x[:, 0, :: self.first.stride[0]])
        return flat(self.second(self.first(x, mask, MARGIN), mask, MARGIN)), length, mask

    def chunk(self, features, final, kept):
        """The output frames that the next chunk of an utterance completes.

        Args:
            features (Tensor): float32 [N, T, F], the chunk; no utterance of the batch has ended.
            final (Tensor): int64 [], 1 for the last chunk, else 0.
            kept (list[Tensor]): the cache of earlier frames, [N, k, F] for the first convolution and [N, C, k, F'] for
                the second; 5 frames of zeros at the start.

        Returns:
            tuple: [N, T', out_channels] and the new cache.
        """
        x = paddle.concat([kept[0], features], 1)
        x, first = complete(self.first, x.unsqueeze(1), final)
        x, second = complete(self.second, paddle.concat([kept[1], x], 2), final)
        return flat(x), [first.squeeze(1), second]


def complete(layer, x, final):
    """The complete output frames of a convolution, and the input frames that later outputs still need.

    Args:
        layer (SpeechConvolution): in evaluation mode.
        x (Tensor): [N, C, T, F], the zeros of the left margin included.
        final (Tensor): int64 [], 1 if the right margin follows.
    """
    stride, there = layer.stride[0], paddle.shape(x)[2].astype("int64")
    count = (there + MARGIN * final - TIME) // stride + 1
    padded = paddle.concat([x, paddle.zeros_like(x[:, :, :1]).expand([-1, -1, MARGIN, -1])], 2)
    found = layer(padded, paddle.ones_like(padded[:, 0, :1, 0]), 0)
    return found[:, :, :count], x[:, :, count * stride :]


def flat(x):
    """[N, T, C F] of [N, C, T, F]."""
    x = x.transpose([0, 2, 1, 3])
    return x.reshape([0, 0, x.shape[2] * x.shape[3]])
