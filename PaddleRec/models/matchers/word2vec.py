"""word2vec: skip-gram (https://arxiv.org/abs/1310.4546) and CBOW (https://arxiv.org/abs/1301.3781).

Shapes in this file:
    P training pairs, W context words (-1 for padding), K negative samples, V words, D features of an embedding.
"""

import math

import paddle
from paddle.nn import functional as F

from common.layers.masks import masked_sum

from ..embeddings.sparse_table import SparseEmbedding
from ..losses.ranking_losses import nce_loss, negative_sampling_loss
from .matcher import Matcher


class Word2Vec(Matcher):
    """Skip-gram or CBOW, depending on the dataset; skip-gram is a context of one word.

    At inference, one word retrieves similar words; three words a, b, c solve the analogy a : b = c : ?.

    Args:
        num_items (int): V, including the unknown word.
        width (int): D.
        loss (str): `negative_sampling` (section 2.2) or `nce` (section 2.2, its first paragraph).
        top_k (int): number of predicted words.
    """

    def __init__(self, num_items, width=300, loss="negative_sampling", top_k=20):
        super().__init__(top_k)
        if loss not in ("negative_sampling", "nce"):
            raise ValueError(f"Word2Vec got loss='{loss}'; it must be negative_sampling or nce")
        self.num_items, self.loss_name = num_items, loss
        self.items = SparseEmbedding(num_items, width, std=1 / (2 * width))
        self.out = SparseEmbedding(num_items, width, std=0.0)
        self.bias = SparseEmbedding(num_items, 1, std=0.0)

    def item_vectors(self):
        """Unit vectors [V, D] of all words."""
        return F.normalize(self.items.table.weight, axis=-1)

    def predict(self, items):
        """The query vectors [N, D] of words int64 [N, 1], or of analogies [N, 3], the unit vectors of b - a + c."""
        vectors = F.normalize(self.items(items), axis=-1)
        if items.shape[1] == 3:
            return F.normalize(vectors[:, 1] - vectors[:, 0] + vectors[:, 2], axis=-1)
        return F.normalize(masked_sum(vectors, items >= 0), axis=-1)

    def scores(self, queries):
        """Cosine similarities [N, V]."""
        return paddle.matmul(queries, self.item_vectors(), transpose_y=True)

    def loss(self, batch):
        """The loss of negative sampling or NCE.

        Args:
            batch (dict): items int64 [P, W]; target int64 [P]; negatives int64 [P, K]; for NCE also log_noise float32
                [P, 1 + K], the log probability of target and negatives under the noise distribution.
        """
        present = batch["items"] >= 0
        count = present.astype("float32").sum(1, keepdim=True).clip(min=1.0)
        hidden = masked_sum(self.items(batch["items"]), present) / count  # [P, D]
        words = paddle.concat([batch["target"].unsqueeze(-1), batch["negatives"]], axis=1)  # [P, 1 + K]
        scores = paddle.matmul(self.out(words), hidden.unsqueeze(-1)).squeeze(-1) + self.bias(words).squeeze(-1)
        if self.loss_name == "negative_sampling":
            return {"loss_negative_sampling": negative_sampling_loss(scores[:, 0], scores[:, 1:])}
        noise = batch["log_noise"] + math.log(batch["negatives"].shape[1])
        return {"loss_nce": nce_loss(scores[:, 0], scores[:, 1:], noise[:, 0], noise[:, 1:])}
