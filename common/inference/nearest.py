"""Nearest neighbors among embeddings, exactly, in blocks of queries.

Shapes in this file:
    Q queries, G rows of the gallery, E numbers of an embedding, K neighbors.
"""

import numpy as np

BLOCK = 1 << 24  # similarities at a time


def unit_rows(vectors):
    """Rows of length 1, float32; a row of zeros stays.

    Args:
        vectors (ndarray): [N, E].
    """
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def blocks_of_similarity(queries, gallery, block=BLOCK):
    """Inner products of some queries with the whole gallery at a time.

    Args:
        queries (ndarray): float32 [Q, E].
        gallery (ndarray): float32 [G, E].
        block (int): values of a block at most, but at least one query.

    Yields:
        tuple[slice, ndarray]: which queries, and float32 [queries, G].
    """
    step = max(1, block // max(1, len(gallery)))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        yield rows, queries[rows] @ gallery.T


def nearest_rows(queries, gallery, count, block=BLOCK):
    """The most similar rows of a gallery for each query, the best first; of equal ones the earlier row.

    Args:
        queries (ndarray): float32 [Q, E].
        gallery (ndarray): float32 [G, E].
        count (int): K at most; fewer where the gallery is smaller.
        block (int): see :func:`blocks_of_similarity`.

    Returns:
        tuple[ndarray, ndarray]: rows int64 [Q, K] and similarities float32 [Q, K].
    """
    count = min(count, len(gallery))
    rows, values = np.zeros((len(queries), count), np.int64), np.zeros((len(queries), count), np.float32)
    for part, similarity in blocks_of_similarity(queries, gallery, block):
        order = best_columns(similarity, count)
        rows[part], values[part] = order, np.take_along_axis(similarity, order, 1)
    return rows, values


def best_columns(values, count):
    """The columns of the largest values of each row, the largest first, of equal ones the earlier; int64 [Q, K]."""
    if count < values.shape[1]:
        limit = -np.partition(-values, count - 1, axis=1)[:, count - 1 : count]  # the K-th largest of each row
        order = np.empty((len(values), count), np.int64)
        for row, (line, least) in enumerate(zip(values, limit)):
            found = np.flatnonzero(line >= least)
            order[row] = found[np.argsort(-line[found], kind="stable")[:count]]
        return order
    return np.argsort(-values, axis=1, kind="stable")
