"""Cleaning of English sentences."""

import pytest

from common.text.clean_english import CleanEnglish, clean_english


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("I don't, they've (we're)!", "I do n't , they 've ( we 're ) !"),
        ("He'd say it's Bob'S? I'LL see", "He 'd say it 's Bob 'S ? I 'LL see"),
        ("a<br/>b: 50% — `x`\t\n naïve", "a br b 50 `x` na ve"),
        ("北京 …", ""),
        ("", ""),
    ],
)
def test_other_signs_become_blanks_and_endings_words(text, cleaned):
    assert clean_english(text) == cleaned and clean_english(cleaned) == cleaned


def test_both_texts_of_a_pair_are_cleaned():
    assert CleanEnglish()({"text_a": "a;b", "text_b": "c!", "label": 1}, None) == {
        "text_a": "a b", "text_b": "c !", "label": 1
    }  # fmt: skip
