"""The encoder of Deep Voice 3 (https://arxiv.org/abs/1710.07654, section 3.3): symbols to keys and values.

Shapes in this file:
    N texts of S symbols, E features of a symbol, C channels, P features of a speaker.
"""

from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal

from ..blocks.gated_convolution import HALF, GatedConvolution
from ..blocks.weight_norm import WeightNormConv1D


class DeepVoice3Encoder(nn.Layer):
    """Embeddings and gated convolutions; padding is seen as zeros, so that a text does not depend on its batch.

    Args:
        vocab_size (int): symbols.
        embedding_size (int): E.
        channels (int): C.
        kernel_size (int): taps of the convolutions.
        dilations (list[int]): steps between their taps, one block each.
        dropout (float): in training.
        speaker_size (int): P, given by the model; 0 for a single speaker.
    """

    def __init__(
        self, vocab_size=149, embedding_size=256, channels=512, kernel_size=3,
        dilations=(1, 3, 9, 27, 1, 3, 9, 27, 1, 3), dropout=0.05, speaker_size=0,
    ):  # fmt: skip
        super().__init__()
        self.vocab_size, self.out_channels, self.dropout = vocab_size, embedding_size, dropout
        self.embedding = nn.Embedding(vocab_size, embedding_size, padding_idx=0, weight_attr=normal(0.1))
        self.widen = WeightNormConv1D(embedding_size, channels)
        common = {"dropout": dropout, "speaker_size": speaker_size}
        self.blocks = nn.LayerList(
            [
                GatedConvolution(channels, kernel_size, dilation, gain=4.0 if number else 2.0, **common)
                for number, dilation in enumerate(dilations)
            ]
        )
        self.narrow = WeightNormConv1D(channels, embedding_size, gain=4.0 * (1 - dropout))
        self.speakers = nn.LayerList([WeightNormConv1D(speaker_size, embedding_size) for _ in range(2)]
                                     if speaker_size else [])  # fmt: skip

    def forward(self, ids, mask, speaker=None):
        """Keys and values, [N, S, E] each.

        Args:
            ids (Tensor): int64 [N, S], 0 at padding.
            mask (Tensor): float [N, S], 0 at padding.
            speaker (Tensor | None): [N, P].
        """
        shifts = [F.softsign(layer.project(speaker)).unsqueeze(1) for layer in self.speakers] or [0.0, 0.0]
        embedded = F.dropout(self.embedding(ids), self.dropout, training=self.training) + shifts[0]
        wide = mask.unsqueeze(1)
        x = F.relu(self.widen(embedded.transpose([0, 2, 1])))
        for block in self.blocks:
            x = block(x, speaker, wide)
        keys = self.narrow(x).transpose([0, 2, 1]) + shifts[1]
        return keys, (keys + embedded) * HALF
