"""Item indexes by brute force and faiss."""

import json

import numpy as np
import pytest

from common.errors import ConfigError, DataError
from PaddleRec.models.matchers.item_index import ItemIndex
from PaddleRec.tools.retrieve import respond

RNG = np.random.default_rng(0)
VECTORS, QUERIES = RNG.normal(size=(500, 8)).astype("float32"), RNG.normal(size=(300, 8)).astype("float32")


def test_brute_force_finds_the_top_items_except_the_unknown_one():
    items, scores = ItemIndex(VECTORS).search(QUERIES, 7)
    expected = np.argsort(-(QUERIES @ VECTORS[1:].T), axis=1)[:, :7] + 1
    np.testing.assert_array_equal(items, expected)
    np.testing.assert_allclose(scores, np.take_along_axis(QUERIES @ VECTORS.T, expected, 1), rtol=1e-5)
    assert ItemIndex(VECTORS[:4]).search(QUERIES[:1], 50)[0].shape == (1, 3)


def test_faiss_finds_the_same():
    pytest.importorskip("faiss")
    for one, other in zip(ItemIndex(VECTORS).search(QUERIES, 5), ItemIndex(VECTORS, "faiss").search(QUERIES, 5)):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_an_index_is_saved_and_loaded(tmp_path):
    ItemIndex(VECTORS).save(tmp_path / "items.index")
    again = ItemIndex.load(tmp_path / "items.index")
    np.testing.assert_array_equal(again.vectors, VECTORS)
    (tmp_path / "other").write_text("nothing")
    with pytest.raises(DataError, match="other: not an item index"):
        ItemIndex.load(tmp_path / "other")
    with pytest.raises(ConfigError, match="brute or faiss"):
        ItemIndex(VECTORS, "annoy")


def test_queries_that_cannot_be_read_are_named_and_the_others_are_answered(capsys, caplog):
    lines = [b"1 2\n", b"\xff 3\n", b"\n", "北京\n".encode()]
    assert respond(lines, lambda words: [{"item": word} for word in words]) == 2
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["query"] for row in found] == ["1 2", "北京"] and found[0]["items"] == [{"item": "1"}, {"item": "2"}]
    said = [record.getMessage() for record in caplog.records]
    assert said[0].startswith("error[D131] the queries: line 2: byte 1, 0xff is not valid utf-8")
    assert said[1] == "error[D126] the queries: line 3: there is no item"
