"""Texts in C++ become the same tokens as in Python; what `kit_infer --text` prints of them: test_cpp_goldens.py."""

import json
import random
from collections import Counter

import numpy as np
import pytest
import yaml

from common.data.transform import random_for
from common.text.clean_english import CleanEnglish
from common.text.knowledge import KnowledgeIds
from common.text.ngrams import HashedNgrams
from common.text.question_tokens import QuestionTokens
from common.text.sequence_pairs import SubwordPairs, WordPairs
from common.text.several import PairIds, TurnIds
from common.text.split import SplitByDictionary, SplitWords, TokenIds
from common.text.windows import QuestionWindows
from common.text.wordpiece import SentencePiece, WordPiece, make_wordpiece
from tests.made.mixed_texts import mixed_texts

LINES = mixed_texts(10_000)
SOME = LINES[:2500]
FRAME = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def in_cpp(program, folder, *nodes, lines):
    """What `kit_texts` makes of lines by transforms, a dict per line; the files that they name are in `folder`."""
    (folder / "infer.yml").write_text(yaml.safe_dump({"preprocess": list(nodes)}, allow_unicode=True), encoding="utf-8")
    answer = program(folder, stdin="".join(line + "\n" for line in lines).encode(), name="kit_texts")
    assert answer.code == 0, answer.err
    return [json.loads(line) for line in answer.out.split("\n")[:-1]]


def in_python(*transforms, lines):
    """What the transforms make of lines, a dict per line."""
    rng, found = random_for(0), []
    for line in lines:
        question, tab, context = line.partition("\t")
        both = {"question": question, "context": context, "text_a": question, "text_b": context}
        sample = both if tab else {"text_a": line}
        for transform in transforms:
            sample = transform(sample, rng)
        found.append(sample)
    return found


def pieces_of(lines, lowercase, size=3000):
    """A vocabulary of word pieces: letters and parts of the words of lines, so that some words are unknown."""
    rng, empty = random.Random(1), make_wordpiece({"[UNK]": 0}, lowercase)
    words = {word for line in lines for word, _ in
             empty.pre_tokenizer.pre_tokenize_str(empty.normalizer.normalize_str(line))}  # fmt: skip
    found = set()
    for word in sorted(words):
        for _ in range(3):
            start = rng.randrange(len(word))
            part = word[start : start + rng.choice((1, 1, 2, 4))]
            found.add(f"##{part}" if start else part)
    return [*FRAME, *rng.sample(sorted(found), min(size, len(found)))]


def write_lines(path, lines):
    """Writes lines; those that no line of a file can hold are left out."""
    path.write_text("".join(f"{line}\n" for line in lines if line == line.strip("\r\n\ufeff")), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("lowercase", "lines"), [(True, LINES), (False, SOME)])
def test_word_pieces_are_those_of_python(lowercase, lines, program, tmp_path):
    vocab = write_lines(tmp_path / "vocab.txt", pieces_of(SOME, lowercase))
    found = in_cpp(program, tmp_path, {"type": "WordPiece", "vocab": "vocab.txt", "lowercase": lowercase}, lines=lines)
    for line, ours, theirs in zip(lines, found, in_python(WordPiece(vocab, lowercase), lines=lines), strict=True):
        assert ours["input_ids"] == theirs["input_ids"].tolist(), ascii(line)


def test_the_places_of_pieces_in_a_text_are_those_of_python(program, tmp_path):
    lines = [f"{line[:20]}\t{line}" for line in SOME]
    vocab = write_lines(tmp_path / "vocab.txt", pieces_of(SOME, True))
    given = {"lowercase": True, "max_length": 24, "stride": 7, "max_query": 9}
    found = in_cpp(program, tmp_path, {"type": "QuestionWindows", "vocab": "vocab.txt", **given}, lines=lines)
    for line, ours, theirs in zip(lines, found, in_python(QuestionWindows(vocab, **given), lines=lines), strict=True):
        assert ours["windows"] == [[spot and list(spot) for spot in window] for window in theirs["offsets"]], ascii(
            line
        )
        for key in ("input_ids", "token_type_ids", "length"):
            assert ours[key] == theirs[key].ravel().tolist(), ascii(line)


