"""Lexical analysis: words from tags, custom dictionaries, and the predictions of the published package."""

import importlib.util
import json
import pathlib

import numpy as np
import pytest

from common.inference.tasks.sequence_labeling import SequenceLabeling, entities, merge_phrase, words
from PaddleNLP.models.assemblies.sequence_labeler import SequenceLabeler
from PaddleNLP.models.encoders.lexical_encoder import LexicalEncoder
from PaddleNLP.models.heads.crf_head import CRFHead
from tests.made.commands import command

HERE = pathlib.Path(__file__).parent
package = pytest.mark.skipif(importlib.util.find_spec("LAC") is None, reason="the package lac is not installed")
LABELS = ["n-B", "n-I", "PER-B", "PER-I", "v-B", "v-I", "O"]


def answer(text, tags, dictionary=None):
    """The records of a text with one tag a character."""
    sample = {"text_a": text, "offsets": [(k, k + 1) for k in range(len(text))], "length": len(text)}
    outputs = {"tags": np.array([[LABELS.index(tag) for tag in tags]])}
    return SequenceLabeling(dictionary).records(outputs, [sample], LABELS, 0.0)[0]


def test_a_word_begins_at_every_b_and_goes_by_its_last_tag():
    found = answer("百度是我", ["n-B", "PER-I", "v-B", "n-B"])
    assert [(r["text"], r["label"], r["start"], r["end"]) for r in found] == [
        ("百度", "PER", 0, 2),
        ("是", "v", 2, 3),
        ("我", "n", 3, 4),
    ]
    assert SequenceLabeling().line({}, found) == "百度/PER 是/v 我/n"


def test_the_first_character_begins_a_word_whatever_its_tag():
    assert words([("I", "n"), ("I", "n"), ("O", ""), ("O", ""), ("I", "v")]) == [("n", 0, 2), ("O", 2, 4), ("v", 4, 5)]


def test_entities_are_what_b_and_i_mark_and_blanks_inside_one_belong_to_it():
    names = [("B", "X"), ("I", "X"), None, ("I", "X"), ("O", ""), ("I", "Y"), ("B", "X"), ("B", "X")]
    assert entities(names) == [
        ("X", 0, 4),
        ("Y", 5, 6),
        ("X", 6, 7),
        ("X", 7, 8),
    ]


def test_a_word_of_the_dictionary_spreads_its_first_tag_over_its_characters():
    sample = {"text_a": "abc d", "offsets": [(0, 3), (4, 5)], "length": 2}
    found = SequenceLabeling().records({"tags": np.array([[0, 4]])}, [sample], LABELS, 0.0)[0]
    assert [(r["text"], r["label"]) for r in found] == [("abc", "n"), ("d", "v")]


def test_a_phrase_of_the_user_overrules_what_was_found(tmp_path):
    """`花开` as two words with labels, `春天` as one word that keeps what was found."""
    tags = ["n-B", "n-B", "n-B", "v-I", "v-B"]
    (tmp_path / "phrases").write_text("春天\n花/x 开/y\n甲乙\n", encoding="utf-8")
    found = answer("春天花开了", tags, str(tmp_path / "phrases"))
    assert [(r["text"], r["label"]) for r in found] == [("春天", "n"), ("花", "x"), ("开", "y"), ("了", "v")]
    found = answer("甲乙丙丁", ["O", "O", "O", "n-B"], str(tmp_path / "phrases"))
    assert [(r["text"], r["label"]) for r in found] == [("甲乙", "O"), ("丙", "O"), ("丁", "n")]
    names = [("B", "n"), ("I", "n"), ("I", "n")]
    merge_phrase(names, 1, [2], ["T"])
    assert names == [("B", "n"), ("B", "T"), ("B", "n")]


def test_the_arrays_of_the_package_are_renamed():
    model = SequenceLabeler(LexicalEncoder(7, 4, 3), CRFHead(6, 5))
    shapes = {"word_emb": (7, 4), "crfw": (7, 5), "fc_4.w_0": (6, 5), "fc_4.b_0": (5,)}
    for k in range(4):
        shapes |= {f"fc_{k}.w_0": (4 if k < 2 else 6, 9), f"fc_{k}.b_0": (9,)}
        shapes |= {f"gru_{k}.w_0": (3, 9), f"gru_{k}.b_0": (1, 9)}
    converted = model.convert_weights({name: np.zeros(shape, "float32") for name, shape in shapes.items()})
    assert {name: value.shape for name, value in converted.items()} == {
        name: tuple(value.shape) for name, value in model.state_dict().items()
    }


@package
def test_the_weights_of_the_package_predict_as_the_package_does(tmp_path):
    """`lac_answers.json` is what `LAC(mode="lac").run` of lac 2.1.2 printed on PaddlePaddle 2.6.2."""
    pairs = json.loads((HERE / "golden/lac_answers.json").read_text(encoding="utf-8"))
    (tmp_path / "in.txt").write_text("\n".join(text for text, _ in pairs) + "\n", encoding="utf-8")
    found = command("infer", "-c", "configs/lac.yml", "--input", tmp_path / "in.txt")
    assert found.code == 0, found.err
    assert found.out.splitlines() == [right for _, right in pairs]


@package
def test_a_line_of_standard_input_and_a_custom_dictionary(tmp_path):
    found = command("infer", "-c", "configs/lac.yml", stdin="百度是一家高科技公司\n".encode())
    assert found.out == "百度/ORG 是/v 一家/m 高科技/n 公司/n\n", found.err
    (tmp_path / "my.dic").write_text("高科技公司/COMPANY\n", encoding="utf-8")
    mine = command(
        "infer", "-c", "configs/lac.yml", "-o", f"custom={tmp_path / 'my.dic'}", "--text", "百度是一家高科技公司"
    )
    assert mine.out == "百度/ORG 是/v 一家/m 高科技公司/COMPANY\n"


def test_without_the_package_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setattr("common.files.importlib.util.find_spec", lambda name: None)
    command("infer", "-c", "configs/lac.yml", "--text", "百度").refused(4, "pip install", "lac==2.1.2")
