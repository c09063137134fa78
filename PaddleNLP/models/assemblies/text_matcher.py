"""Matching of short texts by SimNet: each is encoded by itself, then both vectors are compared.

The encoders are those of classification (BOW, CNN, recurrent). Huang et al. 2013 (DSSM,
https://doi.org/10.1145/2505515.2505665) compare by the cosine; the order of a matching and another text is learned by a
margin.

Shapes in this file:
    N samples whose texts together have T tokens (padded), S tokens of one text, D features.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask

ACTIVATIONS = {"none": lambda x: x, "relu": F.relu, "tanh": paddle.tanh}


class Matcher(nn.Layer):
    """Base class: a score of two texts, learned from labeled pairs or from triples; a child class defines `compare`.

    Args:
        pairwise (bool): learns that the second text matches better than the third one; false learns the label of each
            pair.
        margin (float): of the pairwise loss.
    """

    task = "TextClassification"
    outputs = ("scores",)

    def __init__(self, pairwise=False, margin=0.1):
        super().__init__()
        if margin <= 0:
            raise ValueError(f"margin is {margin}; it must be above 0")
        ids = ([None, None], "int64")
        self.inputs = {"input_ids": ids, "token_type_ids": ids, "length": ([None], "int64")}
        self.pairwise, self.margin = pairwise, margin

    def compare(self, input_ids, token_type_ids, length, other):
        """Compares the first text with the text `other`: scores from -1 to 1 [N] if pairwise, else logits [N, 2]."""
        raise NotImplementedError(f"{type(self).__name__} does not define compare")

    def predict(self, input_ids, token_type_ids, length):
        """The comparison of the first two texts, see `compare`; int64 [N, T], [N, T], [N]."""
        return self.compare(input_ids, token_type_ids, length, 1)

    def forward(self, input_ids, token_type_ids, length):
        """The probability of each class, [N, 2]; of a score c from -1 to 1, (1 - c) / 2 and (1 + c) / 2.

        Args:
            input_ids (Tensor): int64 [N, T], the tokens of all texts of a sample.
            token_type_ids (Tensor): int64 [N, T], which text each belongs to.
            length (Tensor): int64 [N], tokens without the padding.
        """
        found = self.predict(input_ids, token_type_ids, length)
        return paddle.stack([1 - found, 1 + found], 1) / 2 if self.pairwise else F.softmax(found)

    def loss(self, batch):
        """The mean of max(0, margin - matching + other), or the cross entropy of the labels.

        Args:
            batch (dict): the inputs, with three texts a sample where training is pairwise, else label int64 [N].
        """
        inputs = [batch[name] for name in self.inputs]
        if self.pairwise:
            gap = self.compare(*inputs, 2) - self.compare(*inputs, 1)
            return {"loss_order": F.relu(self.margin + gap).mean()}
        return {"loss_class": F.cross_entropy(self.compare(*inputs, 1), batch["label"])}


class TextMatcher(Matcher):
    """A shared encoder, a shared hidden layer, and the cosine of both sides or a classifier of them side by side.

    Args:
        encoder (Layer): token ids to features, with `summary`, which pools them; without segment embeddings.
        hidden_size (int): D.
        activation (str): of the hidden layer: none, relu or tanh.
        pairwise (bool): compares by the cosine and learns that the second text matches better than the third one; false
            learns the label of each pair.
        margin (float): of the pairwise loss.
    """

    def __init__(self, encoder, hidden_size=128, activation="none", pairwise=False, margin=0.1):
        super().__init__(pairwise, margin)
        if encoder.segments:
            raise ValueError(
                f"{type(encoder).__name__} reads both texts at once; TextMatcher takes BOW, CNN, TextCNN or "
                "RecurrentEncoder\n  fix: model: {type: TextClassifier} compares texts with such an encoder"
            )
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}; it is one of {', '.join(ACTIVATIONS)}")
        self.encoder, self.vocab_size = encoder, encoder.vocab_size
        self.hidden, self.activation = nn.Linear(encoder.summary_channels, hidden_size), ACTIVATIONS[activation]
        self.output = None if pairwise else nn.Linear(2 * hidden_size, 2)

    @classmethod
    def from_config(cls, encoder, build, hidden_size=128, activation="none", pairwise=False, margin=0.1):
        """Builds the encoder.

        Args:
            encoder (node): BOW, CNN, TextCNN or RecurrentEncoder.
            hidden_size (int): D.
            activation (str): of the hidden layer: none, relu or tanh.
            pairwise (bool): compares by the cosine and learns that the second text matches better than the third one;
                false learns the label of each pair.
            margin (float): of the pairwise loss.
        """
        return cls(build(encoder), hidden_size, activation, pairwise, margin)

    def compare(self, input_ids, token_type_ids, length, other):
        """See Matcher."""
        sides = [self.vector(*text_of(input_ids, token_type_ids, length, which)) for which in (0, other)]
        return F.cosine_similarity(*sides, axis=1, eps=1e-6) if self.pairwise else self.output(paddle.concat(sides, 1))

    def vector(self, ids, length):
        """The vectors of texts, [N, D]; ids int64 [N, S], length int64 [N]."""
        return self.activation(self.hidden(self.encoder.summary(self.encoder(ids, length), length)))


def text_of(input_ids, token_type_ids, length, which):
    """One of the texts that a sequence holds one behind the other.

    Args:
        input_ids (Tensor): int64 [N, T].
        token_type_ids (Tensor): int64 [N, T], the number of the text of each token, never falling.
        length (Tensor): int64 [N], tokens without the padding.
        which (int): number of the text.

    Returns:
        tuple[Tensor, Tensor]: its tokens int64 [N, S] with others of any kind at the padding, and its length int64 [N],
            at least 1.
    """
    valid = sequence_mask(length, input_ids).astype("int64")
    begin = ((token_type_ids < which).astype("int64") * valid).sum(1, keepdim=True)
    count = ((token_type_ids == which).astype("int64") * valid).sum(1)
    count = paddle.clip(count, min=1)
    steps = paddle.arange(paddle.shape(input_ids)[1]).astype("int64").unsqueeze(0)
    places = paddle.minimum(begin + steps, steps[:, -1:])
    return paddle.take_along_axis(input_ids, places, 1)[:, : count.max()], count
