"""The encoder of Whisper (https://arxiv.org/abs/2212.04356, section 2.2).

Shapes in this file:
    N recordings of 2 T frames, F features of a frame, T steps, H features of a step.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.attention import PreNormBlock, sinusoids


class WhisperEncoder(nn.Layer):
    """Two convolutions with GELU, of which the second halves the rate, sinusoidal positions, and Transformer blocks.

    Args:
        num_features (int): F, mel bins.
        frames (int): 2 T, of every recording; an even number.
        hidden_size (int): H.
        layers (int): number of blocks.
        heads (int): heads of each attention.
    """

    def __init__(self, num_features=80, frames=3000, hidden_size=384, layers=4, heads=6):
        super().__init__()
        if frames < 2 or frames % 2:
            raise ValueError(f"frames is {frames}; it must be an even number, at least 2")
        self.num_features, self.frames, self.out_channels = num_features, frames, hidden_size
        self.conv1 = nn.Conv1D(num_features, hidden_size, 3, padding=1)
        self.conv2 = nn.Conv1D(hidden_size, hidden_size, 3, stride=2, padding=1)
        self.layers = nn.LayerList([PreNormBlock(hidden_size, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(hidden_size)
        self.register_buffer("positions", paddle.to_tensor(sinusoids(frames // 2, hidden_size)), persistable=False)

    def forward(self, features):
        """Features [N, T, H] of mel spectrograms [N, 2 T, F]."""
        x = F.gelu(self.conv1(features.transpose([0, 2, 1])))
        x = F.gelu(self.conv2(x)).transpose([0, 2, 1]) + self.positions
        for layer in self.layers:
            x, _ = layer(x)
        return self.norm(x)
