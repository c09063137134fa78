"""Lines of text for inference: headers, annotated files, and lines that cannot be read."""

import json

import pytest

from common.errors import ConfigError, DataError
from common.inference.tasks.image_from_noise import ImageFromNoise
from common.inference.tasks.reading_comprehension import ReadingComprehension
from common.inference.tasks.sentence_embedding import SentenceEmbedding
from common.inference.tasks.sequence_labeling import SequenceLabeling
from common.inference.tasks.text_classification import TextClassification
from common.text.sources import Texts, open_texts
from common.text.split import SplitWords


def read(lines, task=None, labels=("0", "1"), name="a.tsv"):
    """The texts and the errors of lines, in order."""
    source = Texts(lines, name, task or TextClassification(), many=True)
    source.labels = labels
    keys = ("text_a", "text_b", "question", "context")
    return [
        str(sample["error"]) if "error" in sample else tuple(sample[key] for key in keys if key in sample)
        for sample in source
    ]


def test_a_header_tells_the_texts_from_the_labels(caplog):
    right = [("good",), ("bad one",)]
    assert read(["label\ttext_a", "1\tgood", "0\tbad one"]) == right
    assert read(iter(["text_a\tlabel", "good\t1", "bad one\t0"])) == right
    assert read(["sentence\tlabel", "good\t1", "bad one\t0"]) == right
    assert read(["text_a\ttext_b\tlabel", "a\tb\t1"]) == [("a", "b")]
    assert read(["question\tcontext", "who ?\tann"], ReadingComprehension()) == [("who ?", "ann")]
    assert read(["text_a\tlabel", "百\x02度\tORG-B\x02ORG-I"], SequenceLabeling()) == [("百度",)]
    assert "line 1 is a header: text_a read, label ignored" in caplog.text


def test_lines_of_json_are_read_as_in_training():
    lines = [json.dumps({"text_a": "good", "label": 1}), '{"text_a": 3}', '{"text_a": "x"', "plain"]
    found = read(lines)
    assert found[0] == ("good",) and found[3] == ("plain",)
    assert "text_a is not a string" in found[1] and "a.tsv: line 3" in found[2]


@pytest.mark.parametrize(
    ("lines", "task", "labels", "column"),
    [
        (["1\tgood", "0\tbad"], TextClassification, ("0", "1"), "first"),
        (["good\t1", "", "bad\t0"], TextClassification, ("0", "1"), "last"),
        (["百\x02度\tn-B\x02n-I"], SequenceLabeling, ("n-B", "n-I"), "last"),
        (["EU NNP B-ORG", "rejects VBZ O", "", "Bonn NNP B-LOC"], SequenceLabeling, ("B-ORG", "B-LOC", "O"), "last"),
    ],
)
def test_annotations_without_a_header_are_refused(lines, task, labels, column):
    with pytest.raises(ConfigError, match=f"a.tsv: line 1: the {column} column holds labels of the model"):
        read(lines, task(), labels)


def test_pairs_of_texts_are_no_annotations():
    assert read(["1\tgood", "what\tbad"]) == [("1", "good"), ("what", "bad")]
    with pytest.raises(ConfigError, match="names text_a, label, but this model reads context, question"):
        read(["text_a\tlabel", "x\t1"], ReadingComprehension())


def test_a_line_that_cannot_be_read_is_named_and_the_others_go_on():
    lines = [
        "who ?\tann went",
        "who ?",
        "who ?\t ",
        "\tann",
        '{"question": null, "context": "x"}',
        "why ?\tbob",
        "a\ud800\tb",
    ]
    found = read(lines, ReadingComprehension(), None)
    assert found[0] == ("who ?", "ann went") and found[5] == ("why ?", "bob")
    for place, words in ((1, "a tab"), (2, "the text is empty"), (3, "question is empty"), (4, "strings"), (6, "D123")):
        assert words in found[place] and f"a.tsv: line {place + 1}" in found[place]
    found = read(["text_a\tlabel", "x", "\t1", "y\t1"])
    assert "1 fields where the header names 2" in found[0] and "text_a is empty" in found[1] and found[2] == ("y",)


