"""The encoder of words: groups of convolutions, columns of their maps as a sequence, and a bidirectional GRU.

CRNN, Shi et al. 2015, https://arxiv.org/abs/1507.05717, section 2.

Shapes in this file:
    N gray images of H x W pixels (padded at the right), h x w cells of the maps, c channels, T steps (columns of the
    last maps), D features of a state.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal, uniform
from common.layers.masks import sequence_mask
from common.layers.recurrent import GRU

from ..blocks.conv_norm import ConvNorm

CONVOLUTIONS = 2  # of a group


class WordEncoder(nn.Layer):
    """Images of one height to the features of their columns.

    What is computed of an image does not depend on its padding: maps are 0 beyond it.

    Args:
        height (int): H.
        channels (list[int]): of each group of convolutions.
        strides (list[list[int]]): height and width of the max-pooling after each group, [1, 1] for none.
        hidden_size (int): D.
        conv_bias (bool): whether convolutions have biases, though normalization follows.
        project_bias (bool): whether the projections of the columns have biases beside those of the GRU.
        conv_std (list[float] | None): standard deviation of the initial convolutions of each group, and of the initial
            scales of their normalization, as in the original; null for the defaults of the framework.
        gru_std (float | None): standard deviation of the initial weights of the GRU; null for uniform ones that grow
            with fewer features.
        activation (str): of the GRU's candidate, `relu` as in the original, or `tanh`.
        bias_rate (float): learning rate of the GRU's biases, relative to that of the others.
    """

    def __init__(
        self,
        height=48,
        channels=(16, 32, 64, 128),
        strides=((2, 2), (2, 2), (2, 2), (1, 1)),
        hidden_size=200,
        conv_bias=True,
        project_bias=True,
        conv_std=None,
        gru_std=0.02,
        activation="relu",
        bias_rate=2.0,
    ):
        super().__init__()
        deviations = [None] * len(channels) if conv_std is None else list(conv_std)
        if not len(channels) == len(strides) == len(deviations) > 0:
            raise ValueError(
                f"channels has {len(channels)} groups, strides {len(strides)}, conv_std {len(deviations)}; "
                "all need the same number"
            )
        self.height, self.strides = height, [list(stride) for stride in strides]
        before, groups, rows = 1, [], height
        for width, std, (down, _) in zip(channels, deviations, self.strides):
            groups.append(ConvGroup(before, width, std, conv_bias))
            before, rows = width, -(-rows // down)
        self.groups = nn.LayerList(groups)
        bias = paddle.ParamAttr(initializer=nn.initializer.Normal(0.0, 0.02), learning_rate=bias_rate)
        init = uniform(hidden_size**-0.5) if gru_std is None else normal(gru_std)
        self.recurrent = GRU(
            before * rows, hidden_size, 2, init, bias, activation=activation, project_bias=project_bias
        )
        self.hidden_size, self.out_channels = hidden_size, self.recurrent.out_channels

    @property
    def stride(self):
        """The columns of an image that become one step, where its width is a multiple of them."""
        product = 1
        for _, across in self.strides:
            product *= across
        return product

    def forward(self, image, im_shape):
        """The features of the columns.

        Args:
            image (Tensor): float32 [N, 1, H, W].
            im_shape (Tensor): float32 [N, 2], height and width of each image without its padding.

        Returns:
            tuple[Tensor, Tensor]: [N, T, 2 D], those from left to right before those from right to left; int64 [N],
                the steps of each image.
        """
        x, width = image, im_shape[:, 1].astype("int64")
        for group, (down, across) in zip(self.groups, self.strides):
            x = group(x, width)
            if (down, across) != (1, 1):
                x = F.max_pool2d(x, [down, across], [down, across], ceil_mode=True)
                width = (width + across - 1) // across
        columns = columns_of(x)
        mask = sequence_mask(width, columns)
        return self.recurrent(columns, width, mask)[0], width


class ConvGroup(nn.Layer):
    """Two 3 x 3 convolutions, each with batch normalization and ReLU.

    Args:
        in_channels (int): c before.
        channels (int): c after.
        std (float | None): see WordEncoder.
        bias (bool): of the convolutions.
    """

    def __init__(self, in_channels, channels, std, bias):
        super().__init__()
        self.convs = nn.LayerList()
        for number in range(CONVOLUTIONS):
            self.convs.append(ConvNorm(channels if number else in_channels, channels, bias=bias))
            if std is not None:
                for weight in (self.convs[-1].conv.weight, self.convs[-1].norm.weight):
                    nn.initializer.Normal(0.0, std)(weight)

    def forward(self, x, width):
        """[N, c, h, w] of [N, c, h, w], 0 beyond the width of each image, int64 [N]."""
        inside = columns_inside(width, x)
        for conv in self.convs:
            x = conv(x) * inside
        return x


def columns_of(maps):
    """The columns of maps as steps, [N, w, c h] of [N, c, h, w]: im2sequence with windows as high as the maps."""
    channels, height = maps.shape[1:3]
    return maps.transpose([0, 3, 1, 2]).reshape([0, -1, channels * height])


def columns_inside(width, x):
    """1 for the columns of each image, 0 for those behind it: [N, 1, 1, w].

    Args:
        width (Tensor): int64 [N], columns of each image.
        x (Tensor): [N, c, h, w], defines w and the dtype.
    """
    columns = paddle.arange(paddle.shape(x)[3]).astype("int64")
    return (columns.unsqueeze(0) < width.unsqueeze(1)).astype(x.dtype).unsqueeze([1, 2])
