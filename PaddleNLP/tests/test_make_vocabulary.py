"""The vocabulary tool: it counts the texts of every file format of the kit, and nothing else."""

import json

import pytest

from common.errors import ConfigError, DataError
from PaddleNLP.tools.make_vocabulary import texts_of, vocabulary

QUESTION = {"id": "TRAIN_186_QUERY_0", "question": "谁?", "answers": [{"text": "甲", "answer_start": 3}]}
FLAT = {"context_id": "C7", "context_text": "甲乙", "qas": [{"query_id": "Q8", "query_text": "谁?", "answers": ["甲"]}]}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "tree", [{"version": "v1.0", "data": [{"paragraphs": [{"context": "甲乙", "qas": [QUESTION]}]}]}, [FLAT]]
)
def test_of_questions_the_texts_are_counted_and_not_the_ids(tmp_path, tree, indent):
    file = tmp_path / "a.json"
    file.write_text(json.dumps(tree, indent=indent), encoding="utf-8")
    assert list(texts_of(str(file), None)) == ["甲乙", "谁?"]


def test_lines_of_json_and_columns_are_read(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text_a": "x", "label": "no"}\n{"text_a": "y", "text_b": "z", "label": 1}\n')
    assert list(texts_of(str(tmp_path / "a.jsonl"), None)) == ["x", "y", "z"]
    (tmp_path / "a.tsv").write_text("label\ttext_a\n1\ta\x02b\n")
    assert texts_of(str(tmp_path / "a.tsv"), None) == ["ab"]


def test_a_file_that_holds_no_texts_is_refused(tmp_path):
    for name, words in (("a.tsv", "no column is named"), ("a.json", "not JSON"), ("b.json", "not JSON")):
        (tmp_path / name).write_text("{" if name == "b.json" else "")
        with pytest.raises((ConfigError, DataError), match=words):
            list(texts_of(str(tmp_path / name), None))


def test_subwords_include_every_letter_so_that_no_word_is_unknown():
    found = vocabulary(["ab ab c"], "subwords", 2)
    assert found[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] and found[5] == "ab"
    assert {"a", "b", "##a", "##b"} <= set(found)
