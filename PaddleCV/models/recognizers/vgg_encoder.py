"""The encoder of CRNN with the convolutions of a narrow VGG, means over the height, and two bidirectional LSTMs.

The form of the CRNN in "What Is Wrong With Scene Text Recognition Model Comparisons?", Baek et al. 2019,
https://arxiv.org/abs/1904.01906, supplement, without its rectification; EasyOCR's models of the second generation.

Shapes in this file:
    N gray images of H x W pixels (padded at the right), h x w cells of the maps, c channels, T steps (columns of the
    last maps), D features of a step.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask
from common.layers.recurrent import run_kernel

from .word_encoder import columns_inside

# of each convolution: times the width its channels, whether normalization takes the place of its bias, pooling after it
LAYERS = (
    (1, False, (2, 2)),
    (2, False, (2, 2)),
    (4, False, None),
    (4, False, (2, 1)),
    (8, True, None),
    (8, True, (2, 1)),
)


class VGGEncoder(nn.Layer):
    """Images of one height to the features of their columns, of which about 4 pixels become one.

    What is computed of an image does not depend on its padding.

    Args:
        height (int): H, at least 32.
        width (int): channels of the first convolution; the last has eight times as many.
        hidden_size (int): D, also of the LSTMs.
        layers (int): of bidirectional LSTMs, each with a linear layer that joins the two directions.
    """

    def __init__(self, height=64, width=32, hidden_size=256, layers=2):
        super().__init__()
        if height < 32:
            raise ValueError(f"VGGEncoder got height {height}; it is at least 32")
        self.height, self.out_channels = height, hidden_size
        convs, norms, before = [], [], 1
        for times, normalized, _ in LAYERS:
            convs.append(nn.Conv2D(before, times * width, 3, padding=1, bias_attr=False if normalized else None))
            norms.append(nn.BatchNorm2D(times * width) if normalized else nn.Identity())
            before = times * width
        self.convs, self.norms, self.last = nn.LayerList(convs), nn.LayerList(norms), nn.Conv2D(before, before, 2)
        sizes = [before] + [hidden_size] * (layers - 1)
        self.recurrent = nn.LayerList(BidirectionalLSTM(size, hidden_size) for size in sizes)

    def forward(self, image, im_shape):
        """The features of the columns.

        Args:
            image (Tensor): float32 [N, 1, H, W].
            im_shape (Tensor): float32 [N, 2], height and width of each image without its padding.

        Returns:
            tuple[Tensor, Tensor]: [N, T, D]; int64 [N], the steps of each image, at least 1.
        """
        width = im_shape[:, 1].astype("int64")
        x = image * columns_inside(width, image)
        for conv, norm, (_, _, pool) in zip(self.convs, self.norms, LAYERS):
            x = F.relu(norm(conv(x)))
            if pool:
                x = F.max_pool2d(x, pool, pool)
                width = width // pool[1]
            x = x * columns_inside(width, x)
        x, width = F.relu(self.last(F.pad(x, [0, 1, 0, 0]))), (width - 1).clip(min=1)
        height = paddle.shape(x)[2].astype("float32")
        columns = (x.sum(2) / height).transpose([0, 2, 1])  # `mean` prints to standard output in predictors
        mask = sequence_mask(width, columns)
        columns = columns * mask.unsqueeze(2)
        for layer in self.recurrent:
            columns = layer(columns, width) * mask.unsqueeze(2)
        return columns, width


class BidirectionalLSTM(nn.Layer):
    """An LSTM in both directions by the kernel of `nn.LSTM`, joined by a linear layer: [N, T, I] to [N, T, D].

    Args:
        in_channels (int): I.
        hidden_size (int): D.
    """

    def __init__(self, in_channels, hidden_size):
        super().__init__()
        self.in_channels, self.hidden_size = in_channels, hidden_size
        self.cells = nn.LayerList(LSTMCellWeights(in_channels, hidden_size) for _ in range(2))
        self.linear = nn.Linear(2 * hidden_size, hidden_size)

    def forward(self, x, length):
        """[N, T, D] of x [N, T, I] and the lengths int64 [N]."""
        state = paddle.zeros([2, x.shape[0] if x.shape[0] > 0 else paddle.shape(x)[0], self.hidden_size])
        weights = [weight for cell in self.cells for weight in (cell.weight_ih, cell.weight_hh)]
        biases = [bias for cell in self.cells for bias in (cell.bias_ih, cell.bias_hh)]
        hidden, _ = run_kernel("LSTM", x, [state, state], weights + biases, length, self.training)
        return self.linear(hidden)


class LSTMCellWeights(nn.Layer):
    """The weights of an LSTM in one direction: input, forget, candidate, output.

    Args:
        in_channels (int): I.
        hidden_size (int): D.
    """

    def __init__(self, in_channels, hidden_size):
        super().__init__()
        first = nn.initializer.Uniform(-(hidden_size**-0.5), hidden_size**-0.5)
        sizes = {"weight_ih": [in_channels], "weight_hh": [hidden_size], "bias_ih": [], "bias_hh": []}
        for name, size in sizes.items():
            weight = self.create_parameter([4 * hidden_size, *size], default_initializer=first)
            setattr(self, name, weight)
