"""Datasets of texts: what is read, and invalid files, refused with file, line and the expected format."""

import numpy as np
import pytest

from common.errors import ConfigError, DataError
from PaddleNLP.data.labeled_texts import LabeledTexts
from PaddleNLP.data.numbered_texts import ScoredTexts
from PaddleNLP.data.squad_questions import SquadQuestions
from PaddleNLP.data.tagged_texts import ConllTags, TaggedCharacters


def write(tmp_path, data, name="a.tsv"):
    (tmp_path / name).write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return {"root": str(tmp_path), "file": name}


def labeled(tmp_path, data, name="a.tsv", **more):
    return LabeledTexts(**write(tmp_path, data, name), **more)


def test_columns_in_any_order_marks_and_windows_line_ends_are_read(tmp_path):
    data = labeled(tmp_path, "\ufefflabel\ttext_b\ttext_a\r\n1\tb\ta 😀\u200b\r\n0\t\u05e9\u05dc\tc\r\n")
    assert data.labels == ["0", "1"] and data.lengths() == [5, 3]
    assert data[0] == {"text_a": "a 😀\u200b", "text_b": "b", "label": 1, "path": data.source, "place": "line 2"}


def test_lines_of_json_and_files_without_a_header_are_read(tmp_path):
    data = labeled(
        tmp_path, '{"text_a": "x", "label": 1}\n{"text_a": "y", "label": 10}\n{"text_a": "z", "label": 9}\n', "a.jsonl"
    )
    assert data.labels == ["1", "9", "10"] and [s["label"] for s in data.samples] == [0, 2, 1]
    data = labeled(tmp_path, "x\ty\t1\nv\tw\t0\n", columns=["text_a", "text_b", "label"])
    assert len(data) == 2 and data[1]["text_b"] == "w" and data[1]["label"] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            b"text_a\tlabel\nx\t1\n\xc4\xe3\t0\n",
            ["a.tsv: line 3, byte 1", "not valid utf-8", "encoding: gb18030"],
        ),
        ("text_a\tlabel\nx\t1\ny\n", ["a.tsv: line 3", "1 fields where 2 are expected"]),
        ("text_a\tlabel\nx\ty\tz\n", ["line 2", "3 fields where 2 are expected"]),
        ("text_a\tlabel\n \t1\n", ["line 2", "a text is empty"]),
        ("text_a\tlabel\n", ["holds no sample"]),
        ("text_a\tlabel\nx\t \n", ["line 2", "the label is empty"]),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, words):
    with pytest.raises(DataError) as refusal:
        labeled(tmp_path, text)
    assert [word for word in words if word not in str(refusal.value)] == []


def test_whitespace_around_a_label_is_ignored(tmp_path):
    assert labeled(tmp_path, "text_a\tlabel\nx\t1 \ny\t0\nz\t1\n").labels == ["0", "1"]


@pytest.mark.parametrize("value", ["null", '["x"]', '{"a": 1}'])
@pytest.mark.parametrize("key", ["text_a", "text_b", "label"])
def test_a_json_value_that_is_not_a_string_is_refused(tmp_path, key, value):
    row = {"text_a": '"x"', "text_b": '"y"', "label": "1"} | {key: value}
    line = "{" + ", ".join(f'"{name}": {text}' for name, text in row.items()) + "}\n"
    with pytest.raises(DataError, match=f"{key} is neither a string nor a number") as refusal:
        labeled(tmp_path, line, "a.jsonl")
    assert "a.jsonl: line 1" in str(refusal.value)


def test_a_file_that_is_not_there_and_one_without_its_columns(tmp_path):
    write(tmp_path, "x\ty\n", "train.tsv")
    with pytest.raises(DataError, match=r"no such file; did you mean 'train.tsv'"):
        LabeledTexts(str(tmp_path), "trian.tsv")
    with pytest.raises(ConfigError, match=r"line 1: the columns are 'x', 'y'; a header names text_a, label"):
        LabeledTexts(str(tmp_path), "train.tsv")
    with pytest.raises(ConfigError, match="encoding is 'utf-9'"):
        LabeledTexts(str(tmp_path), "train.tsv", encoding="utf-9")


@pytest.mark.parametrize("reader", [LabeledTexts, ScoredTexts])
@pytest.mark.parametrize("text", ["", "\n", "\t\n"])
def test_a_file_that_is_empty_is_no_mistake_of_the_configuration(tmp_path, reader, text):
    write(tmp_path, text, "train.tsv")
    with pytest.raises(DataError, match=r"(?s)\[D117\] begins with no names of columns.*train.tsv"):
        reader(str(tmp_path), "train.tsv")


def test_another_encoding_can_be_named(tmp_path):
    data = labeled(tmp_path, "text_a\tlabel\n你好\t1\n".encode("gbk"), encoding="gbk")
    assert data[0]["text_a"] == "你好"


def test_an_unknown_label_is_refused_with_the_known_ones_and_the_nearest(tmp_path):
    with pytest.raises(DataError) as refusal:
        labeled(tmp_path, "text_a\tlabel\nx\tpositve\n", labels=["negative", "positive"])
    assert "D109" in str(refusal.value) and "negative, positive; did you mean 'positive'" in str(refusal.value)
    assert "line 2" in str(refusal.value)


def test_bad_lines_can_be_skipped_and_one_label_alone_is_a_warning(tmp_path):
    data = labeled(tmp_path, "text_a\tlabel\nx\t1\n\t1\ny\t1\n", bad_samples="skip")
    assert len(data) == 2 and [issue.code for issue in data.issues] == ["D127"]


