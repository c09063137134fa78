"""Tag schemes: what is recognized, what is refused, and the spans that a task answers from them."""

import numpy as np
import pytest

from common.errors import ConfigError
from common.inference.tasks.sequence_labeling import SequenceLabeling
from common.text.tags import TagScheme


@pytest.mark.parametrize(
    ("labels", "name", "first"),
    [
        ("B-PER I-PER O", "BIO", ("B", "PER")),
        ("PER-I PER-B O", "BIO", ("I", "PER")),
        ("M-ORG B-ORG E-ORG S-ORG O", "BMES", ("I", "ORG")),
        ("U-ORG B-ORG I-ORG L-ORG O", "BILOU", ("S", "ORG")),
        ("E-ORG B-ORG S-ORG O", "BIOES", ("E", "ORG")),
        ("B_GOODS I_GOODS O", "BIO", ("B", "GOODS")),
        ("b-per i-per o", "BIO", ("B", "per")),
        ("b-per i-per O", "BIO", ("B", "per")),
        ("B M E S", "BMES", ("B", "")),
        ("s-B s-I m-B O", "BIO", ("B", "s")),
        ("B-ORG-CO I-ORG-CO O", "BIO", ("B", "ORG-CO")),
        ("NN VB O", "tokens", ("S", "NN")),
    ],
)
def test_a_scheme_is_recognized_from_its_labels(labels, name, first):
    scheme = TagScheme(labels.split())
    assert (scheme.name, scheme.tags[0]) == (name, first)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("B-PER I-PER X O", "others have none: X"),
        ("B-PER PER-I O", "others have none"),
        ("b-per i-per x O", "others have none: x"),
        ("B-PER Q-PER O", "others have none: Q-PER"),
        ("B-PER I-PER M-PER O", "the positions B, I, M .* B-PER, I-PER, M-PER, O"),
        ("B-PER L-PER M-PER", "the positions B, L, M"),
    ],
)
def test_mixed_schemes_are_refused_with_the_labels(labels, words):
    with pytest.raises(ConfigError, match=words):
        TagScheme(labels.split())


def test_a_given_scheme_must_fit_the_labels():
    assert TagScheme(["B-X", "I-X"], "BIOES").name == "BIOES"
    for labels, name, words in (
        (["B-X", "E-X"], "BIO", "positions B, E"),
        (["NN"], "BIO", "no tag has a position"),
        (["B-X"], "BOI", "one of BIO"),
    ):
        with pytest.raises(ConfigError, match=words):
            TagScheme(labels, name)


def answer(text, offsets, tags, **sample):
    """`text/label` of the spans of a text whose tokens have these tags."""
    labels = sorted({*tags, "O", *(tag.replace("S-", "B-") for tag in tags)})
    sample = {"text_a": text, "offsets": offsets, "length": len(tags), **sample}
    task = SequenceLabeling()
    outputs = {"tags": np.array([[labels.index(tag) for tag in tags]])}
    return task.line(sample, task.records(outputs, [sample], labels, 0.0)[0])


@pytest.mark.parametrize(
    "tags",
    ["B-ORG M-ORG M-ORG E-ORG O S-LOC", "B-ORG I-ORG I-ORG E-ORG O S-LOC", "B_ORG I_ORG I_ORG I_ORG O B_LOC",
     "b-ORG i-ORG i-ORG i-ORG o b-LOC", "B-ORG I-ORG I-ORG L-ORG O U-LOC", "I-ORG I-ORG I-ORG I-ORG O I-LOC"],
)  # fmt: skip
def test_one_organization_stays_one_in_every_scheme(tags):
    tags = tags.split()
    labels = sorted(set(tags))
    sample = {"text_a": "北京大学在京", "offsets": [(k, k + 1) for k in range(6)], "length": 6}
    outputs = {"tags": np.array([[labels.index(tag) for tag in tags]])}
    found = SequenceLabeling().records(outputs, [sample], labels, 0.0)[0]
    assert [(one["text"], one["label"]) for one in found] == [("北京大学", "ORG"), ("京", "LOC")]


def test_words_of_an_entity_keep_the_blanks_between_them():
    offsets = [(0, 3), (5, 8), (9, 13)]
    assert answer("bob  lee went", offsets, ["B-PER", "E-PER", "O"]) == "bob  lee/PER"
    assert answer("bob  lee went", offsets, ["S-PER", "S-PER", "O"]) == "bob/PER lee/PER"
    assert answer("bob  lee went", offsets, ["NN", "NN", "VB"]) == "bob/NN lee/NN went/VB"
    assert answer("bob  lee went", offsets, ["B", "E", "S"]) == "bob  lee went"


def test_the_pieces_of_a_token_are_tagged_as_its_span_and_answered_as_one():
    labels = ["B-X", "E-X", "I-X", "O", "S-X"]
    pieces = TagScheme(labels).pieces()
    assert [pieces.get(k) for k in range(5)] == [(0, 2, 2), (2, 2, 1), None, None, (0, 2, 1)]
    tags = ["O", "B-X", "I-X", "E-X", "S-X", "O"]
    found = answer("boblee ann", [(0, 6), (7, 10)], tags, word_ids=[-1, 0, 0, 0, 1, -1])
    assert found == "boblee/X ann/X"
