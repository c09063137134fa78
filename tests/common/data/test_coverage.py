"""Unknown and cut tokens are counted by field wherever texts are read."""

import logging

import numpy as np
import pytest

from common.data.coverage import Coverage, is_truncated
from common.data.issues import find_refused_samples
from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import EpochSampler
from common.text.characters import CharacterIds
from common.text.split import PadText, SplitWords, TokenIds
from common.text.windows import QuestionWindows
from common.text.wordpiece import WordPiece


class Rows:
    source = "rows.tsv"

    def __init__(self, *texts):
        self.texts = texts

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, index):
        return {"text_a": self.texts[index], "path": self.source}


@pytest.fixture
def vocab(tmp_path):
    (tmp_path / "v.txt").write_text("[UNK]\n[CLS]\n[SEP]\nthe\ncat\n", encoding="utf-8")
    return str(tmp_path / "v.txt")


def words(vocab, most=0):
    return [SplitWords(), TokenIds(vocab, max_length=most), PadText()]


def test_every_tokenizer_counts_by_field(vocab, tmp_path):
    sample = TokenIds(vocab, max_length=2)(SplitWords()({"text_a": "the dog ran on"}, None), None)
    assert sample["coverage"] == {"text_a": (4, 1, 2)} and is_truncated(sample)
    sample = WordPiece(vocab, max_length=6)({"text_a": "the cat the dog", "text_b": "dog"}, None)
    assert sample["coverage"] == {"text_a": (4, 0, 2), "text_b": (1, 1, 0)}
    sample = WordPiece(vocab, max_length=4)({"tokens": ["dog", "cat", "the"]}, None)
    assert sample["coverage"] == {"text_a": (3, 1, 1)}
    windows = QuestionWindows(vocab, max_length=8, stride=2, max_query=1)
    sample = windows({"question": "the dog", "context": "cat dog"}, None)
    assert sample["coverage"] == {"question": (2, 0, 1), "context": (2, 1, 0)}
    (tmp_path / "c.txt").write_text("?\na\n")
    assert CharacterIds(str(tmp_path / "c.txt"), "?")({"text": "abca"}, None)["coverage"] == {"text": (4, 2, 0)}


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_ends_with_one_line_and_only_the_first_one(vocab, workers, caplog):
    data = Rows("the cat", "the dog ran", "the cat the")
    with (
        Loader(data, Pipeline(words(vocab, 2)), EpochSampler(3, 2, drop_last=False), workers) as loader,
        caplog.at_level(logging.INFO),
    ):
        batches = [batch for epoch in (0, 1) for batch in loader.epoch(epoch)]
    lines = [record for record in caplog.records if "unknown" in record.message]
    assert [(line.levelname, line.message) for line in lines] == [
        ("WARNING", "rows.tsv: text_a: 3 texts, 8 tokens, 16.7% unknown, 2 cut by 2 tokens")
    ]
    assert "coverage" not in batches[0]


def test_check_names_the_numbers(vocab):
    found = find_refused_samples(Rows("the cat", "dog ran"), Pipeline(words(vocab)))
    assert [(issue.code, issue.message) for issue in found] == [
        ("D155", "text_a: 2 of 4 tokens (50%) are not in the vocabulary")
    ]
    found = find_refused_samples(Rows("the cat", "the cat the"), Pipeline(words(vocab, 2)))
    assert [(issue.code, issue.message) for issue in found] == [
        ("D156", "text_a: 1 of 2 texts is cut, by 1 of 5 tokens (20%)")
    ]
    assert find_refused_samples(Rows("the cat", "cat the"), Pipeline(words(vocab))) == []


def test_little_is_no_warning():
    counts = Coverage("x")
    counts.add([{"text_a": (10, 1, 0)}] * 99 + [{"text_a": (10, 1, 5)}])
    assert counts.issues() == []
    counts.add([{"text_a": (10, 1, 5)}])
    assert [issue.code for issue in counts.issues()] == ["D156"]
    assert np.array(counts.fields["text_a"]).tolist() == [101, 1010, 101, 2, 10]
