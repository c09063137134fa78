"""Preparation of a user's own texts: columns, splits, vocabulary of the training split, refusals."""

import pytest

from common.config import load_config
from PaddleNLP.data import prepare
from tests.made.commands import command


@pytest.fixture
def reviews(tmp_path):
    """A CSV file of 60 reviews in two classes."""
    folder = tmp_path / "reviews"
    folder.mkdir()
    rows = [
        f'{k},"a {"fine" if k % 2 else "poor"}, long film number{k}",{"pos" if k % 2 else "neg"}' for k in range(60)
    ]
    (folder / "reviews.csv").write_text("id,review,sentiment\n" + "\n".join(rows) + "\n")
    return folder


def test_a_table_of_texts_becomes_stratified_splits_and_a_valid_configuration(reviews, tmp_path):
    done = command("prepare", reviews)
    assert done.code == 0, done.err
    assert "60 texts of reviews.csv; 2 classes: neg 30, pos 30" in done.out
    lines = (tmp_path / "reviews_prepared/eval.tsv").read_text().splitlines()
    assert lines[0] == "text_a\tlabel"
    assert sorted(line.split("\t")[1] for line in lines[1:]) == ["neg"] * 6 + ["pos"] * 6
    config = load_config(tmp_path / "reviews_prepared/reviews.yml")
    assert config.get("model.encoder.vocab_size") == len((tmp_path / "reviews_prepared/vocab.txt").read_text().split())


def test_the_vocabulary_knows_the_training_texts_only(reviews, tmp_path):
    (reviews / "reviews.csv").rename(reviews / "train.csv")
    (reviews / "dev.csv").write_text("id,review,sentiment\n1,zzz zzz zzz zzz zzz,pos\n")
    done = command("prepare", reviews)
    assert "the files' own splits: 60 train, 1 dev" in done.out, done.err
    tokens = (tmp_path / "reviews_prepared/vocab.txt").read_text().split()
    assert "film" in tokens
    assert "zzz" not in tokens


def test_chinese_texts_are_split_into_characters(tmp_path):
    rows = [f"{'这部电影很好看' if k % 2 else '这部电影很难看'}第{k}次\t{k % 2}" for k in range(40)]
    (tmp_path / "films.tsv").write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert command("prepare", tmp_path / "films.tsv").code == 0
    assert "SplitCharacters" in (tmp_path / "films_prepared/films.yml").read_text()


def test_equal_texts_and_groups_stay_together():
    rows = [{"text": f"text {k // 2}", "label": str(k % 2), "group": k // 2} for k in range(40)]
    request = type("Request", (), {"group": "", "fraction": 0.25, "seed": 0})()
    train, evaluation, _ = prepare.split_rows_of(rows, [None] * 40, request)
    assert len(evaluation) == 10
    assert not {k // 2 for k in train} & {k // 2 for k in evaluation}


def test_columns_are_named_where_they_are_not_recognized(tmp_path):
    rows = "".join(f"some words {k} here,k{k % 3},other words {k} there\n" for k in range(30))
    (tmp_path / "odd.csv").write_text("a,b,c\n" + rows)
    command("prepare", tmp_path / "odd.csv").refused(3, "no known format")
    for content, message in (("text,label\n", "has a header and no rows"), ("", "is empty")):
        (tmp_path / "none.csv").write_text(content)
        command("prepare", tmp_path / "none.csv").refused(3, f"none.csv: {message}")
    arguments = (tmp_path / "odd.csv", "--as", "texts", "--text", "c", "--label", "b")
    assert "3 classes: k0 10, k1 10, k2 10" in command("prepare", *arguments).out
    arguments = (tmp_path / "odd.csv", "--as", "texts", "--text", "d", "--label", "b", "--force")
    command("prepare", *arguments).refused(3, "no column is named 'd' (--text)", "a, b, c")


def test_a_row_of_the_wrong_length_is_named_by_its_line(reviews):
    with open(reviews / "reviews.csv", "a") as file:
        file.write("1,2\n")
    command("prepare", reviews).refused(3, "line 62: 2 fields where the header has 3", "reviews.csv")
