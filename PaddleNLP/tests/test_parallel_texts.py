"""Texts with their targets: the two layouts of files, and what is wrong in them."""

import pytest

from common.errors import DataError
from PaddleNLP.data.parallel_texts import ParallelTexts


def test_two_files_give_the_pairs_of_one(tmp_path):
    (tmp_path / "both.tsv").write_text("a man\tein Mann\n two dogs \tzwei Hunde\n", encoding="utf-8")
    (tmp_path / "x.en").write_text("a man\ntwo dogs\n", encoding="utf-8")
    (tmp_path / "x.de").write_text("ein Mann\nzwei Hunde\n", encoding="utf-8")
    one, two = ParallelTexts(tmp_path, "both.tsv"), ParallelTexts(tmp_path, "x.en", "x.de")
    assert [(s["text_a"], s["target"], s["place"]) for s in two] == [
        ("a man", "ein Mann", "line 1"), ("two dogs", "zwei Hunde", "line 2"),
    ]  # fmt: skip
    assert [s["target"] for s in one] == [s["target"] for s in two]
    assert one.lengths() == [3, 3] and one.labels is None


def test_pairs_are_chosen_by_the_words_of_their_text(tmp_path):
    (tmp_path / "x.txt").write_text("a\na b\na b c\n", encoding="utf-8")
    assert [s["target"] for s in ParallelTexts(tmp_path, "x.txt", "x.txt", words=[2, 2])] == ["a b"]
    with pytest.raises(ValueError, match="fewest and the most"):
        ParallelTexts(tmp_path, "x.txt", "x.txt", words=[3, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\nno tab\n", r"D118.*1 fields(.|\n)*line 2"),
        ("a\tb\tc\n", r"D118.*3 fields(.|\n)*line 1"),
        ("a\t \n", r"D126.*empty(.|\n)*line 1"),
        ("", "D117.*holds no sample"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, message):
    (tmp_path / "x.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        ParallelTexts(tmp_path, "x.tsv")


def test_files_of_different_lengths_are_refused_and_bad_pairs_skipped(tmp_path):
    (tmp_path / "x.en").write_text("a\nb\n", encoding="utf-8")
    (tmp_path / "x.de").write_text("a\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"x\.de has 1 lines, and .*x\.en has 2"):
        ParallelTexts(tmp_path, "x.en", "x.de")
    lines = "".join(f"a{k}\tb{k}\n" for k in range(200))
    (tmp_path / "x.tsv").write_text(f"{lines}no tab\n", encoding="utf-8")
    assert len(ParallelTexts(tmp_path, "x.tsv", bad_samples="skip")) == 200
