"""Nearest neighbor search over item vectors: exact, by brute force or with faiss.

Shapes in this file:
    V items (row 0 is the unknown item), D features of a vector, N queries, K results.
"""

from pathlib import Path

import numpy as np

from common.errors import ConfigError, DataError, EnvironmentProblem
from common.weights.safetensors import decode_arrays, encode_arrays

BLOCK = 256  # queries per matrix product


class ItemIndex:
    """An index of item vectors with the inner product as the similarity.

    Args:
        vectors (ndarray): float32 [V, D].
        engine (str): `brute` or `faiss` (an exact flat index).

    Raises:
        EnvironmentProblem: faiss is not installed.
    """

    def __init__(self, vectors, engine="brute"):
        if engine not in ("brute", "faiss"):
            raise ConfigError(f"engine is '{engine}'; it must be brute or faiss")
        self.vectors = np.ascontiguousarray(vectors, "float32")
        self.flat = None
        if engine == "faiss":
            try:
                import faiss
            except ImportError:
                raise EnvironmentProblem(
                    "the engine faiss needs the package faiss-cpu: pip install faiss-cpu"
                ) from None
            self.flat = faiss.IndexFlatIP(self.vectors.shape[1])
            self.flat.add(self.vectors[1:])

    def search(self, queries, count):
        """The top items int64 [N, K], best first, and their scores [N, K], for queries float32 [N, D]."""
        count = min(count, len(self.vectors) - 1)
        queries = np.ascontiguousarray(queries, "float32")
        if self.flat is not None:
            scores, items = self.flat.search(queries, count)
            return items + 1, scores
        found = [nearest(queries[k : k + BLOCK], self.vectors[1:], count) for k in range(0, len(queries), BLOCK)]
        return tuple(np.concatenate(part) for part in zip(*found)) if found else (np.zeros((0, count), np.int64),) * 2

    def save(self, path):
        """Writes the vectors to a file."""
        Path(path).write_bytes(b"".join(encode_arrays({"vectors": self.vectors})))

    @classmethod
    def load(cls, path, engine="brute"):
        """Reads the index of a file written by `save`; raises DataError for any other."""
        try:
            return cls(decode_arrays(Path(path).read_bytes())["vectors"], engine)
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"error[D112] {path}: not an item index ({error})") from None


def nearest(queries, vectors, count):
    """(ids from 1, scores) of the `count` rows of vectors with the largest inner products, best first."""
    scores = queries @ vectors.T
    part = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(scores, part, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(part, order, 1) + 1, np.take_along_axis(values, order, 1)
