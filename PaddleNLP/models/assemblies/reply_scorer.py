"""Scores of replies by a dual encoder (ADEM without a reference: Lowe et al. 2017, https://aclanthology.org/P17-1103;
the encoder and its training on wrong replies: Lowe et al. 2015, https://arxiv.org/abs/1506.08909).

Shapes in this file:
    N dialogues with a reply, of T tokens together (padded), E features of a token, D features of a state.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal
from common.layers.masks import sequence_mask
from common.layers.recurrent import PeepholeLSTM

from .text_matcher import text_of

MOST = 10.0  # loss of a sample, either way
TOP = 2.0  # the best rating; the worst is 0


class ReplyScorer(nn.Layer):
    """Scores whether a reply follows a dialogue: c' M r of the last states c and r of one LSTM layer, plus b.

    Args:
        vocab_size (int): rows of the embedding.
        embedding_size (int): E.
        hidden_size (int): D.
    """

    task = "TextClassification"
    outputs = ("scores",)

    def __init__(self, vocab_size, embedding_size=256, hidden_size=256):
        super().__init__()
        ids = ([None, None], "int64")
        self.inputs = {"input_ids": ids, "token_type_ids": ids, "length": ([None], "int64")}
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, embedding_size, weight_attr=normal(0.1))
        self.encoder = PeepholeLSTM(embedding_size, hidden_size, 1, hidden_size**-0.5)
        self.likeness = self.create_parameter([hidden_size, hidden_size], attr=normal(hidden_size**-0.5))
        self.bias = self.create_parameter([1], is_bias=True)

    def vector(self, ids, length):
        """The output behind the last token, [N, D]; ids int64 [N, S], length int64 [N]."""
        outputs, _ = self.encoder(self.embedding(ids), length, sequence_mask(length, ids))
        places = (length - 1).unsqueeze(1).unsqueeze(2).expand([-1, 1, outputs.shape[2]])
        return paddle.take_along_axis(outputs, places, 1).squeeze(1)

    def predict(self, input_ids, token_type_ids, length):
        """Logits [N] that the second text follows the first one; see `forward`."""
        said, reply = (self.vector(*text_of(input_ids, token_type_ids, length, which)) for which in (0, 1))
        return (paddle.matmul(said, self.likeness) * reply).sum(1) + self.bias

    def forward(self, input_ids, token_type_ids, length):
        """The probabilities that the reply does not follow and that it does, [N, 2].

        Args:
            input_ids (Tensor): int64 [N, T], the tokens of the dialogue, then those of the reply.
            token_type_ids (Tensor): int64 [N, T], 0 for the dialogue, 1 for the reply.
            length (Tensor): int64 [N], tokens without the padding.
        """
        right = F.sigmoid(self.predict(input_ids, token_type_ids, length))
        return paddle.stack([1 - right, right], 1)

    def loss(self, batch):
        """The mean binary cross entropy, of a sample at most MOST.

        Args:
            batch (dict): the inputs, and label int64 [N], 1 for the right reply.
        """
        logits = self.predict(*(batch[name] for name in self.inputs))
        found = F.binary_cross_entropy_with_logits(logits, batch["label"].astype("float32"), reduction="none")
        return {"loss_class": paddle.clip(found, max=MOST).mean()}


class ReplyRater(ReplyScorer):
    """The rating that people would give a reply, 0 to TOP: TOP times the probability, from the weights of ReplyScorer.

    Args:
        vocab_size (int): rows of the embedding.
        embedding_size (int): E.
        hidden_size (int): D.
    """

    task = "TextRegression"
    outputs = ("value",)

    def forward(self, input_ids, token_type_ids, length):
        """The ratings, [N]; see ReplyScorer."""
        return TOP * F.sigmoid(self.predict(input_ids, token_type_ids, length))

    def loss(self, batch):
        """The mean squared error of ratings, as shares of TOP.

        Args:
            batch (dict): the inputs, and value float32 [N], 0 to TOP.
        """
        error = self(*(batch[name] for name in self.inputs)) - batch["value"]
        return {"loss_value": (error**2).mean() / TOP**2}
