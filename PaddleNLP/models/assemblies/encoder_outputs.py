"""Vectors of texts and of their tokens, taken out of a trained model of texts at any layer of its encoder.

Shapes in this file:
    N texts of T tokens (padded), H features, C numbers that the model itself answers with.
"""

import re

from paddle import nn

from common.errors import ConfigError
from common.layers.masks import masked_max, masked_sum, sequence_mask

LAYER = re.compile(r"(pooler|cls|mean|max|tokens)(?::(-?[0-9]{1,4}))?")
POOLED = ("pooler", "cls", "mean", "max", "tokens")
OWN = {"TextClassification": "scores", "TextRegression": "value", "SentenceEmbedding": "embedding"}  # of these tasks


class EncoderOutputs(nn.Layer):
    """The outputs of a model of texts that an encoder service gives: features of any layer, pooled or of each token.

    A name among `layers` is one of
        pooler   what the model pools its features to before its head (BERT: tanh of a linear layer of [CLS])
        cls      the features of the first token
        mean     the mean of the features over the tokens of the text, [CLS] and [SEP] with them
        max      their maximum
        tokens   the features of every token, [N, T, H]
        scores   the probabilities of a classifier; `value` of a regressor, `embedding` of a sentence encoder
    and `mean:-2` is the mean of the features after the last layer but one; `mean:0` is that before the first layer.

    Args:
        model (TextModel): trained, with an encoder.
        layers (list[str]): names of outputs, each once.

    Raises:
        ConfigError: the model reads more than the tokens of a text, or has no such layer.
    """

    task = "TextEncoding"

    def __init__(self, model, layers):
        super().__init__()
        known = {"input_ids", "token_type_ids", "length"}
        if not hasattr(model, "encoder") or set(model.inputs) - known or not hasattr(model.encoder, "summary"):
            raise ConfigError(f"{type(model).__name__} is not an encoder of texts with a head")
        self.model, self.inputs, self.vocab_size = model, model.inputs, model.vocab_size
        self.max_positions = model.max_positions
        self.depth = len(model.encoder.layers) if hasattr(model.encoder, "states") else None
        self.outputs, self.own = tuple(layers), OWN.get(model.task)
        if not layers or len(set(layers)) < len(layers):
            raise ConfigError(f"--layer names {', '.join(layers) or 'nothing'}; give layers, each once")
        self.places = [self.place(name) for name in layers]
        if not model.encoder.segments:
            self.forward = self.forward_without_segments

    def place(self, name):
        """(pooling, index of the features, 0 to the number of layers) of the name of an output; raises ConfigError."""
        depth, found = self.depth or 0, LAYER.fullmatch(name)
        if name == self.own:
            return name, depth
        if found is None:
            known = ", ".join([*POOLED, *([self.own] if self.own else [])])
            raise ConfigError(f"--layer {name}: there are {known}, and with a layer as in mean:-2")
        if found[2] is None:
            return found[1], depth
        number = int(found[2])
        if self.depth is None or not -depth - 1 <= number <= depth:
            span = f"0 to {depth}, or -{depth + 1} to -1" if self.depth else "the last layer alone, without a number"
            raise ConfigError(f"--layer {name}: {type(self.model.encoder).__name__} has {span}")
        number %= depth + 1
        if found[1] == "pooler" and number != depth:
            raise ConfigError(f"--layer {name}: the pooler is trained on the last layer; cls, mean, max and tokens go")
        return found[1], number

    def forward(self, input_ids, token_type_ids, length):
        """The outputs in the order of `layers`, [N, H], [N, T, H] or [N, C]; int64 [N, T], [N, T], [N]."""
        return self.pooled((input_ids, token_type_ids, length))

    def forward_without_segments(self, input_ids, length):
        """The outputs of an encoder without segment embeddings; int64 [N, T], [N]."""
        return self.pooled((input_ids, length))

    def pooled(self, inputs):
        """The outputs for the inputs of the encoder (list of Tensors)."""
        encoder, length = self.model.encoder, inputs[-1]
        states = encoder.states(*inputs) if self.depth is not None else [encoder(*inputs)]
        mask, found = sequence_mask(length, inputs[0]), []
        for kind, number in self.places:
            x = states[number]
            if kind == self.own:
                x = self.model.decode(self.model.logits_of(x, length), length)
                x = x.unsqueeze(1) if x.ndim == 1 else x
            elif kind == "pooler":
                x = encoder.summary(x, length)
            elif kind == "cls":
                x = x[:, 0]
            elif kind == "mean":
                x = masked_sum(x, mask) / length.astype(x.dtype).unsqueeze(1)
            elif kind == "max":
                x = masked_max(x, mask)
            found.append(x)
        return found
