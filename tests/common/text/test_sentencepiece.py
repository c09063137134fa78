"""SentencePiece tokenization with a model that is trained here."""

import pickle

import numpy as np
import pytest

from common.errors import DataError
from common.text.wordpiece import SentencePiece, lowercase_text

sentencepiece = pytest.importorskip("sentencepiece", reason="SentencePiece needs pip install sentencepiece")
WIDE = "\uff28\uff25"  # full-width H and E
TEXTS = ["百度是一家高科技公司", "hello world of small models", "hello again, 世界", "今天天气很好 weather is fine"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of 48 pieces, including the special tokens of ERNIE Tiny and of XLNet."""
    prefix = tmp_path_factory.mktemp("pieces") / "small"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 50),
        model_prefix=str(prefix),
        vocab_size=48,
        user_defined_symbols=["[CLS]", "[SEP]", "[PAD]", "<cls>", "<sep>"],
        minloglevel=2,
    )
    return f"{prefix}.model"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("百度 Hello", ["", "百", "度", " ", "He", "ll", "o"]),
        (f"{WIDE}LLO 世界", ["", f"{WIDE}", "LL", "O", " ", "世", "界"]),  # wide letters as if of usual width
        ("😀 hello", ["", "😀", " ", "he", "ll", "o"]),
        ("a  of\t", ["", "a", "  ", "o", "f"]),  # blanks together, none at the end
        ("", []),
    ],
)
def test_offsets_refer_to_the_original_text(model, text, pieces):
    ids, offsets = SentencePiece(model).encode(text)
    found = [text[begin:end] for begin, end in offsets]
    assert len(ids) == len(offsets)
    assert "".join(found).replace(" ", "") == "".join(pieces).replace(" ", "")
    assert [f for f in found if f.strip()] == [p for p in pieces if p.strip()]


def test_ids_are_those_of_the_model(model):
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    for text in TEXTS:
        assert SentencePiece(model).encode(text)[0] == processor.encode(text)


def test_a_vocabulary_defines_other_ids_and_the_unknown_token(model, tmp_path):
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("[PAD]\t0\n[CLS]\t1\n[SEP]\t2\n[UNK]\t3\n▁\t4\n世\t5\n", encoding="utf-8")
    assert SentencePiece(model, str(vocabulary)).encode("世 界")[0] == [4, 5, 4, 3]


def test_a_pair_is_truncated_and_framed(model):
    transform = SentencePiece(model, max_length=7)
    sample = transform({"text_a": "hello world", "text_b": "世界"}, np.random.default_rng(0))
    first, last = (transform.processor.piece_to_id(piece) for piece in ("[CLS]", "[SEP]"))
    assert sample["input_ids"][0] == first and (sample["input_ids"] == last).sum() == 2
    assert sample["length"] == 7 and sample["token_type_ids"].tolist() == sorted(sample["token_type_ids"].tolist())


def test_the_frame_of_xlnet_is_behind_the_texts(model):
    transform = SentencePiece(model, max_length=9, frame="xlnet")
    sample = transform({"text_a": "hello world", "text_b": "世界"}, np.random.default_rng(0))
    cls, sep = (transform.processor.piece_to_id(piece) for piece in ("<cls>", "<sep>"))
    types = sample["token_type_ids"].tolist()
    assert sample["input_ids"].tolist()[-2:] == [sep, cls] and types[-2:] == [1, 2] and sample["length"] == 9
    assert (sample["input_ids"] == sep).sum() == 2 and types == sorted(types)
    tagged = transform({"tokens": ["hello", "世界"], "tags": np.array([1, 0])}, None)
    assert (
        tagged["word_ids"][-2:] == [-1, -1] and tagged["word_ids"][0] == 0 and tagged["tags"].tolist()[-2:] == [-1, -1]
    )
    assert len(tagged["tags"]) == tagged["length"] == len(tagged["input_ids"]) == len(tagged["token_type_ids"])
    with pytest.raises(ValueError, match="frame is 'gpt'"):
        SentencePiece(model, frame="gpt")


def test_a_pickled_transform_produces_the_same_ids(model):
    transform = SentencePiece(model)
    there = pickle.loads(pickle.dumps(transform))  # what a worker process is given
    assert there.encode(TEXTS[2]) == transform.encode(TEXTS[2])


def test_lowercasing_preserves_offsets():
    assert lowercase_text("İstanbul ABC") == "İstanbul abc" and lowercase_text("ÄÖ") == "äö"


def test_a_file_in_another_format_is_refused(tmp_path):
    (tmp_path / "bad.model").write_bytes(b"no model")
    with pytest.raises(DataError, match="not a SentencePiece model"):
        SentencePiece(str(tmp_path / "bad.model"))
