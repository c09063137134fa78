"""Distributed Representations of Words and Phrases (https://arxiv.org/abs/1310.4546; CBOW: arxiv.org/abs/1301.3781).

Shapes in this file:
    P words that are learned, W words they are predicted from (-1 for padding), K negative words, V words, D numbers.
"""

import math

import paddle
from paddle.nn import functional as F

from ..embeddings.sparse_table import SparseEmbedding, pooled
from ..losses.ranking_losses import nce_loss, negative_sampling_loss
from .matcher import Matcher


class Word2Vec(Matcher):
    """Skip-gram and CBOW: the data say which; one word is a window of one.

    In use, three words a, b, c ask for the word that is to c as b is to a; one word asks for words like it.

    Args:
        num_items (int): V, with the row of unknown words.
        width (int): D.
        loss (str): `negative_sampling` (section 2.2) or `nce` (section 2.2, its first paragraph).
        keep (int): words that are answered.
    """

    def __init__(self, num_items, width=300, loss="negative_sampling", keep=20):
        super().__init__(keep)
        if loss not in ("negative_sampling", "nce"):
            raise ValueError(f"Word2Vec got loss='{loss}'; it must be negative_sampling or nce")
        self.num_items, self.loss_kind = num_items, loss
        self.items = SparseEmbedding(num_items, width, deviation=1 / (2 * width))
        self.out = SparseEmbedding(num_items, width, deviation=0.0)
        self.bias = SparseEmbedding(num_items, 1, deviation=0.0)

    def item_vectors(self):
        """Unit vectors [V, D] of all words."""
        return F.normalize(self.items.table.weight, axis=-1)

    def predict(self, items):
        """The vectors [N, D] of words int64 [N, 1], or of analogies [N, 3]: unit vectors of b - a + c."""
        vectors = F.normalize(self.items(items), axis=-1)
        if items.shape[1] == 3:
            return F.normalize(vectors[:, 1] - vectors[:, 0] + vectors[:, 2], axis=-1)
        return F.normalize(pooled(vectors, items >= 0), axis=-1)

    def scores(self, queries):
        """Cosines [N, V]."""
        return paddle.matmul(queries, self.item_vectors(), transpose_y=True)

    def loss(self, batch):
        """The loss named in the constructor.

        Args:
            batch (dict): items int64 [P, W]; target int64 [P]; negatives int64 [P, K]; of NCE, log_noise float32
                [P, 1 + K], the logarithm of the probability with which target and negatives are drawn.
        """
        present = batch["items"] >= 0
        count = present.astype("float32").sum(1, keepdim=True).clip(min=1.0)
        hidden = pooled(self.items(batch["items"]), present) / count  # [P, D]
        words = paddle.concat([batch["target"].unsqueeze(-1), batch["negatives"]], axis=1)  # [P, 1 + K]
        scores = paddle.matmul(self.out(words), hidden.unsqueeze(-1)).squeeze(-1) + self.bias(words).squeeze(-1)
        if self.loss_kind == "negative_sampling":
            return {"loss_negative_sampling": negative_sampling_loss(scores[:, 0], scores[:, 1:])}
        noise = batch["log_noise"] + math.log(batch["negatives"].shape[1])
        return {"loss_nce": nce_loss(scores[:, 0], scores[:, 1:], noise[:, 0], noise[:, 1:])}
