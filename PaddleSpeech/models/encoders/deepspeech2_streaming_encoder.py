"""Deep Speech 2 for sound that is still being spoken (https://arxiv.org/abs/1512.02595, section 3.7): recurrent layers
in one direction, and a row convolution that looks a few frames ahead.

Shapes in this file:
    N utterances of T frames (padded), F features of a frame, D features of a state, L recurrent layers.
"""

import paddle

from ..row_convolution import RowConvolution
from ..speech_convolutions import MARGIN, TIME
from .deepspeech2_encoder import DeepSpeech2Encoder


class DeepSpeech2StreamingEncoder(DeepSpeech2Encoder):
    """Answers whole utterances as :class:`DeepSpeech2Encoder` does, and the same ones piece by piece.

    Args:
        num_features (int): F.
        num_layers (int): L.
        hidden_size (int): D.
        cell (str): gru or rnn, a simple layer with a clipped rectifier.
        lookahead (int): frames after the recurrent layers that a frame sees beyond itself.
        channels (int): of the convolutions.
        time_stride (int): frames of the input to one of the output.
    """

    directions = 1

    def __init__(
        self, num_features, num_layers=3, hidden_size=1024, cell="gru", lookahead=4, channels=32, time_stride=2
    ):
        super().__init__(num_features, num_layers, hidden_size, cell, False, channels, time_stride)
        self.ahead = RowConvolution(hidden_size, lookahead)

    @property
    def first_frames(self):
        """Frames that the first piece needs at least, unless it is the last; later ones need `time_stride`."""
        return TIME - MARGIN + self.time_stride * (MARGIN + self.ahead.lookahead)

    def forward(self, features, length):
        """As :class:`DeepSpeech2Encoder`."""
        x, length = super().forward(features, length)
        return self.ahead(x), length

    def begin(self, count=1):
        """What is kept before the first piece of `count` utterances, {name: zeros}; see :meth:`chunk`."""
        size, maps = self.layers[0].hidden_size, self.convolutions
        return {
            "kept_frames": paddle.zeros([count, MARGIN, self.num_features]),
            "kept_maps": paddle.zeros([count, maps.first.weight.shape[0], MARGIN, maps.between]),
            "hidden": paddle.zeros([len(self.layers), count, size]),
            "kept_states": paddle.zeros([count, 1, size]),
        }

    def chunk(self, features, final, kept_frames, kept_maps, hidden, kept_states):
        """What :meth:`forward` says of the frames that a further piece completes.

        Args:
            features (Tensor): float32 [N, T, F]; all utterances of the batch go on.
            final (Tensor): int64 [], 1 where it is the last piece, else 0.
            kept_frames (Tensor): [N, k, F], frames that the first convolution still needs.
            kept_maps (Tensor): [N, C, k, F'], those that the second one does.
            hidden (Tensor): [L, N, D], states.
            kept_states (Tensor): [N, 1 + k, D], a row of any values and what the row convolution still needs.

        Returns:
            tuple: [N, T', D], then what is to be kept, in the order it came.
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
