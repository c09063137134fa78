"""Tokenization: vocabularies, word pieces, dictionaries, windows, padding."""

import numpy as np
import pytest

from common.errors import ConfigError, DataError, EnvironmentProblem
from common.files import find_file
from common.text.phrases import Phrases
from common.text.split import PadText, SplitByDictionary, SplitCharacters, SplitWords, TokenIds
from common.text.vocabulary import Vocabulary, check_vocabulary_size
from common.text.windows import PadWindows, QuestionWindows, window_starts
from common.text.wordpiece import WordPiece, truncate_longest

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "un",
    "##aff",
    "##able",
    "the",
    "cat",
    "百",
    "度",
    "!",
    ",",
    "cafe",
    "who",
    "ran",
]


def vocabulary(tmp_path, tokens, name="vocab.txt"):
    (tmp_path / name).write_text("\n".join(tokens) + "\n", encoding="utf-8")
    return str(tmp_path / name)


@pytest.fixture
def pieces(tmp_path):
    return vocabulary(tmp_path, PIECES)


def names(sample):
    return [PIECES[k] for k in sample["input_ids"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unaffable", ["un", "##aff", "##able"]),  # the example of the BERT code
        ("UNaffable, the cat!", ["un", "##aff", "##able", ",", "the", "cat", "!"]),
        ("百度cat", ["百", "度", "cat"]),  # Chinese characters stand alone
        ("café", ["cafe"]),  # accents go with capitals
        ("c\u200bat\x00 the\u00a0cat", ["cat", "the", "cat"]),  # control and format characters are dropped
        ("unaffably", ["[UNK]"]),  # a word of which a part is unknown is unknown as a whole
        ("😀", ["[UNK]"]),
        ("", []),
    ],
)
def test_texts_are_tokenized_by_the_rules_of_bert(pieces, text, expected):
    assert names(WordPiece(pieces)({"text_a": text}, None)) == ["[CLS]", *expected, "[SEP]"]


def test_a_pair_has_two_segments_and_the_longer_text_is_truncated_first(pieces):
    transform = WordPiece(pieces, max_length=7)
    sample = transform({"text_a": "the cat the cat", "text_b": "cat"}, None)
    assert names(sample) == ["[CLS]", "the", "cat", "the", "[SEP]", "cat", "[SEP]"]
    assert sample["token_type_ids"].tolist() == [0, 0, 0, 0, 0, 1, 1] and sample["length"] == 7
    assert (
        truncate_longest([5, 2], 4) == [2, 2]
        and truncate_longest([2, 2], 3) == [2, 1]
        and truncate_longest([1, 1], 9) == [1, 1]
    )


def test_continuation_pieces_get_inside_tags_and_a_token_without_pieces_is_unknown(pieces):
    transform = WordPiece(pieces, labels=["O", "B-X", "I-X"])
    sample = transform({"tokens": ["the", "unaffable", "\u200b"], "tags": np.array([0, 1, 0])}, None)
    assert names(sample) == ["[CLS]", "the", "un", "##aff", "##able", "[UNK]", "[SEP]"]
    assert sample["tags"].tolist() == [-1, 0, 1, 2, 2, 0, -1] and sample["word_ids"] == [-1, 0, 1, 1, 1, 2, -1]


def test_one_id_of_a_thousand_may_be_missing(tmp_path):
    lines = [f"{k + (k > 7)}\tt{k}" for k in range(999)]
    (tmp_path / "v.txt").write_text("\n".join([*lines, "1000\tOOV"]) + "\n")
    vocabulary = Vocabulary(tmp_path / "v.txt", unknown="OOV")
    assert (len(vocabulary), vocabulary.tokens[8], vocabulary.unknown) == (1001, "<unused 8>", 1000)
    assert [vocabulary.number(token) for token in ("t7", "t8", "x")] == [7, 9, 1000]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "is empty"),
        ("[UNK]\na\na\n", "the duplicate token 'a' in lines 2 and 3"),
        ("[UNK]\r\na\r\n", "Windows line ends"),
        ("a\nb\n", r"has no '\[UNK\]'"),
        ("a\t0\nb\t2\n", "a gap before id 2"),
        ("a\t0\nb\t0\n", "a duplicate id 0"),
    ],
)
def test_an_invalid_vocabulary_is_refused_with_its_line(tmp_path, data, words):
    (tmp_path / "v.txt").write_bytes(data.encode())
    with pytest.raises(DataError, match=words):
        Vocabulary(tmp_path / "v.txt")


def test_a_vocabulary_may_have_ids_before_or_after_its_tokens(tmp_path):
    for text in ("0\t \n1\ta\n2\t[UNK]\n", " \t0\na\t1\n[UNK]\t2\n", " \na\n[UNK]\n"):
        (tmp_path / "v.txt").write_text(text)
        found = Vocabulary(tmp_path / "v.txt")
        assert found.tokens == [" ", "a", "[UNK]"] and found.number("zzz") == 2
    assert Vocabulary(tmp_path / "v.txt", "OOV", added=["OOV", "a"]).tokens == [" ", "a", "[UNK]", "OOV"]


