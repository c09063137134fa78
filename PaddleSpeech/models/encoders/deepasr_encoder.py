"""The acoustic model of DeepASR: a convolution over spliced frames, then stacked LSTMs with projections.

LSTMP: Sak, Senior and Beaufays 2014 (https://arxiv.org/abs/1402.1128); the outputs of each layer are batch-normalized.

Shapes in this file:
    N utterances of T frames (padded), F filter bank features of a frame and 2 F derivatives, K spliced frames, D cells,
    P features of a projection.
"""

import paddle
from paddle import nn

from common.layers.masks import sequence_mask
from common.layers.projected_lstm import ProjectedLSTM

from ..blocks.sequence_batch_norm import SequenceBatchNorm, sums_of_rows


class DeepASREncoder(nn.Layer):
    """Splices the frames around each frame, and encodes them; the output of an utterance does not depend on its batch.

    Args:
        num_features (int): F.
        context (int): frames on each side that are spliced to a frame, K = 2 context + 1.
        channels (int): of the convolution.
        num_layers (int): LSTMP layers.
        hidden_size (int): D.
        projection_size (int): P.
    """

    def __init__(self, num_features=80, context=5, channels=32, num_layers=5, hidden_size=1024, projection_size=512):
        super().__init__()
        self.bins, self.context, self.num_features = num_features, context, 3 * num_features
        self.conv = nn.Conv2D(3, channels, 3, padding=1)
        self.pool = nn.MaxPool2D(3, 2)
        width = channels * ((2 * context - 2) // 2 + 1) * ((num_features - 3) // 2 + 1)
        widths = [width] + [projection_size] * (num_layers - 1)
        self.inputs = nn.LayerList([nn.Linear(wide, 4 * hidden_size) for wide in widths])
        self.layers = nn.LayerList([ProjectedLSTM(hidden_size, projection_size) for _ in widths])
        self.norms = nn.LayerList([SequenceBatchNorm(projection_size) for _ in widths])
        self.out_channels = projection_size

    def forward(self, features, length):
        """Features of every frame, 0 at the padding, and the mask.

        Args:
            features (Tensor): float32 [N, T, 3 F]: features, then their first and second derivatives.
            length (Tensor): int64 [N], 1 to T; other values are clipped to this range.

        Returns:
            tuple[Tensor, Tensor, Tensor]: [N, T, P], length int64 [N] and mask float32 [N, T].
        """
        frames = paddle.shape(features)[1].astype("int64")
        length = paddle.minimum(paddle.maximum(length, paddle.ones_like(length)), frames)
        mask = sequence_mask(length, features)
        x = self.pool(nn.functional.relu(self.conv(self.spliced(features, length))))
        x = x.flatten(1).reshape([-1, frames, x.shape[1] * x.shape[2] * x.shape[3]])
        for linear, layer, norm in zip(self.inputs, self.layers, self.norms):
            x = layer(linear(x), mask)
            scale, shift = norm.affine(sums_of_rows(x, mask) if self.training else None)
            x = (x * scale + shift) * mask.unsqueeze(2)
        return x, length, mask

    def spliced(self, features, length):
        """[N T, 3, K, F]: for each frame those around it; the first and the last frame stand for those outside."""
        count, frames = (size.astype("int64") for size in paddle.shape(features)[:2])
        places = paddle.arange(frames).reshape([1, -1, 1])
        places = places + paddle.arange(-self.context, self.context + 1).reshape([1, 1, -1])
        places = paddle.minimum(paddle.maximum(places, paddle.zeros_like(places)), length.reshape([-1, 1, 1]) - 1)
        places = places + (paddle.arange(count) * frames).reshape([-1, 1, 1])
        rows = paddle.gather(features.reshape([-1, self.num_features]), places.reshape([-1]))
        return rows.reshape([-1, 2 * self.context + 1, 3, self.bins]).transpose([0, 2, 1, 3])