def test_control_characters_are_read_as_spaces(tmp_path):
    data = labeled(tmp_path, "text_a\tlabel\na\x00b\x07\t1\nc\t0\n")
    assert data[0]["text_a"] == "a b " and data.issues[0].code == "D125"


def test_characters_and_their_tags_are_read(tmp_path):
    data = TaggedCharacters(**write(tmp_path, "text_a\tlabel\n百\x02度\x02是\tORG-B\x02ORG-I\x02v-B\n"))
    assert data.labels == ["ORG-B", "ORG-I", "v-B"] and data[0]["text_a"] == "百度是"
    np.testing.assert_array_equal(data[0]["tags"], [0, 1, 2])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("text_a\tlabel\n百\x02度\tORG-B\n", ["line 2", "2 tokens but 1 tags"]),
        ("text_a\tlabel\n百\x02\tORG-B\x02ORG-I\n", ["line 2", "a token is empty"]),
        ("text_a\tlabel\n百度\n", ["line 2", "1 fields where 2 are expected"]),
        ("text_a\tlabel\n百度\x02是\tORG-B\x02v-B\n", ["line 2", "more than one character between two separators"]),
    ],
)
def test_bad_rows_of_characters_are_named(tmp_path, text, words):
    with pytest.raises(DataError) as refusal:
        TaggedCharacters(**write(tmp_path, text))
    assert [word for word in words if word not in str(refusal.value)] == []


def test_conll_columns_are_read_and_an_i_tag_without_a_beginning_is_a_warning(tmp_path):
    text = "-DOCSTART- O\n\nEU NNP B-ORG\nrejects VBZ O\n\n\nBonn NNP I-LOC"
    data = ConllTags(**write(tmp_path, text, "a.txt"))
    assert [sample["tokens"] for sample in data.samples] == [["EU", "rejects"], ["Bonn"]]
    assert data.labels == ["B-ORG", "I-LOC", "O"] and data[1]["place"] == "line 7"
    assert [(issue.code, issue.place) for issue in data.issues] == [("D128", "line 7")]
    with pytest.raises(DataError, match="a token without a tag"):
        ConllTags(**write(tmp_path, "EU\n", "a.txt"))


def squad(*questions, context="Ann went to Rome"):
    import json

    return json.dumps({"data": [{"paragraphs": [{"context": context, "qas": list(questions)}]}]})


def test_questions_are_read_and_a_moved_answer_is_found(tmp_path):
    right = {"id": "1", "question": "who?", "answers": [{"text": "Ann", "answer_start": 0}]}
    moved = {"id": "2", "question": "where?", "answers": [{"text": "Rome", "answer_start": 3}]}
    gone = {"id": "3", "question": "why?", "answers": [{"text": "Oslo", "answer_start": 0}]}
    never = {"id": "4", "question": "how?", "answers": [], "is_impossible": True}
    data = SquadQuestions(**write(tmp_path, squad(right, moved, gone, never), "a.json"))
    assert [(s["answer_start"], s["answer_end"]) for s in data.samples] == [(0, 3), (12, 16), (-1, -1), (-1, -1)]
    assert [issue.code for issue in data.issues] == ["D129", "D129"] and data.labels is None


def test_a_file_in_another_format_is_refused(tmp_path):
    for text, words in (("{", "not JSON"), ('{"x": 1}', "no list 'data'"), (squad({"id": "1"}), "has no question")):
        with pytest.raises(DataError, match=words):
            SquadQuestions(**write(tmp_path, text, "a.json"))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ([1], "no list 'paragraphs'"),
        ({"data": [{"paragraphs": None}]}, "no list 'paragraphs'"),
        ({"data": [{"paragraphs": [{"context": "a", "qas": None}]}]}, "no list 'qas'"),
        ([{"context_text": 5, "qas": []}], "no string 'context_text'"),
        (["who?"], "a question is not an object"),
        ([{"question": "who?", "id": "1", "answers": None}], "answers is not a list"),
        ([{"question": "who?", "id": "1", "answers": {"text": ["Ann"], "answer_start": [0]}}], "answers is not a list"),
        ([{"question": "who?", "id": "1", "answers": [3]}], "an answer is a string, or an object"),
        ([{"question": "who?", "id": "1", "answers": [{"answer_start": 0}]}], "an answer is a string, or an object"),
        ([{"question": "who?", "id": "1", "answers": [{"text": "A", "answer_start": "0"}]}], "answer_start, a number"),
        ([{"question": "who \ud800?", "id": "1", "answers": []}], "unpaired surrogate"),
    ],
)
def test_a_value_of_the_wrong_type_among_questions_is_named_by_its_place(tmp_path, tree, words):
    import json

    questions = isinstance(tree, list) and not (isinstance(tree[0], dict) and "qas" in tree[0]) and tree != [1]
    text = squad(*tree) if questions else json.dumps(tree)
    with pytest.raises(DataError, match=words) as refusal:
        SquadQuestions(**write(tmp_path, text, "a.json"))
    assert "a.json: " in str(refusal.value)


def test_the_flat_form_of_cmrc_is_read_and_its_answers_are_located(tmp_path):
    import json

    question = {"query_id": "Q1", "query_text": "where?", "answers": ["Rome", "to Rome"]}
    tree = [{"context_id": "C1", "context_text": "Ann went to Rome", "qas": [question]}]
    data = SquadQuestions(**write(tmp_path, json.dumps(tree), "a.json"))
    assert (data[0]["answer_start"], data[0]["answer_end"], data[0]["qid"]) == (12, 16, "Q1")
    assert data[0]["answers"] == ["Rome", "to Rome"] and data.issues == []
