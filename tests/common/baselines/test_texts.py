"""Baselines of texts and tags."""

import numpy as np

from common.baselines.baseline import MajorityClass
from common.baselines.texts import FrequentTag, MajorityTag, TfidfRegression


def fitted(baseline, *batches):
    for batch in batches:
        baseline.see(batch)
    baseline.fit()
    return baseline


def test_the_majority_class_scores_the_shares_of_the_classes():
    baseline = fitted(MajorityClass(3), {"label": np.array([0, 2])}, {"label": np.array([2, 2])})
    np.testing.assert_allclose(baseline.predict({"label": np.zeros(2)})["scores"], [[0.25, 0, 0.75]] * 2)
    clicks = fitted(MajorityClass(None), {"label": np.array([0.0, 1, 1, 1], "float32")})
    np.testing.assert_allclose(clicks.predict({"label": np.zeros(2)})["probability"], [0.75] * 2)


def test_several_labels_of_a_sample_have_a_share_each():
    baseline = fitted(MajorityClass(2), {"label": np.array([[1.0, 1.0], [1.0, 0.0]])})
    np.testing.assert_allclose(baseline.predict({"label": np.zeros((1, 2))})["scores"], [[1.0, 0.5]])


def test_a_class_without_a_training_text_scores_nothing():
    texts = ["good food", "good wine", "bad food", "bad wine"]
    baseline = fitted(TfidfRegression(3), {"text_a": texts, "label": np.array([0, 0, 2, 2])})
    scores = baseline.predict({"text_a": ["good soup", "bad soup"], "label": np.zeros(2)})["scores"]
    assert scores.argmax(1).tolist() == [0, 2] and (scores[:, 1] == 0).all()


def test_texts_without_spaces_are_told_apart_by_their_characters():
    batch = {"text_a": ["很好吃", "好吃的", "不新鲜", "新鲜吗"], "label": np.array([0, 0, 1, 1])}
    scores = fitted(TfidfRegression(2), batch).predict({"text_a": ["真好吃", "最新鲜"], "label": np.zeros(2)})["scores"]
    assert scores.argmax(1).tolist() == [0, 1]


def test_pairs_are_compared_by_their_products():
    words = ["red", "blue", "green", "black"]
    pairs = [(a, b) for a in words for b in words] * 3
    batch = {"text_a": [a for a, _ in pairs], "text_b": [b for _, b in pairs]}
    batch["label"] = np.array([int(a == b) for a, b in pairs])
    scores = fitted(TfidfRegression(2), batch).predict(batch)["scores"]
    assert (scores.argmax(1) == batch["label"]).all()


def test_one_class_alone_needs_no_regression():
    baseline = fitted(TfidfRegression(2), {"text_a": ["a", "b"], "label": np.array([1, 1])})
    assert baseline.predict({"text_a": ["c"], "label": np.zeros(1)})["scores"].tolist() == [[0, 1]]


def test_tokens_get_their_most_frequent_tag_and_unseen_ones_that_of_all():
    batch = {"input_ids": np.array([[3, 4, 3], [4, 4, 0]]), "tags": np.array([[1, 2, 1], [2, 0, -1]])}
    ids = np.array([[4, 3, 9]])
    assert fitted(FrequentTag(), batch).predict({"input_ids": ids})["tags"].tolist() == [[2, 1, 1]]
    assert fitted(MajorityTag(), batch).predict({"input_ids": ids})["tags"].tolist() == [[1, 1, 1]]