def test_a_byte_that_is_not_utf8_costs_its_line_and_another_encoding_the_file(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\ntw\xef\nthree\n")
    found = list(open_texts(str(tmp_path / "a.txt"), TextClassification()))
    assert [sample.get("text_a") for sample in found] == ["one", None, "three"]
    assert found[1]["error"].issue.place == "line 2, byte 3"
    (tmp_path / "gbk.txt").write_bytes("你好\n很好\n好\n".encode("gbk"))
    with pytest.raises(DataError, match="line 1, byte 1"):
        open_texts(str(tmp_path / "gbk.txt"), TextClassification())


def test_the_column_of_the_users_own_tables_is_read(tmp_path):
    task = TextClassification(column="review")
    for name, mark in (("a.csv", ","), ("b.csv", ";"), ("c.csv", "|"), ("d.csv", "\t"), ("e.tsv", "\t")):
        rows = ["stars,text,review", "4,title,good stuff", "1,other,bad"]
        (tmp_path / name).write_bytes("\r\n".join(["\ufeff" + rows[0], *rows[1:]]).replace(",", mark).encode())
        found = read(open_texts(str(tmp_path / name), task).lines, task, name=name)
        assert found == [("good stuff",), ("bad",)]
    (tmp_path / "b.csv").write_text("stars;rezension\n4;gut, sehr gut\n1;schlecht\n")
    with pytest.raises(ConfigError, match="names no column of texts: stars, rezension"):
        open_texts(str(tmp_path / "b.csv"), task)
    with pytest.raises(DataError, match=r"D126\] --text: the text is empty"):
        open_texts(None, task, " ")


def test_a_second_text_is_never_dropped():
    with pytest.raises(DataError, match="SplitWords reads one text a sample") as refusal:
        SplitWords()({"text_a": "a", "text_b": "b", "path": "a.tsv", "place": "line 4"}, None)
    assert "a.tsv: line 4" in str(refusal.value)


@pytest.mark.parametrize("task", [SequenceLabeling, SentenceEmbedding, ImageFromNoise])
def test_a_task_of_one_text_refuses_a_second_one(task):
    found = read(["a\tb", json.dumps({"text_a": "x", "text_b": "y"}), "\tc\t", "d"], task())
    assert "D118" in found[0] and "a.tsv: line 1" in found[0] and "two texts with a tab between" in found[0]
    assert "a.tsv: line 2" in found[1] and "two texts (text_b), but this model reads one" in found[1]
    assert found[2:] == [("\tc\t",), ("d",)]
    assert "two texts (text_b)" in read(["text_a\ttext_b", "a\tb"], task())[0]
    assert read(["a\tb"]) == [("a", "b")]
    with pytest.raises(DataError, match="reads one text per line"):
        task().read_line("source\ttarget")


def test_of_a_csv_file_only_the_column_of_texts_is_read(tmp_path):
    path = tmp_path / "a.csv"

    def texts(content):
        path.write_text(content)
        return read(open_texts(str(path), TextClassification()).lines)

    assert texts('id,text,label\n7,"good, but\nslow",1\n8,bad,0\n') == [("good, but slow",), ("bad",)]
    assert texts('text\n"good, really"\n') == [("good, really",)]
    assert texts("good\nbad\n") == [("good",), ("bad",)]
    found = texts("text,label\nbad, very,0\ngood,1\n")
    assert "3 fields where the header names 2" in found[0] and "a.csv: line 2" in found[0] and found[1] == ("good",)
    for content, words in (("a,b\n1,2\n", "no column of texts: a, b"), ("text,sentence\na,b\n", "two columns")):
        with pytest.raises(ConfigError, match=words):
            texts(content)
    with pytest.raises(DataError, match="line 3: the file ends inside"):
        texts('text,label\ngood,1\n"bad,0\n')
