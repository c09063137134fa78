"""Baselines of session-based recommendation."""

import numpy as np
from scipy import sparse

from common.baselines.items import ItemKNN, ItemPopularity, append_target, similarities


def test_popular_items_are_the_most_clicked():
    baseline = ItemPopularity(6, top_k=3)
    baseline.add(np.array([[1, 2, 2], [3, 2, -1], [3, 0, -1]]))
    assert baseline.recommend(np.zeros((2, 1), int)).tolist() == [[2, 3, 1]] * 2


def test_neighbors_are_items_of_the_same_sessions():
    # sessions {1,2}, {1,2}, {1,3}: 1 and 2 share two of 3 and 2 sessions, 1 and 3 one of 3 and 1
    baseline = ItemKNN(5, top_k=2, regularization=0.0)
    baseline.add(np.array([[1, 2, 1], [2, 1, -1]]))
    baseline.add(np.array([[3, 1]]))
    found = baseline.similar if baseline.similar is not None else similarities_of(baseline)
    np.testing.assert_allclose(found.toarray()[1, [2, 3]], [2 / 6**0.5, 1 / 3**0.5])
    assert baseline.recommend(np.array([[4, 1], [2, -1], [4, -1]])).tolist() == [[2, 3], [1, 0], [0, 0]]


def similarities_of(baseline):
    return similarities(sparse.vstack(baseline.blocks, format="csr"))


def test_a_batch_is_seen_with_its_targets():
    whole = append_target(np.array([[1, 2, -1], [3, -1, -1]]), np.array([4, 5]))
    assert whole.tolist() == [[1, 2, 4, -1], [3, 5, -1, -1]]
    baseline = ItemPopularity(6, top_k=1)
    baseline.see({"items": np.array([[1, 5], [2, -1]]), "target": np.array([5, 5])})
    assert baseline.predict({"items": np.array([[1]])})["items"].tolist() == [[5]]