def test_every_code_point_is_of_the_same_class_as_in_python(program, tmp_path):
    """If this fails with a new version of tokenizers or Python: deploy/cpp/make_unicode_tables.py writes the tables."""
    points = [chr(code) for code in range(1, 0x30000) if not 0xD800 <= code < 0xE000 and chr(code) not in "\t\n"]
    points += [chr(code) for code in range(0xE0000, 0xE0200)]
    lines = ["".join(f"a{point}A" for point in points[k : k + 256]) for k in range(0, len(points), 256)]
    vocab = write_lines(tmp_path / "vocab.txt", [*FRAME, "a", "##a", "##aa"])
    (ours, theirs) = (
        in_cpp(program, tmp_path, {"type": "WordPiece", "vocab": "vocab.txt", "max_length": 1000}, lines=lines),
        in_python(WordPiece(vocab, max_length=1000), lines=lines),
    )
    assert [row["input_ids"] for row in ours] == [row["input_ids"].tolist() for row in theirs]
    given = {"rows": 2**31 - 1, "max_words": 5000, "words": 1, "characters": []}
    ours = in_cpp(program, tmp_path, {"type": "HashedNgrams", **given}, lines=lines)
    assert [row["ngrams"] for row in ours] == [
        row["ngrams"].tolist() for row in in_python(HashedNgrams(**given), lines=lines)
    ]


def test_cleaned_english_is_that_of_python(program, tmp_path):
    lines = ["I don't, they'Ve (we're)!  it'd'LL", "n'tn't '", "a<br/>b: 50% \u2014 `x`? na\u00efve", *LINES]
    vocab = write_lines(tmp_path / "vocab.txt", pieces_of(SOME, True))
    given = {"vocab": "vocab.txt", "max_length": 1000}
    ours = in_cpp(program, tmp_path, {"type": "CleanEnglish"}, {"type": "WordPiece", **given}, lines=lines)
    theirs = in_python(CleanEnglish(), WordPiece(vocab, max_length=1000), lines=lines)
    for line, mine, other in zip(lines, ours, theirs, strict=True):
        assert mine["input_ids"] == other["input_ids"].tolist(), ascii(line)


def test_words_and_their_numbers_are_those_of_python(program, tmp_path):
    words = sorted({word for line in SOME for word in line.lower().split()})
    write_lines(tmp_path / "words.txt", [*FRAME, *random.Random(2).sample(words, 5000)])
    write_lines(tmp_path / "others.txt", ["the\tHello", "Hello\tx", "no replacement"])
    given = {"replace": "others.txt", "lowercase": True, "max_length": 12, "vocab": "words.txt", "added": ["the"]}
    found = in_cpp(program, tmp_path, {"type": "SplitWords"}, {"type": "TokenIds", **given}, lines=SOME)
    paths = {key: str(tmp_path / given[key]) for key in ("vocab", "replace")}
    for line, ours, theirs in zip(
        SOME, found, in_python(SplitWords(), TokenIds(**given | paths), lines=SOME), strict=True
    ):
        assert ours["input_ids"] == theirs["input_ids"].tolist(), ascii(line)
        assert ours["offsets"] == list(map(list, theirs["offsets"]))


