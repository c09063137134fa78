"""Byte pairs: tokens of a small tokenizer.json to texts and back, and files of another kind."""

import json

import numpy as np
import pytest

from common.errors import BadSample, DataError
from common.text.byte_pairs import BytePairIds, BytePairs, byte_letters

SPACE, LETTERS = "\u0120", {byte: letter for letter, byte in byte_letters().items()}


@pytest.fixture
def path(tmp_path):
    tokens = ["a", "b", SPACE, SPACE + "a", *(LETTERS[byte] for byte in "é€".encode()), "<|end|>"]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "vocab": {token: k for k, token in enumerate(tokens)}, "merges": [f"{SPACE} a"]}
    special = {"id": 9, "content": "<|end|>", "special": True, "normalized": False}
    special |= {"single_word": False, "lstrip": False, "rstrip": False}
    content = {"version": "1.0", "added_tokens": [special], "pre_tokenizer": level, "decoder": level, "model": model}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    return str(tmp_path / "tokenizer.json")


def test_every_byte_has_one_letter():
    assert sorted(byte_letters().values()) == list(range(256)) and byte_letters()[SPACE] == 32


def test_tokens_are_bytes_of_a_text(path):
    pairs = BytePairs(path)
    assert pairs.encode(" ab é") == [3, 1, 2, 4, 5] and len(pairs) == 9
    assert pairs.decode([3, 1, 2, 4, 5, 9, 77]) == " ab é"
    assert pairs.decode([4]) == "\ufffd"  # half a character


def test_a_transcript_becomes_labels(path):
    found = BytePairIds(path)({"text": "ab a"}, None)
    assert found["labels"].tolist() == [3, 1, 3] and found["labels"].dtype == np.int32 and found["label_length"] == 3
    assert BytePairIds(path)({"x": 1}, None) == {"x": 1}
    with pytest.raises(BadSample, match=r"D147.*not in the vocabulary"):
        BytePairIds(path)({"text": "az"}, None)
    with pytest.raises(BadSample, match=r"D145.*3 tokens, the maximum is 2"):
        BytePairIds(path, max_length=2)({"text": "ab a"}, None)
    with pytest.raises(ValueError, match="at least 1"):
        BytePairIds(path, max_length=0)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model": {"vocab": 3}}', '{"model": {"vocab": {"a": "x"}}}',
                                     '{"model": {"vocab": {}}}', '{"model": {"vocab": {"a": -1}}}',
                                     '{"added_tokens": [1], "model": {"vocab": {"a": 0}}}'])  # fmt: skip
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path, content):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(DataError, match=r"(?s)D122.*t\.json"):
        BytePairs(str(tmp_path / "t.json"))
