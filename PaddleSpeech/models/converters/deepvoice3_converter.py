"""The converter of Deep Voice 3 (https://arxiv.org/abs/1710.07654, section 3.6): states to a linear spectrogram.

Shapes in this file:
    N texts of T steps, C channels, K frequencies, U frames per step, P features of a speaker.
"""

from paddle import nn

from common.layers.masks import sequence_mask

from ..blocks.gated_convolution import GatedConvolution
from ..blocks.weight_norm import WeightNormConv1D, WeightNormUpsampling


class DeepVoice3Converter(nn.Layer):
    """Transposed convolutions to the rate of the frames, and gated convolutions that see both sides.

    What lies behind the end of a row is seen as zeros.

    Args:
        in_channels (int): of the states, given by the decoder.
        num_frequencies (int): K, given by the model.
        upsampling (int): U, given by the model: 1, 2, 4 or 8.
        channels (int): C; the last two blocks have twice as many.
        kernel_size (int): taps of the last blocks.
        dropout (float): in training.
        speaker_size (int): P, given by the model; 0 for a single speaker.
    """

    def __init__(
        self, in_channels, num_frequencies, upsampling=4, channels=256, kernel_size=3, dropout=0.05, speaker_size=0
    ):
        super().__init__()
        if upsampling not in (1, 2, 4, 8):
            raise ValueError(f"upsampling is {upsampling}; allowed: 1, 2, 4, 8")
        common = {"dropout": dropout, "speaker_size": speaker_size}
        self.upsampling, layers = upsampling, [WeightNormConv1D(in_channels, channels)]
        for number in range(upsampling.bit_length() - 1):
            layers += [WeightNormUpsampling(channels, 4.0 if number else 1.0)]
            layers += [GatedConvolution(channels, 3, 1, gain=1.0, **common), GatedConvolution(channels, 3, 3, **common)]
        if upsampling == 1:
            layers += [GatedConvolution(channels, 3, 3, **common)]
        layers += [GatedConvolution(channels, kernel_size, dilation, **common) for dilation in (1, 3)]
        layers += [WeightNormConv1D(channels, 2 * channels, gain=4.0), nn.ReLU()]
        layers += [
            GatedConvolution(2 * channels, kernel_size, dilation, gain=4.0 if number else 2.0, **common)
            for number, dilation in enumerate((1, 3))
        ]
        self.layers = nn.LayerList(layers)
        self.output = WeightNormConv1D(2 * channels, num_frequencies, gain=4.0 * (1 - dropout))

    def forward(self, states, steps, speaker=None):
        """The logits of the levels [N, T U, K].

        Args:
            states (Tensor): [N, T, in_channels].
            steps (Tensor): int64 [N], of each row.
            speaker (Tensor | None): [N, P].
        """
        x, mask = states.transpose([0, 2, 1]), sequence_mask(steps, states).unsqueeze(1)
        for layer in self.layers:
            if isinstance(layer, GatedConvolution):
                x = layer(x, speaker, mask)
                continue
            x = layer(x)
            if isinstance(layer, WeightNormUpsampling):
                steps = 2 * steps
                mask = sequence_mask(steps, x.transpose([0, 2, 1])).unsqueeze(1)
        return self.output(x).transpose([0, 2, 1])
