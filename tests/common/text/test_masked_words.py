"""Segments, pieces with their words, and hidden pieces."""

import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import BadSample, DataError
from common.text.masked_words import DrawNextSegment, HidePieces, SpannedPieces, choose, units_of, words_of

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "new", "york", "is", "big", "ci", "##ty", "北", "京", "大"]
MASK = 4


@pytest.fixture
def vocab(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return str(tmp_path / "vocab.txt")


def sample(document, *sentences):
    return {"sentences": list(sentences), "document": document}


def test_the_second_segment_follows_or_is_of_another_document():
    draw = DrawNextSegment()
    others = [sample(0, "x"), sample(1, "one", "two"), sample(2, "three")]
    seen = {0: set(), 1: set()}
    for number in range(200):
        found = draw(sample(0, "a", "b", "c"), random_for(number), others)
        assert "sentences" not in found
        seen[found["unrelated"]].add((found["text_a"], found["text_b"]))
    assert seen[0] == {("a", "b c"), ("a b", "c")}
    assert seen[1] == {("a", "one two"), ("a b", "two")}, "as many words as those that follow"


def test_a_single_sentence_is_never_followed_and_a_text_to_fill_is_left_alone():
    found = DrawNextSegment(follow=1.0)(sample(0, "a"), random_for(0), [sample(0, "x")])
    assert (found["text_a"], found["text_b"], found["unrelated"]) == ("a", "x", 1)
    text = {"text_a": "a [MASK]"}
    assert DrawNextSegment()(text, random_for(0), None) is text


def test_entities_go_with_their_sentences():
    tagged = sample(0, "a b", "c") | {"entities": [[1, 0], [1]]}
    found = DrawNextSegment(follow=1.0)(tagged, random_for(0), [])
    assert (found["text_a"], found["text_b"], found["entities"]) == ("a b", "c", [1, 0, 1])


def test_each_piece_has_the_number_of_its_word(vocab):
    found = SpannedPieces(vocab)({"text_a": "new city", "text_b": "北京 大"}, None)
    assert [PIECES[k] for k in found["input_ids"]] == [
        "[CLS]", "new", "ci", "##ty", "[SEP]", "北", "京", "大", "[SEP]",
    ]  # fmt: skip
    assert found["span_ids"] == [-1, 0, 1, 1, -1, 2, 2, 3, -1]
    assert found["token_type_ids"].tolist() == [0] * 5 + [1] * 4 and found["length"] == 9


def test_a_hidden_word_is_one_piece(vocab):
    pieces = SpannedPieces(vocab)
    text = "New [MASK] is[MASK]"
    ids, offsets = pieces.encode(text)
    assert [PIECES[k] for k in ids] == ["new", "[MASK]", "is", "[MASK]"]
    assert [text[a:b] for a, b in offsets] == ["New", "[MASK]", "is", "[MASK]"]
    assert pieces({"text_a": text}, None)["length"] == 6
    assert pieces({"text_a": ""}, None)["input_ids"].tolist() == [2, 3]
    assert words_of(" a  bc d").tolist() == [0, 0, 0, 0, 1, 1, 1, 2]


def test_a_vocabulary_without_a_mask_is_refused(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES[:4]) + "\n")
    with pytest.raises(DataError, match=r"has no \[MASK\]"):
        SpannedPieces(str(tmp_path / "vocab.txt"))


def test_units_are_pieces_words_or_entities():
    spans = [-1, 0, 1, 1, -1, 2, 2, -1]
    assert units_of(spans, "piece") == [[1], [2], [3], [5], [6]]
    assert units_of(spans, "phrase") == [[1], [2, 3], [5, 6]]
    assert units_of(spans, "entity", [0, 0, 1]) == [[1], [2], [3], [5, 6]]


def test_the_share_of_chosen_places_is_kept_and_a_longer_unit_is_left_out():
    units = [[k] for k in range(100)]
    assert sum(map(len, choose(units, 0.15, random_for(0)))) == 15
    assert choose([[0, 1, 2], [3]], 0.3, random_for(1)) == [[3]]  # one place of four
    assert choose([[0, 1, 2]], 0.15, random_for(0)) == [[0, 1, 2]]  # one at least


def hidden(vocab, seed, **more):
    spans = [-1, *(k // 2 for k in range(4000)), -1]
    ids = np.full(4002, PIECES.index("big"))
    ids[0], ids[-1] = 2, 3
    return HidePieces(vocab, **more)({"input_ids": ids, "span_ids": spans}, random_for(seed))


def test_of_the_chosen_pieces_eight_tenths_are_masked_and_one_is_replaced(vocab):
    found = hidden(vocab, 0)
    chosen = found["targets"] >= 0
    assert chosen.sum() == found["hidden"] == 600 and "span_ids" not in found
    assert set(found["targets"][chosen].tolist()) == {8}
    ids = found["input_ids"][chosen]
    assert (ids == MASK).mean() == pytest.approx(0.8, abs=0.05)
    assert (ids == 8).mean() == pytest.approx(0.1 + 0.1 / 9, abs=0.05)
    assert set(ids.tolist()) == {MASK, *range(5, 14)}, "no other special piece is drawn"
    assert (found["input_ids"][~chosen][1:-1] == 8).all() and found["input_ids"][0] == 2


def test_a_word_is_hidden_as_a_whole(vocab):
    found = hidden(vocab, 1, phrase=1.0, piece=0.0)
    pairs = (found["targets"][1:-1] >= 0).reshape(-1, 2)
    assert (pairs[:, 0] == pairs[:, 1]).all() and pairs.sum() == 600
    masked = (found["input_ids"][1:-1] == MASK).reshape(-1, 2)
    assert (masked[:, 0] == masked[:, 1]).all()


def test_what_is_hidden_follows_from_the_random_numbers_alone(vocab):
    first, again, other = (hidden(vocab, seed)["targets"] for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_entities_of_a_text_without_tags_are_refused(vocab):
    with pytest.raises(BadSample, match="the words of this text have no tags"):
        hidden(vocab, 0, entity=1.0, piece=0.0)
    with pytest.raises(ValueError, match="they are shares"):
        HidePieces(vocab, masked=0.9, replaced=0.2)
    with pytest.raises(ValueError, match="weights of 0 or more"):
        HidePieces(vocab, piece=0.0)