def test_token_ids_are_looked_up_after_replacement_and_truncation(tmp_path):
    vocab = vocabulary(tmp_path, ["[UNK]", "a", "b"])
    (tmp_path / "q2b").write_text("Ａ\ta\n", encoding="utf-8")  # noqa: RUF001
    transform = TokenIds(vocab, replace=str(tmp_path / "q2b"), max_length=3)
    sample = transform(SplitCharacters()({"text_a": "Ａbzzz", "tags": np.arange(5)}, None), None)  # noqa: RUF001
    assert sample["input_ids"].tolist() == [1, 2, 0] and sample["tags"].tolist() == [0, 1, 2] and sample["length"] == 3
    assert SplitWords()({"text_a": " ab  c "}, None)["offsets"] == [(1, 3), (5, 6)]


def test_a_dictionary_segments_into_the_fewest_words_and_joins_letters_and_digits(tmp_path):
    (tmp_path / "d").write_text("研究 9\n研究生 5\n生命 7\n命 1\n起源 3\n", encoding="utf-8")
    vocab = vocabulary(tmp_path, ["研究", "生命", "ab1", "起", "源"])
    split = SplitByDictionary(str(tmp_path / "d"), vocab)
    assert split.segment("研究生命起源ab1") == ["研究", "生命", "起源", "ab1"]
    sample = split({"text_a": "研究起源", "tags": np.arange(4)}, None)
    assert sample["tokens"] == ["研究", "起", "源"] and sample["tags"].tolist() == [0, 2, 3]
    assert sample["offsets"] == [(0, 2), (2, 3), (3, 4)]
    (tmp_path / "d").write_text("研究\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected 'word count'"):
        SplitByDictionary(str(tmp_path / "d"), vocab)


def test_phrases_are_found_from_left_to_right_the_longest_first(tmp_path):
    (tmp_path / "p").write_text("春天/SEASON\n花/n 开/v\n天花\n春\n", encoding="utf-8")
    assert Phrases(str(tmp_path / "p")).find("春天花开") == [
        (0, [2], ["SEASON"]),
        (1, [3], [""]),
        (2, [3, 4], ["n", "v"]),
    ]
    assert Phrases().find("春天") == []


def test_sequences_are_padded_to_the_longest_of_the_batch():
    samples = [{"input_ids": np.array([5, 6, 7]), "tags": np.array([1, 1, 1])}, {"input_ids": np.array([]), "tags": []}]
    first, second = PadText(multiple=4)(samples, None)
    assert first["input_ids"].tolist() == [5, 6, 7, 0] and second["input_ids"].tolist() == [0] * 4
    assert second["tags"].tolist() == [-1] * 4 and second["input_ids"].dtype == np.int64


def test_windows_overlap_and_contain_the_answer_span(pieces):
    transform = QuestionWindows(pieces, max_length=8, stride=2, max_query=3)
    sample = {"question": "who", "context": "the cat ran the cat ran", "answer_start": 16, "answer_end": 23}
    sample = transform(sample, None)  # room for 4 pieces of the text: 0-3, 2-5
    assert sample["input_ids"].shape == (2, 8) and sample["length"].tolist() == [8, 8]
    assert sample["start"].tolist() == [0, 5] and sample["end"].tolist() == [0, 6]
    assert sample["offsets"][1][5] == (16, 19) and sample["offsets"][1][:3] == [None] * 3
    assert window_starts(6, 4, 2) == [0, 2] and window_starts(4, 4, 2) == [0] and window_starts(9, 4, 9) == [0, 4, 8]
    other = transform({"question": "who", "context": "cat"}, None)
    padded = PadWindows()([sample, other], None)[1]
    assert (
        padded["input_ids"].shape == (2, 8)
        and padded["length"].tolist() == [5, 0]
        and padded["start"].tolist() == [0, -1]
    )


def test_a_tokenizer_that_does_not_match_the_model_is_refused(pieces):
    class Model:
        vocab_size, max_positions = 16, 12

    check_vocabulary_size([WordPiece(pieces, max_length=12)], Model)
    with pytest.raises(ConfigError, match="12 positions: set max_length to 12 or less"):
        check_vocabulary_size([WordPiece(pieces, max_length=13)], Model)
    Model.vocab_size = 17
    with pytest.raises(ConfigError, match=r"a vocabulary of 16 tokens .* vocab_size 17"):
        check_vocabulary_size([WordPiece(pieces, max_length=12)], Model)


def test_files_of_packages_are_found_without_importing_them(monkeypatch):
    assert find_file("package:yaml/__init__.py").is_file()
    with pytest.raises(EnvironmentProblem, match="nowhere is not installed"):
        find_file("package:nowhere/x")
    with pytest.raises(ConfigError, match=r"has no file lodaer.py; did you mean 'loader.py'"):
        find_file("package:yaml/lodaer.py")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("iPhone 12/PHONE", "side by side"),
        ("the shy/PER", "side by side"),
        ("抖音\tn\t50000000", "separated by tabs"),
        ("礼拜一/TIME#礼拜二/TIME", "several labels"),
    ],
)
def test_a_line_of_a_dictionary_that_could_never_match_is_refused(tmp_path, line, words):
    (tmp_path / "p").write_text(f"春天/SEASON\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"(?s)D124.*{words}.*line 2"):
        Phrases(str(tmp_path / "p"))


def test_words_of_a_dictionary_hold_blanks_where_a_separator_is_given(tmp_path):
    (tmp_path / "p").write_text("iPhone 12/PHONE\n礼拜一/TIME#礼拜二/TIME\n", encoding="utf-8")
    phrases = Phrases(str(tmp_path / "p"), "#")
    assert phrases.find("我买了iPhone 12和") == [(3, [12], ["PHONE"])]
    assert phrases.find("礼拜一礼拜二") == [(0, [3, 6], ["TIME", "TIME"])]
