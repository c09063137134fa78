"""The generator of STGAN (https://arxiv.org/abs/1904.09709, section 3.2): AttGAN's with selective transfer units.

Shapes in this file:
    N images of 3 channels and H x W pixels, both multiples of 2 ** layers; C attributes.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..blocks.label_planes import joined
from .attgan_generator import MOST, AttGANGenerator


class TransferUnit(nn.Layer):
    """A convolutional GRU that chooses what of the encoder's features a change of attributes needs (eq. 3 to 7).

    Args:
        channels (int): of the features.
        state_channels (int): of the state from the next coarser layer, the attributes included.
    """

    def __init__(self, channels, state_channels):
        super().__init__()
        self.enlarge = nn.Conv2DTranspose(state_channels, channels, 4, 2, 1)
        self.reset = nn.Conv2D(2 * channels, channels, 3, padding=1)
        self.update = nn.Conv2D(2 * channels, channels, 3, padding=1)
        self.candidate = nn.Conv2D(2 * channels, channels, 3, padding=1)

    def forward(self, features, state):
        """(chosen features, state for the next finer layer), [N, D, h, w] both.

        Args:
            features (Tensor): of the encoder, [N, D, h, w].
            state (Tensor): [N, E, h / 2, w / 2].
        """
        state = self.enlarge(state)
        both = paddle.concat([features, state], axis=1)
        reset, update = F.sigmoid(self.reset(both)), F.sigmoid(self.update(both))
        kept = reset * state
        new = paddle.tanh(self.candidate(paddle.concat([features, kept], axis=1)))
        return (1 - update) * state + update * new, kept


class STGANGenerator(AttGANGenerator):
    """The same encoder and decoder; skip connections pass through transfer units, and the attributes are differences.

    Args:
        num_classes (int): C.
        width (int): channels of the first layer; they double up to `most`.
        layers (int): of the encoder and of the decoder.
        most (int): channels at most.
        strength (float): differences of attributes are numbers from -2 * strength to 2 * strength.
    """

    def __init__(self, num_classes, width=64, layers=5, most=MOST, strength=0.5):
        super().__init__(num_classes, width, layers, most, layers - 1, layers - 1, strength)
        sizes = [min(width * 2**level, most) for level in range(layers)]
        self.units = nn.LayerList(
            [TransferUnit(sizes[level], sizes[level + 1] + num_classes) for level in reversed(range(layers - 1))]
        )

    def transfer(self, features, difference):
        """The features with those of the skip connections chosen by the difference of attributes [N, C]."""
        chosen, state = [features[-1]], joined(features[-1], difference)
        for level, unit in enumerate(self.units):
            output, state = unit(features[-2 - level], state)
            chosen.insert(0, output)
            if level < len(self.units) - 1:
                state = joined(state, difference)
        return chosen

    def forward(self, image, source, target):
        """Images float32 [N, 3, H, W] from -1 to 1; of equal source and target, the reconstructed image.

        Args:
            image (Tensor): float32 [N, 3, H, W].
            source (Tensor): attributes of the image, 0 or 1, float32 [N, C].
            target (Tensor): attributes of the result, 0 or 1, float32 [N, C].
        """
        difference = (target - source) * 2 * self.strength
        return self.decode(self.transfer(self.encode(image), difference), difference)
