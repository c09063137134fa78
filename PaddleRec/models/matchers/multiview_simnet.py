"""Multi-view SimNet: query and title embedded by several encoders and compared by cosine similarity
(A Multi-View Deep Learning Approach for Cross Domain User Modeling, https://doi.org/10.1145/2736277.2741667).

Shapes in this file:
    N pairs, L words of a text (-1 for padding), D features of a vector.
"""

import paddle
from paddle import nn

from ..embeddings.sparse_table import SparseEmbedding
from ..losses.ranking_losses import cosine, margin_ranking_loss


class MultiviewSimNet(nn.Layer):
    """A shared word embedding; on each side every encoder makes a view of the text, and a linear layer combines them.

    Args:
        query_encoders (LayerList): of BOWEncoder, CNNEncoder, GRUEncoder.
        title_encoders (LayerList): likewise for titles.
        num_words (int): size of the vocabulary.
        width (int): features of a word embedding.
        hidden (int): D.
        margin (float): of the hinge loss.
    """

    task = "Ranking"
    inputs = {"query": ([None, None], "int64"), "title": ([None, None], "int64")}
    outputs = ("probability",)

    def __init__(self, query_encoders, title_encoders, num_words, width=128, hidden=128, margin=0.1):
        super().__init__()
        self.words = SparseEmbedding(num_words, width, std=0.1)
        self.query_encoders, self.title_encoders = nn.LayerList(query_encoders), nn.LayerList(title_encoders)
        self.query_out = nn.Linear(sum(part.out_channels for part in query_encoders), hidden)
        self.title_out = nn.Linear(sum(part.out_channels for part in title_encoders), hidden)
        self.margin = margin

    @classmethod
    def from_config(cls, encoders, num_words, build, width=128, hidden=128, margin=0.1):
        """Builds the encoders, separately for each side.

        Args:
            encoders (list[node]): BOWEncoder, CNNEncoder, GRUEncoder.
            num_words (int): size of the vocabulary.
            width (int): features of a word embedding.
            hidden (int): D.
            margin (float): of the hinge loss.
        """
        sides = [[build(encoder, in_channels=width) for encoder in encoders] for _ in range(2)]
        return cls(*sides, num_words, width, hidden, margin)

    def encode(self, texts, encoders, out):
        """The vectors [N, D] of texts int64 [N, L]."""
        present, vectors = texts >= 0, self.words(texts)
        return out(paddle.concat([encoder(vectors, present) for encoder in encoders], axis=-1))

    def predict(self, query, title):
        """The cosine similarity [N] of queries and titles int64 [N, L]."""
        left = self.encode(query, self.query_encoders, self.query_out)
        return cosine(left, self.encode(title, self.title_encoders, self.title_out))

    def forward(self, query, title):
        """The matching score, (1 + cosine) / 2, [N]."""
        return 0.5 + 0.5 * self.predict(query, title)

    def loss(self, batch):
        """The hinge loss of a matching and a non-matching title.

        Args:
            batch (dict): query, title and negative, int64 [N, L] each.
        """
        positive, negative = (self.predict(batch["query"], batch[name]) for name in ("title", "negative"))
        return {"loss_hinge": margin_ranking_loss(positive, negative, 1.0, self.margin).mean()}
