"""The encoder of LAC: Chinese Lexical Analysis with Deep Bi-GRU-CRF Network (https://arxiv.org/abs/1807.01882).

Shapes in this file:
    N texts of T tokens (padded), V tokens of the vocabulary, E features of an embedding, D of a state.
"""

import paddle
from paddle import nn

from common.layers.masks import masked_max, sequence_mask
from common.layers.recurrent import GRU

from .elmo_features import look_up, make_table


class LexicalEncoder(nn.Layer):
    """An embedding and a stack of bidirectional GRUs.

    Args:
        vocab_size (int): V.
        embedding_size (int): E.
        hidden_size (int): D of each direction.
        layers (int): number of bidirectional GRUs.
        init (float): initial weights are uniform in [-init, init].
        embedding (ElmoFeatures | None): vectors of the tokens in their context; null for a table of E features.
    """

    segments = False

    def __init__(self, vocab_size, embedding_size=128, hidden_size=128, layers=2, init=0.1, embedding=None):
        super().__init__()
        self.vocab_size, self.init = vocab_size, init
        self.out_channels = self.summary_channels = 2 * hidden_size
        self.embedding, size = make_table(vocab_size, embedding_size, init, embedding)
        sizes = [size] + [2 * hidden_size] * (layers - 1)
        self.layers = nn.LayerList([GRU(size, hidden_size, 2, init) for size in sizes])

    def forward(self, input_ids, length):
        """Features of every token, [N, T, 2 D]; 0 at the padding."""
        mask = sequence_mask(length, input_ids)
        x = look_up(self.embedding, input_ids, length)
        for layer in self.layers:
            x, _ = layer(x, length, mask)
        return x

    def summary(self, sequence, length):
        """tanh of the maximum of each feature over the tokens, [N, 2 D]."""
        return paddle.tanh(masked_max(sequence, sequence_mask(length, sequence)))

    def layers_above(self, name):
        """The number of layers above a parameter of this encoder: 1 for those of its last GRU."""
        return len(self.layers) - int(name.split(".")[1]) if name.startswith("layers.") else len(self.layers) + 1

    def convert_weights(self, arrays):
        """The arrays of the official files (`word_emb`, `fc_0.w_0`, `gru_0.w_0`, ..., `crfw`) under our names.

        Args:
            arrays (dict): name -> array; arrays of any other file are returned unchanged.
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
