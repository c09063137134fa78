"""#TagSpace: Semantic Embeddings from Hashtags (https://doi.org/10.3115/v1/D14-1194).

Shapes in this file:
    N texts, L words (-1 for padding), T tags (row 0 is the unknown tag), D features of a vector, K sampled tags.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..embeddings.sparse_table import SparseEmbedding
from ..losses.ranking_losses import margin_ranking_loss
from .matcher import Matcher, top_items


class TagSpace(Matcher):
    """A convolution over the words, max pooling, and a linear layer; cosine similarity compares text and tags.

    Args:
        num_words (int): size of the vocabulary.
        num_tags (int): T.
        width (int): D.
        window (int): kernel size of the convolution, an odd number.
        hidden (int): channels of the convolution.
        num_negatives (int): K, sampled for each text in training.
        margin (float): of the hinge loss.
        top_k (int): number of predicted tags.
    """

    inputs = {"text": ([None, None], "int64")}

    def __init__(self, num_words, num_tags, width=10, window=5, hidden=1000, num_negatives=3, margin=0.1, top_k=1):
        super().__init__(top_k)
        if window % 2 == 0:
            raise ValueError(f"TagSpace got window={window}; it must be odd")
        self.num_tags, self.num_negatives, self.margin = num_tags, num_negatives, margin
        self.words = SparseEmbedding(num_words, width, std=0.1)
        self.tags = SparseEmbedding(num_tags, width, std=0.1)
        self.convolution = nn.Conv1D(width, hidden, window, padding=window // 2)
        self.out = nn.Linear(hidden, width)

    def item_vectors(self):
        """Unit vectors [T, D] of all tags."""
        return F.normalize(self.tags.table.weight, axis=-1)

    def predict(self, text):
        """Unit vectors [N, D] of texts int64 [N, L]."""
        present = (text >= 0).astype("float32").unsqueeze(1)  # [N, 1, L]
        vectors = self.words(text).transpose([0, 2, 1]) * present
        maps = paddle.tanh(self.convolution(vectors))  # [N, hidden, L]
        highest = (maps * present - 2 * (1 - present)).max(-1)
        return F.normalize(self.out(highest.clip(min=-1.0)), axis=-1)

    def forward(self, text):
        """The top tags int64 [N, top_k] and their cosine similarities [N, top_k]."""
        return top_items(self.scores(self.predict(text)), self.top_k)

    def loss(self, batch):
        """The hinge loss of the hardest of K sampled tags (the WARP loss of the paper with a fixed number of samples).

        Args:
            batch (dict): text int64 [N, L]; target int64 [N], the tag, 0 for an unknown one, which is ignored.
        """
        texts = self.predict(batch["text"])
        drawn = paddle.randint(1, self.num_tags, [len(texts), self.num_negatives])
        tags = F.normalize(self.tags(paddle.concat([batch["target"].unsqueeze(-1), drawn], axis=1)), axis=-1)
        scores = paddle.matmul(tags, texts.unsqueeze(-1)).squeeze(-1)  # [N, 1 + K]
        target = batch["target"].unsqueeze(-1)
        other = (drawn != target).logical_and(target > 0).astype("float32")
        losses = margin_ranking_loss(scores[:, :1], scores[:, 1:], 1.0, self.margin) * other
        return {"loss_hinge": losses.max(1).mean()}
