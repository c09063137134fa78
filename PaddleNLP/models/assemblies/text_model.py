"""The base class of the models of texts: their inputs, and the conversion of foreign weights.

Shapes in this file:
    N texts of T tokens (padded).
"""

from paddle import nn


class TextModel(nn.Layer):
    """Base class of models of texts; `token_type_ids` is an input only if the encoder has segment embeddings.

    A child class defines `logits_of(sequence, length)`, of the features of the tokens, or else `logits(inputs)`, which
    the loss takes, and `decode(logits, length)`, which is exported.

    Args:
        encoder (Layer): with `segments`, whether it takes `token_type_ids`, and `vocab_size`.
    """

    ids = ([None, None], "int64")

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.vocab_size, self.max_positions = encoder.vocab_size, getattr(encoder, "max_positions", None)
        self.token_ids = getattr(getattr(encoder, "embedding", None), "token_ids", {})
        self.inputs = {"input_ids": self.ids, "token_type_ids": self.ids, "length": ([None], "int64")}
        if not encoder.segments:
            del self.inputs["token_type_ids"]
            self.forward, self.predict = self.forward_without_segments, self.predict_without_segments

    def features(self, *inputs):
        """Features of every token, [N, T, D]."""
        return self.encoder(*inputs)

    def logits(self, *inputs):
        """The logits, see `logits_of`."""
        return self.logits_of(self.features(*inputs), inputs[-1])

    def inputs_of(self, batch):
        """The tensors of a batch that the encoder takes, in its order."""
        return [batch[name] for name in self.inputs]

    def predict(self, input_ids, token_type_ids, length):
        """The logits; int64 [N, T], [N, T], [N]."""
        return self.logits(input_ids, token_type_ids, length)

    def forward(self, input_ids, token_type_ids, length):
        """The predictions, see `decode`; int64 [N, T], [N, T], [N]."""
        return self.decode(self.logits(input_ids, token_type_ids, length), length)

    def predict_without_segments(self, input_ids, length):
        """The logits; int64 [N, T], [N]."""
        return self.logits(input_ids, length)

    def forward_without_segments(self, input_ids, length):
        """The predictions, see `decode`; int64 [N, T], [N]."""
        return self.decode(self.logits(input_ids, length), length)

    def layers_above(self, name):
        """The number of layers above a parameter: 0 for the head's, 1 for those of the encoder's last layer, ..."""
        if not name.startswith("encoder."):
            return 0
        above = getattr(self.encoder, "layers_above", None)
        return above(name.removeprefix("encoder.")) if above else 1 + name.startswith("encoder.embedding.")

    def convert_weights(self, arrays):
        """The arrays of a foreign file under this model's names; arrays of unknown names are returned unchanged.

        Args:
            arrays (dict): name -> array.
        """
        for part in (self.encoder, getattr(self.encoder, "embedding", None)):
            convert = getattr(part, "convert_weights", None)
            arrays = convert(arrays) if convert else arrays
        return arrays
