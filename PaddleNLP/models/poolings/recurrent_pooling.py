"""A bidirectional GRU over the features of tokens, and the maxima of its outputs (Cho et al. 2014, eq. 5-8:
https://arxiv.org/abs/1406.1078).

Shapes in this file:
    N texts of T tokens (padded), H features of a token, D of the state of a direction.
"""

from paddle import nn

from common.layers.masks import masked_max, sequence_mask
from common.layers.recurrent import GRU


class RecurrentPooling(nn.Layer):
    """One projection of the inputs that both directions of a GRU share, and the maximum of the outputs over the tokens.

    Args:
        in_channels (int): H, given by the encoder.
        hidden_size (int): D; null for H.
        init (float | None): initial weights are uniform in [-init, init]; null for the root of 1 / D.
    """

    def __init__(self, in_channels, hidden_size=None, init=None):
        super().__init__()
        hidden_size = in_channels if hidden_size is None else hidden_size
        if hidden_size < 1:
            raise ValueError(f"RecurrentPooling got hidden_size {hidden_size}; allowed: 1 or more")
        init = hidden_size**-0.5 if init is None else init
        self.recurrent = SharedInputGRU(in_channels, hidden_size, init)
        self.out_channels = self.recurrent.out_channels

    def forward(self, sequence, length):
        """The maximum of each output over the tokens, [N, 2 D]; float32 [N, T, H], int64 [N]."""
        mask = sequence_mask(length, sequence)
        return masked_max(self.recurrent(sequence, length, mask)[0], mask)


class SharedInputGRU(GRU):
    """A GRU in both directions with one projection of the inputs.

    Args:
        in_channels (int): H.
        hidden_size (int): D.
        init (float): initial weights are uniform in [-init, init].
    """

    def __init__(self, in_channels, hidden_size, init):
        super().__init__(in_channels, hidden_size, 2, init)
        self.inputs = nn.LayerList(list(self.inputs)[:1])

    def project(self, x, mask):
        """The projected inputs with the biases of each direction, two tensors [N, T, 3 D]."""
        x = self.inputs[0](x)
        return [x + cell.bias for cell in self.cells]
