"""Concepts of words: files, candidates of word pieces, and WordNet."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import DataError, EnvironmentProblem
from common.text.concepts import read_vectors
from common.text.windows import QuestionWindows
from common.text.wordnet import WordNet, graph_vectors, random_vectors
from common.weights.pdparams import UnsafeFile
from PaddleNLP.data.token_concepts import PadConcepts, TokenConcepts
from PaddleNLP.tools import make_concepts

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "new", "york", "in", "rome", "##s", "##port", "where", "?", "air"]


@pytest.fixture
def files(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    (tmp_path / "vectors.txt").write_text("city 1 0\nair 0 1\nyork 2 2\n")
    (tmp_path / "lexicon.txt").write_text("New York\tcity\nnew\tair\nROME\tcity york air\nairport\tair\n")
    return tmp_path


def concepts(files, **more):
    return TokenConcepts(str(files / "lexicon.txt"), str(files / "vectors.txt"), **more)


def test_every_piece_of_the_longest_phrase_has_its_concepts(files):
    sample = {"question": "Where ? Airport", "context": "new york in rome in new romes"}
    windows = QuestionWindows(str(files / "vocab.txt"), max_length=12, stride=4, max_query=5)
    sample = concepts(files, most=2)(windows(sample, None), None)
    ids = sample["concept_ids"]
    assert ids.shape == (*sample["input_ids"].shape, 2) and ids.dtype == np.int64
    # [CLS] where ? air ##port [SEP] new york in rome in [SEP], the second window begins with `rome`'s predecessor
    assert ids[0, :, 0].tolist() == [0, 0, 0, 2, 2, 0, 1, 1, 0, 1, 0, 0]
    assert ids[0, 9].tolist() == [1, 3]  # the first two of three
    assert ids[1, :, 0].tolist()[6:10] == [0, 2, 0, 0]  # in new, and `romes` is another word than rome


def test_a_phrase_keeps_its_case_where_that_is_asked_for(files):
    found = concepts(files, lowercase=False).find("New York, new york")
    assert [(start, end) for start, end, _ in found] == [(0, 8), (10, 13)]


def test_concepts_of_a_batch_are_padded_to_its_windows(files):
    windows = QuestionWindows(str(files / "vocab.txt"), max_length=12, stride=4, max_query=5)
    rows = [
        concepts(files)(windows({"question": "where", "context": text}, None), None) for text in ("rome", "in " * 9)
    ]
    for row in rows:
        row["input_ids"] = np.zeros((3, 12), np.int64)
    rows = PadConcepts()(rows, None)
    assert {row["concept_ids"].shape for row in rows} == {(3, 12, 3)} and rows[0]["concept_ids"].max() == 3


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("vectors.txt", "city 1 0\ncity 2 2\n", r"occurs twice, first on line 1\n.*vectors.txt: line 2"),
        ("lexicon.txt", "rome\tcity\nrome city\n", r"no phrase with its concepts\n.*lexicon.txt: line 2"),
        ("lexicon.txt", "rome\ttown\n", r"a concept that has no vector\n.*line 1\n.*town"),
        ("lexicon.txt", "", "holds no phrase"),
    ],
)
def test_a_bad_line_is_named(files, name, text, message):
    (files / name).write_text(text)
    with pytest.raises(DataError, match=message):
        concepts(files)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 2\nb 1\n", "1 numbers where 2 are expected\n.*line 2"),
        ("a 1 x\n", "not a name and numbers"),
        ("a 1 nan\n", "not finite"),
        ("a\n", "0 numbers where at least one is expected"),
        ("", "holds no vector"),
    ],
)
def test_a_bad_vector_is_named(tmp_path, text, message):
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        read_vectors(str(tmp_path / "v.txt"))


def wordnet(folder):
    """Files of WordNet with a dog, an animal, a house, and to run."""
    head = "  1 license\n"
    texts = {
        "data.noun": head
        + "00000010 03 n 01 animal 0 001 ~ 00000020 n 0000 | lives\n"
        + "00000020 03 n 02 dog 0 Hound 0 002 @ 00000010 n 0000 + 00000040 v 0101 | barks\n"
        + "00000030 03 n 01 house 0 000 | stands\n",
        "index.noun": head
        + "animal n 1 1 ~ 1 0 00000010\ndog n 1 1 @ 1 0 00000020\nhound n 1 1 @ 1 0 00000020\n"
        + "house n 1 0 1 0 00000030\n",
        "data.verb": head + "00000040 29 v 01 dog 0 001 + 00000020 n 0201 01 + 08 00 | follows\n",
        "index.verb": head + "dog v 1 1 + 1 0 00000040\n",
        "noun.exc": "doggen dog\n",
    }
    for name in ("data.adj", "index.adj", "data.adv", "index.adv", *texts):
        (folder / name).write_text(texts.get(name, head))
    return WordNet(str(folder))


def test_words_of_wordnet_have_their_concepts(tmp_path):
    net = wordnet(tmp_path)
    assert net.concepts_of("Dogs") == net.concepts_of("dog") == ["dog.n.00000020", "dog.v.00000040"]
    assert net.concepts_of("doggen") == ["dog.n.00000020"] and net.concepts_of("cat") == []
    assert net.words() == {"animal", "dog", "hound", "house", "doggen"}
    (tmp_path / "index.noun").write_text("animal n 1 1 ~ 1 0 00000099\n")
    with pytest.raises(DataError, match=r"not a line of WordNet's files\n.*index.noun: line 1"):
        WordNet(str(tmp_path))
    with pytest.raises(EnvironmentProblem, match="Debian package wordnet-base"):
        WordNet(str(tmp_path / "none"))


def test_related_concepts_have_similar_vectors(tmp_path):
    net, names = wordnet(tmp_path), ["animal.n.00000010", "dog.n.00000020", "house.n.00000030"]
    close = graph_vectors(net, names, 64, random_for(0)) @ graph_vectors(net, names, 64, random_for(0)).T
    assert np.diag(close) == pytest.approx(1) and close[0, 1] > 0.9 and abs(close[0, 2]) < 0.5
    apart = random_vectors(net, names, 64, random_for(0))
    assert np.linalg.norm(apart, axis=1) == pytest.approx(1) and abs(apart[0] @ apart[1]) < 0.5


def test_the_files_that_are_made_are_read(tmp_path, capsys):
    wordnet(tmp_path)
    (tmp_path / "text.txt").write_text("Two dogs, a house; cats")
    given = {"kind": "wordnet", "source": None, "wordnet": str(tmp_path), "texts": [str(tmp_path / "text.txt")]}
    args = SimpleNamespace(**given, senses=1, size=8, vectors="random", seed=0, out=tmp_path / "made")
    make_concepts.make_concepts(args)
    assert "2 words, 2 concepts of 8 numbers (random, not trained)" in capsys.readouterr().out
    found = TokenConcepts(str(tmp_path / "made/lexicon.txt"), str(tmp_path / "made/vectors.txt"))
    assert found.phrases == {"dogs": [1], "house": [2]}


def test_concepts_of_the_original_program_are_read_without_running_them(tmp_path):
    path = tmp_path / "a.data"
    path.write_bytes(pickle.dumps({"dogs": ["dog.n", "dog.v"], "!": ["x"], "none": []}))
    assert make_concepts.retrieved_concepts(str(path)) == {"dogs": ["dog.n", "dog.v"]}
    entity = {"entity_string": "New York", "retrieved_concepts": ["city"]}
    path.write_bytes(pickle.dumps([{"id": 1, "document_entities": [entity], "query_entities": [entity]}]))
    assert make_concepts.retrieved_concepts(str(path)) == {"New York": ["city"]}
    path.write_bytes(pickle.dumps([{"document_entities": [{}]}]))
    with pytest.raises(DataError, match="neither synsets of words nor samples"):
        make_concepts.retrieved_concepts(str(path))
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(UnsafeFile):
        make_concepts.retrieved_concepts(str(path))