@pytest.mark.parametrize(
    ("transform", "given"),
    [
        (PairIds, {"lowercase": True, "max_length": 9}),
        (PairIds, {"unit": "characters", "max_length": 30}),
        (TurnIds, {"turns": 3, "words": 5, "separator": "e"}),
        (KnowledgeIds, {"facts": 3, "words": 4, "max_length": 9, "separator": "e", "end": "[SEP]", "unknown": "[UNK]"}),
        (QuestionTokens, {"unit": "characters", "max_length": 40, "max_query": 7}),
        (QuestionTokens, {"lowercase": True, "max_length": 8}),
    ],
)
def test_the_numbers_of_two_texts_are_those_of_python(transform, given, program, tmp_path):
    lines = [f"{one}\t{other}" for one, other in zip(SOME[:800], SOME[7:]) if one.strip() and "\t" not in one + other]
    words = sorted({word for line in lines for word in (*line.split(), *line) if word.strip()})
    vocab = write_lines(tmp_path / "words.txt", [*FRAME, *random.Random(2).sample(words, len(words) // 2)])
    found = in_cpp(program, tmp_path, {"type": transform.__name__, "vocab": "words.txt", **given}, lines=lines)
    for line, ours, theirs in zip(lines, found, in_python(transform(vocab, **given), lines=lines), strict=True):
        for name in ("input_ids", "token_type_ids", "length", "fact_ids", "fact_length"):
            if name in ours or name in ("input_ids", "length"):
                assert np.ravel(ours[name]).tolist() == np.ravel(theirs[name]).tolist(), ascii(line)
        if "windows" in ours:
            assert ours["windows"] == [[spot and list(spot) for spot in row] for row in theirs["offsets"]], ascii(line)


def test_words_of_a_dictionary_are_those_of_python(program, tmp_path):
    rng = random.Random(3)
    parts = [line[k : k + rng.randrange(1, 5)] for line in SOME for k in (0, len(line) // 2)]
    words = sorted({part for part in parts if part.strip() == part and part and " " not in part})
    write_lines(tmp_path / "words.dic", [f"{word} {rng.randrange(1, 1000)}" for word in words])
    write_lines(tmp_path / "known.txt", [*FRAME, *rng.sample(words, len(words) // 2)])
    names = {"dictionary": "words.dic", "vocab": "known.txt"}
    found = in_cpp(program, tmp_path, {"type": "SplitByDictionary", **names}, lines=SOME)
    expected = in_python(SplitByDictionary(**{key: str(tmp_path / name) for key, name in names.items()}), lines=SOME)
    assert [row["offsets"] for row in found] == [list(map(list, row["offsets"])) for row in expected]


@pytest.mark.parametrize(("kind", "lines"), [("unigram", LINES), ("bpe", SOME)])
def test_sentence_pieces_are_those_of_python(kind, lines, program, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece", reason="SentencePiece needs pip install sentencepiece")
    common = {letter for letter, _ in Counter("".join(LINES)).most_common(500)}
    texts = ["".join(letter for letter in line if letter in common) for line in LINES[:3000]]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(tmp_path / "pieces"), vocab_size=1200, model_type=kind,
        user_defined_symbols=["[CLS]", "[SEP]", "<cls>", "<sep>"], hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    given = {"lowercase": kind == "bpe", "frame": "xlnet" if kind == "bpe" else "bert"}
    node = {"type": "SentencePiece", "model": "pieces.model", "vocab": None, **given}
    found = in_cpp(program, tmp_path, node, lines=lines)
    expected = in_python(SentencePiece(str(tmp_path / "pieces.model"), **given), lines=lines)
    for line, ours, theirs in zip(lines, found, expected, strict=True):
        for name in ("input_ids", "token_type_ids"):
            assert ours[name] == theirs[name].tolist(), ascii(line)


@pytest.mark.parametrize("given", [{"lowercase": True, "max_length": 7}, {"characters": True, "added": ["e"]}])
def test_texts_to_write_others_for_have_the_words_of_python(given, program, tmp_path):
    words = sorted({word for line in SOME for word in line.lower().split()})
    vocab = write_lines(tmp_path / "words.txt", ["<unk>", "</s>", *random.Random(4).sample(words, 3000), *"abc"])
    node = {"type": "WordPairs", "vocab": "words.txt", "target_vocab": "words.txt", **given}
    expected = in_python(WordPairs(vocab, **given), lines=SOME)
    for line, ours, theirs in zip(SOME, in_cpp(program, tmp_path, node, lines=SOME), expected, strict=True):
        assert ours["input_ids"] == theirs["input_ids"].tolist(), ascii(line)


def test_texts_to_write_others_for_have_the_subwords_of_python(program, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece", reason="SentencePiece needs pip install sentencepiece")
    common = {letter for letter, _ in Counter("".join(LINES)).most_common(300)}
    texts = ["".join(letter for letter in line if letter in common) for line in LINES[:1000]]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(tmp_path / "pieces"), vocab_size=800, model_type="bpe",
        bos_id=0, eos_id=1, unk_id=2, pad_id=-1, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    given = {"max_length": 9}
    found = in_cpp(program, tmp_path, {"type": "SubwordPairs", "model": "pieces.model", **given}, lines=SOME[:800])
    expected = in_python(SubwordPairs(str(tmp_path / "pieces.model"), **given), lines=SOME[:800])
    for line, ours, theirs in zip(SOME, found, expected, strict=False):
        assert ours["input_ids"] == theirs["input_ids"].tolist(), ascii(line)


def test_what_cannot_be_a_text_or_its_model_is_refused(exported, program, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("a\n", encoding="utf-8")
    program("--model", exported, "--text", texts).refused(2, "reads no texts")
    program("--model", exported, "--text", texts, "--image", texts).refused(2, "one of --image PATH, --text FILE")
    program("--model", exported, "--text", "-", "--repeat", 1).refused(2, "standard input is read once")
