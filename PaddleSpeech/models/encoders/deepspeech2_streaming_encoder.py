"""The streaming encoder of Deep Speech 2 (https://arxiv.org/abs/1512.02595, section 3.7): unidirectional recurrent
layers and a row convolution with a few frames of lookahead.

Shapes in this file:
    N utterances of T frames (padded), F features of a frame, D features of a state, L recurrent layers.
"""

import paddle

from ..blocks.row_convolution import RowConvolution
from ..blocks.speech_convolutions import MARGIN, TIME
from .deepspeech2_encoder import DeepSpeech2Encoder


class DeepSpeech2StreamingEncoder(DeepSpeech2Encoder):
    """Encodes whole utterances as :class:`DeepSpeech2Encoder` does, or the same utterances chunk by chunk.

    Args:
        num_features (int): F.
        num_layers (int): L.
        hidden_size (int): D.
        cell (str): gru or rnn, a simple recurrent layer with a clipped ReLU.
        lookahead (int): future frames of the row convolution.
        channels (int): channels of the convolutions.
        time_stride (int): input frames per output frame.
    """

    directions = 1

    def __init__(
        self, num_features, num_layers=3, hidden_size=1024, cell="gru", lookahead=4, channels=32, time_stride=2
    ):
        super().__init__(num_features, num_layers, hidden_size, cell, False, channels, time_stride)
        self.ahead = RowConvolution(hidden_size, lookahead)

    @property
    def first_frames(self):
        """The least frames of the first chunk, unless it is the last one; later chunks need `time_stride`."""
        return TIME - MARGIN + self.time_stride * (MARGIN + self.ahead.lookahead)

    def forward(self, features, length):
        """See :class:`DeepSpeech2Encoder`."""
        x, length = super().forward(features, length)
        return self.ahead(x), length

    def begin(self, count=1):
        """The initial cache of `count` utterances, {name: zeros}; see :meth:`chunk`."""
        size, maps = self.layers[0].hidden_size, self.convolutions
        return {
            "kept_frames": paddle.zeros([count, MARGIN, self.num_features]),
            "kept_maps": paddle.zeros([count, maps.first.weight.shape[0], MARGIN, maps.between]),
            "hidden": paddle.zeros([len(self.layers), count, size]),
            "kept_states": paddle.zeros([count, 1, size]),
        }

    def chunk(self, features, final, kept_frames, kept_maps, hidden, kept_states):
        """The output of :meth:`forward` for the frames that the next chunk completes.

        Args:
            features (Tensor): float32 [N, T, F]; no utterance of the batch has ended.
            final (Tensor): int64 [], 1 for the last chunk, else 0.
            kept_frames (Tensor): [N, k, F], the cache of the first convolution.
            kept_maps (Tensor): [N, C, k, F'], the cache of the second one.
            hidden (Tensor): [L, N, D], the states of the recurrent layers.
            kept_states (Tensor): [N, 1 + k, D], a row of any values and the cache of the row convolution.

        Returns:
            tuple: [N, T', D], then the new caches and states, in the order of the arguments.
        """
        x, kept = self.convolutions.chunk(features, final, [kept_frames, kept_maps])
        mask = paddle.ones_like(x[:, :, 0])
        length = mask.sum(1).astype("int64")
        states = []
        for number, layer in enumerate(self.layers):
            x, state = layer(x, length, mask, hidden[number : number + 1])
            states.append(state)
        x, rest = self.ahead.chunk(x, final, kept_states)
        return x, *kept, paddle.concat(states), rest
