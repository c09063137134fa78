"""Cosines of the embeddings of a module, without a model."""

from types import SimpleNamespace

import numpy as np
import pytest

from common.errors import ConfigError, DataError
from common.hub.module import Module
from common.inference.given import as_sample

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


def test_other_texts_are_a_list_of_them_not_the_letters_of_one():
    with pytest.raises(ConfigError, match="others="):
        Given().similarity(texts=["a"], others="bc")


@pytest.mark.parametrize("given", [None, 1, b"a", ["a"]])
def test_a_text_is_a_str(given):
    with pytest.raises(DataError, match="a text is a str"):
        as_sample(SimpleNamespace(input="text"), given)


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((3, 4, 4), np.uint8)])
def test_an_image_in_memory_is_rgb_of_8_bits(array):
    with pytest.raises(DataError, match="uint8"):
        as_sample(SimpleNamespace(input="image", sequential=False), array)
