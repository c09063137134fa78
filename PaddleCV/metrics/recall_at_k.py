"""Recall@k of image retrieval, over a whole gallery.

Shapes in this file:
    N images of a batch, I images of the evaluation data, E numbers of an embedding.
"""

import numpy as np

from common.inference.nearest import BLOCK, blocks_of_similarity, unit_rows
from common.log import logger

from ..data.retrieval_set import BOTH, GALLERY, QUERY

NEVER = np.iinfo(np.int64).max  # rank of a class that is not found


class RecallAtK:
    """The share of queries with an image of their class among the k most similar ones by cosine.

    Queries and gallery are those of the data (RetrievalSet); of other data each image searches among all the others.
    Of equally similar images the one that comes first in the data is nearer, so that a model that maps all images to
    one point has the score of chance.  A query whose class no other image has is left out.

    Args:
        at (list[int]): values of k.
        block (int): similarities that are computed at a time; the result does not depend on it.
    """

    def __init__(self, at=(1, 2, 4, 8), block=BLOCK):
        if not at or any(k < 1 for k in at) or block < 1:
            raise ValueError(f"RecallAtK has at {list(at)}, block {block}; allowed: numbers of 1 or more")
        self.at, self.block, self.primary = list(at), block, f"recall{at[0]}"
        self.reset()

    def reset(self):
        """Forgets all embeddings."""
        self.parts = {"embedding": [], "label": [], "role": []}

    def update(self, outputs, batch):
        """Adds a batch.

        Args:
            outputs (dict): `embedding` float32 [N, E].
            batch (dict): `label` int64 [N]; `role` int64 [N], see RetrievalSet, or no role.
        """
        label = np.asarray(batch["label"])
        self.parts["embedding"].append(unit_rows(outputs["embedding"]))
        self.parts["label"].append(label)
        self.parts["role"].append(np.asarray(batch.get("role", np.full(len(label), BOTH)), np.int64))

    def state(self):
        """The embeddings [I, E], labels [I] and roles [I] of this process."""
        empty = {
            "embedding": np.zeros((0, 0), np.float32),
            "label": np.zeros(0, np.int64),
            "role": np.zeros(0, np.int64),
        }
        return {name: np.concatenate(parts) if parts else empty[name] for name, parts in self.parts.items()}

    def merge(self, states):
        """Takes the images of all processes, in the order of the data."""
        states = [state for state in states if len(state["label"])]
        self.parts = {name: [state[name] for state in states] for name in self.parts}

    def compute(self):
        """{"recall1": ..., for each k}; 0 where no query has an image to find."""
        state = self.state()
        ranks = ranks_of_first_hit(state["embedding"], state["label"], state["role"], self.block)
        valid = ranks[ranks > 0]
        if left := np.count_nonzero(state["role"] != GALLERY) - len(valid):
            logger.warning("%d queries have no image of their class to find, and are left out of the scores", left)
        return {f"recall{k}": float((valid <= k).mean()) if len(valid) else 0.0 for k in self.at}


def ranks_of_first_hit(embedding, label, role, block=BLOCK):
    """The rank, from 1, of the first image of the right class in each query's order of the gallery.

    A query whose embedding is not finite never finds its class; as part of the gallery it is the last for all others.

    Args:
        embedding (ndarray): float32 [I, E], of length 1.
        label (ndarray): int64 [I].
        role (ndarray): int64 [I], see RetrievalSet.
        block (int): similarities at a time.

    Returns:
        ndarray: int64 [queries], in the order of the data; 0 where the gallery lacks the class.
    """
    queries, gallery = np.flatnonzero(role != GALLERY), np.flatnonzero(role != QUERY)
    ranks = np.zeros(len(queries), np.int64)
    finite = np.isfinite(embedding).all(1)
    if not finite.all():
        logger.warning("%d images count as wrong: their embedding is not finite", np.count_nonzero(~finite))
        embedding = np.where(finite[:, None], embedding, 0)
    places = np.arange(len(gallery))
    for rows, similarity in blocks_of_similarity(embedding[queries], embedding[gallery], block):
        own = queries[rows, None] == gallery[None]  # an image does not find itself
        right = (label[queries[rows], None] == label[gallery][None]) & ~own
        similarity[:, ~finite[gallery]] = -2  # below all cosines
        best = np.where(right, similarity, -np.inf).max(1, initial=-np.inf)
        place = np.where(right & (similarity == best[:, None]), places, len(gallery)).min(1, initial=len(gallery))
        nearer = (similarity > best[:, None]) | ((similarity == best[:, None]) & (places < place[:, None]))
        rank = 1 + (nearer & ~own).sum(1)
        ranks[rows] = np.where(right.any(1), np.where(finite[queries[rows]], rank, NEVER), 0)
    return ranks
