"""The encoder of PP-OCRv4's recognizer: PP-LCNetV3, and two layers of attention over the columns between convolutions.

SVTR, Du et al. 2022, https://arxiv.org/abs/2205.00159; SVTR-LCNet, PP-OCRv3, Li et al. 2022, https://arxiv.org/abs/2206.03001,
section 3.2.

Shapes in this file:
    N images of H x W pixels (padded at the right), c channels, T steps (columns of the last maps), D features of
    a step.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask

from ..backbones.lcnet_v3 import LCNetV3
from ..blocks.conv_norm import ConvNorm
from .word_encoder import columns_inside

NEVER = -1e9  # the score of a step that is padding
FINAL_EPSILON = 1e-6  # of the last layer normalization, as in the published network


class SVTREncoder(nn.Layer):
    """Images of one height to the features of their columns, of which 8 pixels become one.

    What is computed of an image does not depend on its padding beyond `min_width`.

    Args:
        height (int): H, 48.
        scale (float): of the channels of the backbone.
        hidden_size (int): D, features of a step.
        layers (int): of attention.
        heads (int): of attention.
        dropout (float): probability, in the layers of attention.
        min_width (int): narrower images count as this wide: the published weights know words with gray behind them.
        in_channels (int): channels of the image.
    """

    def __init__(
        self, height=48, scale=0.95, hidden_size=120, layers=2, heads=8, dropout=0.1, min_width=320, in_channels=3
    ):
        super().__init__()
        if height % 48 or hidden_size % heads:
            raise ValueError(
                f"SVTREncoder got height {height} and {hidden_size} features for {heads} heads; heights are multiples "
                "of 48, and features of heads"
            )
        self.height, self.min_width, self.in_channels, self.out_channels = height, min_width, in_channels, hidden_size
        self.backbone = LCNetV3("recognition", scale, (4,), in_channels=in_channels)
        (width,) = self.backbone.out_channels
        narrow = width // 8
        self.pool = (height // 16, 2)
        self.reduce = ConvNorm(width, narrow, [1, 3], activation="swish")
        self.widen = ConvNorm(narrow, hidden_size, 1, activation="swish")
        self.blocks = nn.LayerList(AttentionBlock(hidden_size, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden_size, FINAL_EPSILON)
        self.restore = ConvNorm(hidden_size, width, 1, activation="swish")
        self.join = ConvNorm(2 * width, narrow, [1, 3], activation="swish")
        self.last = ConvNorm(narrow, hidden_size, 1, activation="swish")

    def forward(self, image, im_shape):
        """The features of the columns.

        Args:
            image (Tensor): float32 [N, c, H, W].
            im_shape (Tensor): float32 [N, 2], height and width of each image without its padding.

        Returns:
            tuple[Tensor, Tensor]: [N, T, D]; int64 [N], the steps of each image.
        """
        width = im_shape[:, 1].astype("int64").clip(min=self.min_width)
        behind = paddle.zeros([1, 1, 1, self.min_width]) * image[:, :, :, :1]
        wide = paddle.clip(paddle.shape(image)[3], min=self.min_width)
        return self.columns(paddle.concat([image, behind], 3)[:, :, :, :wide], width)

    def columns(self, x, width):
        """Features [N, T, D] and steps int64 [N] of images at least `min_width` wide."""
        x, width = self.backbone.stem(x), (width + 1) // 2
        inside = columns_inside(width, x)
        x = x * inside
        for stage in self.backbone.stages:
            for block in stage:
                if block.stride[1] == 2:
                    width = (width + 1) // 2
                    inside = inside[:, :, :, ::2]
                x = block(x, inside)
        x, width = F.avg_pool2d(x, self.pool, self.pool), width // 2
        mask = sequence_mask(width, x.transpose([0, 3, 1, 2]))
        inside = mask.unsqueeze([1, 2])
        x = x * inside
        steps = self.widen(self.reduce(x)).squeeze(2).transpose([0, 2, 1])
        for block in self.blocks:
            steps = block(steps, mask)
        maps = self.restore(self.norm(steps).transpose([0, 2, 1]).unsqueeze(2))
        maps = self.last(self.join(paddle.concat([x, maps * inside], 1)))
        return maps.squeeze(2).transpose([0, 2, 1]), width


class AttentionBlock(nn.Layer):
    """Attention and a feed-forward network, each on normalized features and added to them.

    Args:
        size (int): D.
        heads (int): of attention.
        dropout (float): probability.
    """

    def __init__(self, size, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(size)
        self.qkv = nn.Linear(size, 3 * size)
        self.project = nn.Linear(size, size)
        self.norm2 = nn.LayerNorm(size)
        self.up = nn.Linear(size, 2 * size)
        self.down = nn.Linear(2 * size, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask):
        """[N, T, D] of [N, T, D] and mask float32 [N, T]."""
        x = x + self.dropout(self.project(self.attend(self.norm1(x), mask)))
        return x + self.dropout(self.down(self.dropout(F.swish(self.up(self.norm2(x))))))

    def attend(self, x, mask):
        """The values of the steps, weighted by the products of queries and keys."""
        size = x.shape[2] // self.heads
        query, key, value = self.qkv(x).reshape([0, 0, 3, self.heads, size]).transpose([2, 0, 3, 1, 4]).unbind(0)
        scores = paddle.matmul(query * size**-0.5, key, transpose_y=True)
        weights = F.softmax(scores + ((1 - mask) * NEVER).unsqueeze([1, 2]), -1)
        return paddle.matmul(weights, value).transpose([0, 2, 1, 3]).flatten(2)
