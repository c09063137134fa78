"""Similarities of words beside ratings: by hand, what is unknown, and files that are refused."""

import numpy as np
import paddle
import pytest

from common.errors import DataError
from common.table.items import ItemIds
from PaddleRec.metrics.word_similarity import WordSimilarity
from PaddleRec.models.matchers.word2vec import Word2Vec


@pytest.fixture
def words(tmp_path):
    file = tmp_path / "words.items"
    ItemIds(file, ["text"], 4).fit([{"text": np.array([[b"a", b"a", b"a"], [b"b", b"b", b"c"]])}])
    return str(file)


def write(folder, text):
    (folder / "pairs.tsv").write_text(text)
    return str(folder / "pairs.tsv")


def test_the_order_of_similarities_is_compared_with_that_of_ratings(words, tmp_path):
    metric = WordSimilarity(write(tmp_path, "a\tB\t9\na\tc\t1\nb\tc\t3\na\tx\t5\n"), words)
    model = Word2Vec(4, 2)
    vectors = np.array([[0, 0], [1, 0], [0.9, 0.1], [-1, 0.5]], np.float32)
    model.items.table.weight.set_value(paddle.to_tensor(vectors))
    metric.update(model, {})
    assert metric.compute() == {"spearman": pytest.approx(1), "known": 0.75}
    model.items.table.weight.set_value(paddle.to_tensor(vectors[[0, 1, 3, 2]]))
    metric.reset()
    metric.update(model, {})
    assert metric.compute()["spearman"] == pytest.approx(-1)
    other = WordSimilarity(tmp_path / "pairs.tsv", words)
    other.merge([other.state(), metric.state()])
    assert other.compute() == metric.compute()


def test_other_files_are_refused_with_their_line(words, tmp_path):
    for text in ("a\tb\t1\na\tb\n", "a\tb\t1\na\tb\tmuch\n", "a\tb\t1\na\tb\tnan\n"):
        with pytest.raises(DataError, match="line 2"):
            WordSimilarity(write(tmp_path, text), words)
    with pytest.raises(DataError, match="1 of 2 pairs have two words"):
        WordSimilarity(write(tmp_path, "a\tb\t1\na\tx\t1\n"), words)
