"""Multi-view SimNet: a query and a title as vectors made of several encoders, compared by the cosine
(A Multi-View Deep Learning Approach for Cross Domain User Modeling, https://doi.org/10.1145/2736277.2741667).

Shapes in this file:
    N pairs, L words of a text (-1 for padding), D numbers in a vector.
"""

import paddle
from paddle import nn

from ..embeddings.sparse_table import SparseEmbedding
from ..losses.ranking_losses import cosine, margin_loss


class MultiviewSimNet(nn.Layer):
    """One table of words; on each side every encoder makes a view of the text, and a linear layer joins them.

    Args:
        query_encoders (LayerList): of BagOfWords, ConvolutionOfWords, RecurrenceOfWords.
        title_encoders (LayerList): the same kinds for titles.
        num_words (int): rows of the table.
        width (int): numbers in the vector of a word.
        hidden (int): D.
        margin (float): by which the cosine with the right title is to be larger.
    """

    task = "Ranking"
    inputs = {"query": ([None, None], "int64"), "title": ([None, None], "int64")}
    outputs = ("probability",)

    def __init__(self, query_encoders, title_encoders, num_words, width=128, hidden=128, margin=0.1):
        super().__init__()
        self.words = SparseEmbedding(num_words, width, deviation=0.1)
        self.query_encoders, self.title_encoders = nn.LayerList(query_encoders), nn.LayerList(title_encoders)
        self.query_out = nn.Linear(sum(part.out_channels for part in query_encoders), hidden)
        self.title_out = nn.Linear(sum(part.out_channels for part in title_encoders), hidden)
        self.margin = margin

    @classmethod
    def from_config(cls, encoders, num_words, build, width=128, hidden=128, margin=0.1):
        """Builds the encoders, once for each side.

        Args:
            encoders (list[node]): BagOfWords, ConvolutionOfWords, RecurrenceOfWords.
            num_words (int): rows of the table.
            width (int): numbers in the vector of a word.
            hidden (int): numbers in the vector of a text.
            margin (float): by which the cosine with the right title is to be larger.
        """
        sides = [[build(encoder, in_channels=width) for encoder in encoders] for _ in range(2)]
        return cls(*sides, num_words, width, hidden, margin)

    def encode(self, texts, encoders, out):
        """The vectors [N, D] of texts int64 [N, L]."""
        present, vectors = texts >= 0, self.words(texts)
        return out(paddle.concat([encoder(vectors, present) for encoder in encoders], axis=-1))

    def predict(self, query, title):
        """The cosine [N] of queries and titles int64 [N, L]."""
        left = self.encode(query, self.query_encoders, self.query_out)
        return cosine(left, self.encode(title, self.title_encoders, self.title_out))

    def forward(self, query, title):
        """How well they match, (1 + cosine) / 2, [N]."""
        return 0.5 + 0.5 * self.predict(query, title)

    def loss(self, batch):
        """The hinge loss of a title that matches and one that does not.

        Args:
            batch (dict): query, title and negative, int64 [N, L] each.
        """
        right, wrong = (self.predict(batch["query"], batch[name]) for name in ("title", "negative"))
        return {"loss_hinge": margin_loss(right, wrong, 1.0, self.margin).mean()}
