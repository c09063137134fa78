"""The row convolution, which gives unidirectional recurrent layers a few frames of lookahead (Deep Speech 2,
https://arxiv.org/abs/1512.02595, section 3.7).

Shapes in this file:
    N utterances of T frames (padded), D features of a frame.
"""

import paddle
from paddle import nn


class RowConvolution(nn.Layer):
    """r_t = sum_j w_j h_{t+j} over j = 0 ... lookahead, separately for each feature (eq. 12).

    Args:
        channels (int): D.
        lookahead (int): future frames.
    """

    def __init__(self, channels, lookahead):
        super().__init__()
        if lookahead < 0:
            raise ValueError(f"lookahead is {lookahead}; it is 0 or more")
        self.lookahead = lookahead
        first = nn.initializer.Uniform(-((lookahead + 1) ** -0.5), (lookahead + 1) ** -0.5)
        self.weight = self.create_parameter([lookahead + 1, channels], default_initializer=first)

    def forward(self, x):
        """[N, T, D] of [N, T, D]; frames after the end count as 0."""
        return self.valid(self.padded(x))

    def padded(self, x):
        """The frames, followed by `lookahead` frames of zeros."""
        return paddle.concat([x, *[paddle.zeros_like(x[:, :1])] * self.lookahead], 1)

    def valid(self, x):
        """[N, T - lookahead, D] of [N, T, D]."""
        count = paddle.shape(x)[1] - self.lookahead
        return sum(x[:, j : count + j] * self.weight[j] for j in range(self.lookahead + 1))

    def chunk(self, x, final, kept):
        """The complete output frames and the cache for the next chunk; see `DeepSpeech2StreamingEncoder.chunk`."""
        x = paddle.concat([kept, x], 1)
        count = paddle.shape(x)[1].astype("int64") - 1 - self.lookahead * (1 - final)
        return self.valid(self.padded(x[:, 1:]))[:, :count], x[:, count:]
