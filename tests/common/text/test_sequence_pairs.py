"""Texts and their targets as numbers, and the texts that numbers mean."""

import pickle

import numpy as np
import pytest

from common.errors import BadSample, DataError
from common.inference.tasks.text_to_text import TextToText
from common.text.sequence_pairs import SubwordPairs, WordPairs

sentencepiece = pytest.importorskip("sentencepiece", reason="SentencePiece needs pip install sentencepiece")
TEXTS = ["a man in a hat", "ein mann mit hut", "zwei hunde, im schnee!"]


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """A model of byte pairs, as tools/make_subwords.py makes it."""
    from PaddleNLP.tools.make_subwords import parser, write

    folder = tmp_path_factory.mktemp("pieces")
    (folder / "texts.txt").write_text("\n".join(TEXTS * 20) + "\n", encoding="utf-8")
    write(parser().parse_args([str(folder / "texts.txt"), "--size", "40", "--out", str(folder / "small.model")]))
    return str(folder / "small.model")


@pytest.fixture
def words(tmp_path):
    (tmp_path / "en.txt").write_text("<unk>\n<s>\n</s>\na\nman\n", encoding="utf-8")
    (tmp_path / "de.txt").write_text("<unk>\n<s>\n</s>\nein\nmann\nhut\n", encoding="utf-8")
    return [str(tmp_path / name) for name in ("en.txt", "de.txt")]


def test_subwords_end_and_are_written_back(pieces):
    transform, task = SubwordPairs(pieces), TextToText(model=pieces)
    assert (transform.vocab_size, transform.ends["target"], transform.vocabulary.need("<s>")) == (40, 1, [0])
    sample = transform({"text_a": TEXTS[0], "target": TEXTS[2]}, None)
    assert sample["length"] == len(sample["input_ids"]) and sample["target_ids"][-1] == 1
    for name, text in (("input_ids", TEXTS[0]), ("target_ids", TEXTS[2])):
        assert task.text_of(sample[name]) == text == task.text_of([*sample[name], 3, 4])
    again = pickle.loads(pickle.dumps(transform))  # what a worker process is given
    assert again({"text_a": TEXTS[1]}, None)["input_ids"].tolist() == [*transform.encode("text_a", TEXTS[1]), 1]
    assert task.text_of(transform({"text_a": "a 鸟"}, None)["input_ids"]) == "a \u2047"


def test_words_have_the_numbers_of_their_own_vocabulary(words):
    transform, task = WordPairs(*words, lowercase=True), TextToText(vocab=words[1])
    sample = transform({"text_a": "A man runs", "target": "ein  Hut"}, None)
    assert sample["input_ids"].tolist() == [3, 4, 0, 2] and sample["target_ids"].tolist() == [3, 5, 2]
    assert sample["coverage"] == {"text_a": (3, 1, 0), "target": (2, 0, 0)}
    assert task.text_of(sample["target_ids"]) == "ein hut" and task.text_of(np.array([2, 3])) == ""
    letters = WordPairs(words[0], characters=True)({"text_a": "a 鸟 a"}, None)
    assert letters["input_ids"].tolist() == [3, 0, 3, 2]


def test_a_long_text_is_cut_before_its_end_and_a_pair_of_texts_refused(words, caplog):
    transform = WordPairs(*words, max_length=3)
    for _ in range(2):
        sample = transform({"text_a": "a man a man", "target": "ein"}, None)
    assert sample["input_ids"].tolist() == [3, 4, 2] and sample["coverage"]["text_a"] == (4, 0, 2)
    assert caplog.text.count("truncated") == 1
    with pytest.raises(BadSample, match="text_b"):
        transform({"text_a": "a", "text_b": "man"}, None)
    with pytest.raises(DataError, match="has no </e>"):
        WordPairs(*words, end="</e>")
    with pytest.raises(ValueError, match="give one of them"):
        TextToText()


def test_the_best_text_is_the_line_and_missing_ones_are_left_out(words):
    outputs = {"ids": np.array([[[3, 5, 2], [4, 2, 2]]]), "lengths": np.array([[3, 0]]), "scores": [[-0.25, -np.inf]]}
    task = TextToText(vocab=words[1], joiner="")
    (records,) = task.records(outputs, (), None, 0.0)
    assert records == [{"text": "einhut", "score": -0.25}] and task.line({}, records) == "einhut"
