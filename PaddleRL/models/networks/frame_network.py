"""The convolutions of the original repository's Atari agents, for stacked gray frames.

Shapes in this file:
    N observations, C frames in a stack, H x W pixels.
"""

from paddle import nn

LAYERS = ((32, 5, 2), (32, 5, 2), (64, 4, 1), (64, 3, 1))  # channels, kernel, padding


class FrameNetwork(nn.Layer):
    """Four convolutions with ReLU, each but the last followed by max pooling of 2, and flattened.

    Args:
        frames (int): C.
        size (int): H and W; 84 in the original.
    """

    def __init__(self, frames=4, size=84):
        super().__init__()
        self.shape, layers, channels, side = [frames, size, size], [], frames, size
        for number, (width, kernel, padding) in enumerate(LAYERS):
            layers += [nn.Conv2D(channels, width, kernel, padding=padding), nn.ReLU()]
            channels, side = width, side + 2 * padding - kernel + 1
            if number + 1 < len(LAYERS):
                layers.append(nn.MaxPool2D(2))
                side //= 2
        if side < 1:
            raise ValueError(f"FrameNetwork got size={size}, which is too small for its {len(LAYERS)} convolutions")
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.out_channels = channels * side * side

    def forward(self, observation):
        """Features float32 [N, out_channels] of observations float32 [N, C, H, W], 0 to 255."""
        return self.layers(observation / 255.0)
