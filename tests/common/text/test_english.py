"""English texts as they are read aloud."""

import pytest

from common.text.english import cardinal_words, ordinal_words, read_aloud, year_words


@pytest.mark.parametrize("text, spoken", [
    ("Dr. Li paid $2.50 on the 21st of May, 1984.",
     "doctor li paid two dollars, fifty cents on the twenty-first of may, nineteen eighty-four."),
    ("1,234,567 people & 50%",
     "one million two hundred thirty-four thousand five hundred sixty-seven people and fifty percent"),
    ("3.14 in 2007", "three point one four in two thousand seven"),
    ("£1, $0.01 and €3", "one pound, one cent and three euros"),
    ("\u201cNaïve\u201d café \u2013 it\u2019s", '"naive" cafe - it\'s'),
    ("agent 007", "agent zero zero seven"),
    ("12345678901234567890", "one two three four five six seven eight nine zero " * 2),
    ("the 12th, 5th and 30th", "the twelfth, fifth and thirtieth"),
    ("Mr. and Mrs. St. John Jr.", "mister and missis saint john junior"),
    ("a  b\tc", "a b c"),
    ("drab Colt", "drab colt"),
])  # fmt: skip
def test_a_text_is_written_out_as_it_is_spoken(text, spoken):
    assert read_aloud(text) == spoken.strip()


@pytest.mark.parametrize("number, words", [
    (0, "zero"), (13, "thirteen"), (20, "twenty"), (99, "ninety-nine"), (100, "one hundred"),
    (1000, "one thousand"), (1010, "one thousand ten"), (2_000_003, "two million three"),
    (10**12, "one trillion"),
])  # fmt: skip
def test_whole_numbers_are_words(number, words):
    assert cardinal_words(number) == words


def test_years_are_read_by_their_centuries():
    found = [year_words(number) for number in (1066, 1900, 1905, 2000, 2010, 2999)]
    assert found == [
        "ten sixty-six", "nineteen hundred", "nineteen oh five", "two thousand", "twenty ten",
        "twenty-nine ninety-nine",
    ]  # fmt: skip


def test_ordinals_end_in_their_own_way():
    assert [ordinal_words(number) for number in (1, 2, 3, 8, 9, 20, 42, 100)] == [
        "first", "second", "third", "eighth", "ninth", "twentieth", "forty-second", "one hundredth",
    ]  # fmt: skip
