"""Cosines of the embeddings of a module, without a model."""

import numpy as np
import pytest

from common.hub.module import Module

VECTORS = {"a": [3.0, 4.0], "b": [0.0, 2.0], "c": [-3.0, -4.0]}


class Given(Module):
    """A module whose embeddings are given."""

    def __init__(self):
        self.card = "given"

    def predict(self, inputs, threshold=None):
        return [[{"embedding": VECTORS[text]}] for text in inputs]

    def methods(self):
        return ["embed", "similarity"]

    @property
    def model(self):
        return type("Model", (), {"task": type("Task", (), {"input": "text", "name": "SentenceEmbedding"})})


def test_similarity_is_the_cosine_of_each_text_with_each_other_one():
    module = Given()
    np.testing.assert_allclose(
        module.similarity(texts=["a", "b"], others=["c", "b", "a"]), [[-1, 0.8, 1], [-0.8, 1, 0.8]]
    )
    np.testing.assert_allclose(module.similarity(data={"text": ["a", "b"]}), [[1, 0.8], [0.8, 1]])
    assert module.embed(texts=["b"])[0][0]["embedding"] == pytest.approx([0, 2])
