"""The encoder of LAC: Chinese Lexical Analysis with Deep Bi-GRU-CRF Network (https://arxiv.org/abs/1807.01882).

The GRU is that of the original (Cho et al. 2014, https://arxiv.org/abs/1406.1078, eq. 5-8): the reset gate acts on the
state before its product with the weights, and h = (1 - u) h + u c.

Shapes in this file:
    N texts of T tokens (padded), V tokens known, E features of a token, D of a state.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..layers import mask_of, uniform
from ..scan import scan


class LexicalEncoder(nn.Layer):
    """Embedding and bidirectional GRUs on top of one another.

    Args:
        vocab_size (int): V.
        embedding_size (int): E.
        hidden_size (int): D of each direction.
        layers (int): bidirectional GRUs.
        init (float): first weights lie between -init and init.
    """

    segments = False

    def __init__(self, vocab_size, embedding_size=128, hidden_size=128, layers=2, init=0.1):
        super().__init__()
        self.vocab_size, self.out_channels, self.init = vocab_size, 2 * hidden_size, init
        self.embedding = nn.Embedding(vocab_size, embedding_size, weight_attr=uniform(init))
        sizes = [embedding_size] + [2 * hidden_size] * (layers - 1)
        self.layers = nn.LayerList([BidirectionalGRU(size, hidden_size, init) for size in sizes])

    def forward(self, input_ids, length):
        """Features of every token, [N, T, 2 D], zero at the padding of the last layer's input."""
        mask = mask_of(length, input_ids)
        x = self.embedding(input_ids)
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def convert_weights(self, arrays):
        """The arrays of the original's files (`word_emb`, `fc_0.w_0`, `gru_0.w_0`, ..., `crfw`) under our names.

        Args:
            arrays (dict): name -> array; what is no such file's is returned as it is.
        """
        if "word_emb" not in arrays:
            return arrays
        names = {"word_emb": "encoder.embedding.weight", "crfw": "head.transitions"}
        for number in range(2 * len(self.layers)):
            layer, side = divmod(number, 2)
            place = f"encoder.layers.{layer}"
            names[f"fc_{number}.w_0"] = f"{place}.inputs.{side}.weight"
            names[f"fc_{number}.b_0"] = f"{place}.inputs.{side}.bias"
            names[f"gru_{number}.w_0"] = f"{place}.cells.{side}.weight"
            names[f"gru_{number}.b_0"] = f"{place}.cells.{side}.bias"
        last = 2 * len(self.layers)
        names |= {f"fc_{last}.w_0": "head.emission.weight", f"fc_{last}.b_0": "head.emission.bias"}
        found = {names.get(name, name): array for name, array in arrays.items()}
        return {
            name: array[0] if name.endswith(".bias") and array.ndim == 2 else array for name, array in found.items()
        }


class BidirectionalGRU(nn.Layer):
    """A GRU from the left and one from the right, side by side.

    Args:
        in_channels (int): features of a token.
        hidden_size (int): D.
        init (float): first weights lie between -init and init.
    """

    def __init__(self, in_channels, hidden_size, init=0.1):
        super().__init__()
        self.inputs = nn.LayerList([nn.Linear(in_channels, 3 * hidden_size, uniform(init)) for _ in range(2)])
        self.cells = nn.LayerList([GRUWeights(hidden_size, init) for _ in range(2)])

    def forward(self, x, mask):
        """[N, T, 2 D] of x [N, T, in_channels] and mask [N, T]."""
        pairs = list(zip(self.inputs, self.cells))
        sides = [linear(x) + cell.bias for linear, cell in pairs]
        x = paddle.stack([sides[0], sides[1].flip(1)], 1)  # [N, 2, T, 3 D]
        masks = paddle.stack([mask, mask.flip(1)], 1).unsqueeze(3)  # [N, 2, T, 1]
        gates = paddle.stack([cell.gates() for cell in self.cells])
        states = paddle.stack([cell.candidate() for cell in self.cells])
        x, masks = x.transpose([2, 1, 0, 3]), masks.transpose([2, 1, 0, 3])  # [T, 2, N, ...]
        hidden = run_gru(x, masks, gates, states)  # [T, 2, N, D]
        left, right = hidden[:, 0], hidden[:, 1].flip(0)
        return paddle.concat([left, right], 2).transpose([1, 0, 2])


class GRUWeights(nn.Layer):
    """The recurrent weights of one direction, laid out as the original's file has them.

    Args:
        hidden_size (int): D.
        init (float): first weights lie between -init and init.
    """

    def __init__(self, hidden_size, init):
        super().__init__()
        self.hidden_size = hidden_size
        self.weight = self.create_parameter([hidden_size, 3 * hidden_size], attr=uniform(init))
        self.bias = self.create_parameter([3 * hidden_size], is_bias=True)

    def gates(self):
        """The weights of update and reset, [D, 2 D]: the first two thirds of the numbers."""
        d = self.hidden_size
        return self.weight.reshape([-1])[: 2 * d * d].reshape([d, 2 * d])

    def candidate(self):
        """The weights of the candidate, [D, D]: the last third."""
        d = self.hidden_size
        return self.weight.reshape([-1])[2 * d * d :].reshape([d, d])


def run_gru(x, mask, gates, candidate):
    """The states of G independent GRUs after every token.

    Args:
        x (Tensor): [T, G, N, 3 D], what comes in: update, reset, candidate.
        mask (Tensor): [T, G, N, 1]; where it is 0 the state stays.
        gates (Tensor): [G, D, 2 D], recurrent weights of update and reset.
        candidate (Tensor): [G, D, D], those of the candidate.

    Returns:
        Tensor: [T, G, N, D].
    """
    size = candidate.shape[1]
    opened, fresh = x[:, :, :, : 2 * size], x[:, :, :, 2 * size :]

    def step(state, opened, fresh, mask):
        after = gru_step(opened, fresh, mask, state, gates, candidate)
        return after, after

    return scan(step, [opened, fresh, mask], paddle.zeros_like(fresh[0]))[0]


def gru_step(opened, fresh, mask, state, gates, candidate):
    """u, r = sigmoid(opened + h W_gates); c = tanh(fresh + (r h) W_candidate); h + mask u (c - h)."""
    both = F.sigmoid(opened + paddle.matmul(state, gates))
    update, reset = paddle.split(both, 2, axis=-1)
    new = paddle.tanh(fresh + paddle.matmul(reset * state, candidate))
    return state + mask * update * (new - state)
