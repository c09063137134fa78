"""The encoder of Deep Speech 2 (Amodei et al., https://arxiv.org/abs/1512.02595, section 3): convolutions, then
bidirectional recurrent layers.

Shapes in this file:
    N utterances of T frames (padded), F features of a frame, D features of a state.
"""

from paddle import nn

from ..blocks.normalized_recurrent import normalized_recurrent
from ..blocks.speech_convolutions import SpeechConvolutions


class DeepSpeech2Encoder(nn.Layer):
    """Two convolutions and three to nine recurrent layers; the output of an utterance does not depend on its batch.

    Args:
        num_features (int): F.
        num_layers (int): number of recurrent layers.
        hidden_size (int): D.
        cell (str): gru or rnn, a simple recurrent layer with a clipped ReLU.
        share (bool): whether both directions of a layer share the input projection.
        channels (int): channels of the convolutions.
        time_stride (int): input frames per output frame.
    """

    directions = 2

    def __init__(
        self, num_features, num_layers=3, hidden_size=1024, cell="gru", share=False, channels=32, time_stride=2
    ):
        super().__init__()
        self.num_features, self.time_stride = num_features, time_stride
        self.convolutions = SpeechConvolutions(num_features, channels, time_stride)
        widths = [self.convolutions.out_channels] + [self.directions * hidden_size] * (num_layers - 1)
        self.layers = nn.LayerList(
            [normalized_recurrent(width, hidden_size, cell, self.directions, share) for width in widths]
        )
        self.out_channels = self.directions * hidden_size

    def forward(self, features, length):
        """Features of every output frame, 0 at the padding, and the number of frames.

        Args:
            features (Tensor): float32 [N, T, F].
            length (Tensor): int64 [N], 1 to T.

        Returns:
            tuple[Tensor, Tensor]: [N, T', out_channels] and int64 [N], T' = ceil(T / time_stride).
        """
        x, length, mask = self.convolutions(features, length)
        for layer in self.layers:
            x, _ = layer(x, length, mask)
        return x, length
