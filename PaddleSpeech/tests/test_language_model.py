"""Language models: scores worked out by hand, invalid ARPA files, and models built from transcripts."""

import gzip
import itertools
import math

import pytest

from common.audio.language_model import NgramModel
from common.errors import DataError
from PaddleSpeech.tools import make_arpa
from PaddleSpeech.tools.make_arpa import arpa_lines, units, witten_bell
from tests.made.commands import command

ARPA = """a comment

\\data\\
ngram 1=5
ngram 2=3
ngram 3=1

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.5
-0.9\t</s>
-0.5\ta\t-0.2
-0.7\tb\t-0.3

\\2-grams:
-0.1\t<s> a\t-0.4
-0.6\ta b\t-0.05
-0.3\tb </s>

\\3-grams:
-0.25\t<s> a b

\\end\\
"""


def model_of(tmp_path, text=ARPA, name="lm.arpa"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return NgramModel(path)


def log10(value):
    return value / math.log(10)


@pytest.mark.parametrize("name", ["lm.arpa", "lm.arpa.gz"])
def test_scores_worked_out_by_hand(tmp_path, name):
    model = model_of(tmp_path, name=name)
    assert model.order == 3
    for history, word, right in [
        (("<s>",), "a", -0.1),  # as it stands
        (("<s>", "a"), "b", -0.25),  # the longest
        (("b", "a"), "b", -0.6),  # b a is not there: no weight
        (("<s>", "a"), "a", -0.4 - 0.2 - 0.5),  # weights of <s> a and of a
        (("a", "b"), "</s>", -0.05 - 0.3),
        (("<s>",), "b", -0.5 - 0.7),
        (("a",), "zebra", -0.2 - 1.0),  # <unk>
        ((), "b", -0.7),
    ]:
        assert log10(model.score(history, word)) == pytest.approx(right), (history, word)
    # <s> a b </s>: -0.1 - 0.25 - (0.05 + 0.3): <s> a b has no weight, a b has
    assert log10(model.score_text(["a", "b"])) == pytest.approx(-0.1 - 0.25 - 0.35)
    assert log10(model.score_text(["a", "b"], whole=False)) == pytest.approx(-0.5 - 0.6)


def test_a_shortened_history_scores_as_the_whole_one(tmp_path):
    model = model_of(tmp_path)
    for words in itertools.product(["a", "b", "zebra"], repeat=3):
        history = model.begin()
        for word in words:
            history = model.after(history, word)
        known = tuple(word if model.known(word) else "<unk>" for word in words)
        for word in ("a", "b", "</s>"):
            assert model.score(history, word) == pytest.approx(model.score(known, word)), words


def test_an_unknown_word_of_a_model_without_unk_is_next_to_impossible(tmp_path):
    text = ARPA.replace("ngram 1=5", "ngram 1=4").replace("-1.0\t<unk>\n", "")
    assert log10(model_of(tmp_path, text).score((), "zebra")) == pytest.approx(-100)


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("-0.7\tb", "-0.7x\tb"), 13, "does not begin and end with a number"),
        (("-0.7\tb", "0.7\tb"), 13, "a log10 probability"),
        (("-0.7\tb", "nan\tb"), 13, "a log10 probability"),
        (("-0.6\ta b", "-0.6\tab"), 17, "is not an n-gram of 2 words"),
        (("-0.25\t<s> a b", "-0.25\t<s> a b\t-0.1"), 21, "is not an n-gram of 3 words"),
        (("ngram 2=3", "ngram 2=4"), 23, "3 n-grams of 2 words, 4 in the header"),
        (("ngram 3=1", "ngram three"), 6, "expected 'ngram N=COUNT'"),
        (("\\3-grams:", "\\4-grams:"), 20, "n-grams of 4 words, which the header does not list"),
        (("-0.1\t<s> a", "-0.6\ta b"), 17, "duplicate n-gram 'a b'"),
        (("\\end\\\n", ""), 21, "is the file complete"),
        (("\\data\\", "data"), 23, "no n-grams"),
    ],
)
def test_a_broken_file_is_refused_by_line(tmp_path, change, line, message):
    assert change[0] in ARPA
    with pytest.raises(DataError) as caught:
        model_of(tmp_path, ARPA.replace(*change))
    assert message in str(caught.value) and f"line {line}" in str(caught.value) and "lm.arpa" in str(caught.value)


def test_a_compressed_file_that_ends_early_or_is_damaged_is_refused(tmp_path):
    path, whole = tmp_path / "lm.arpa.gz", gzip.compress(ARPA.encode())
    for place in range(10, len(whole) - 8, 7):  # the checksum stands behind what is read
        for data in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]):
            path.write_bytes(data)
            with pytest.raises(DataError, match=r"lm\.arpa\.gz"):
                NgramModel(path)


def test_what_the_file_says_is_impossible_still_has_a_number(tmp_path):
    """So that a weight of 0 takes it away: 0 times minus infinity is no number."""
    assert log10(model_of(tmp_path, ARPA.replace("-0.7\tb", "-inf\tb")).score((), "b")) == pytest.approx(-100)


def test_witten_bell_worked_out_by_hand():
    """Texts `a a`, `a`: c(<s> a) 2, c(a a) 1, c(a </s>) 2; single words: a 3, </s> 2, N 5, T 2, three words with <unk>.

    p(a) = (3 + 2/3) / 7, p(</s>) = (2 + 2/3) / 7, p(<unk>) = (2/3) / 7; after a: N 3, T 2, so that
    p(</s> | a) = (2 + 2 p(</s>)) / 5; after <s>: N 2, T 1, p(a | <s>) = (2 + p(a)) / 3.
    """
    found = witten_bell([["a", "a"], ["a"]], 2)
    one, end = (3 + 2 / 3) / 7, (2 + 2 / 3) / 7
    assert found[("a",)] == (pytest.approx(one), pytest.approx(2 / 5))
    assert found[("</s>",)] == (pytest.approx(end), None)
    assert found[("<unk>",)] == (pytest.approx(2 / 3 / 7), None)
    assert found[("a", "</s>")] == (pytest.approx((2 + 2 * end) / 5), None)
    assert found[("<s>", "a")] == (pytest.approx((2 + one) / 3), None)
    assert found[("<s>",)] == (0.0, pytest.approx(1 / 3))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_built_model_is_read_again_and_its_probabilities_sum_to_one(order, tmp_path):
    texts = [text.split() for text in ("the cat sat", "the dog sat on the cat", "a dog", "cat", "the cat sat on a dog")]
    (tmp_path / "lm.arpa").write_text("\n".join(arpa_lines(witten_bell(texts, order), order)) + "\n")
    model = NgramModel(tmp_path / "lm.arpa")
    assert model.order == order
    words = sorted({word for text in texts for word in text})
    for history in [(), ("<s>",), ("the",), ("the", "cat"), ("on", "the", "cat"), ("dog", "dog"), ("zebra",)]:
        total = sum(math.exp(model.score(history, word)) for word in [*words, "</s>", "<unk>"])
        assert total == pytest.approx(1.0, abs=1e-6), history
    if order > 1:
        assert model.score_text(["the", "cat", "sat"]) > model.score_text(["sat", "the", "cat"])


def test_a_model_of_characters_writes_the_blank_between_words():
    assert units("ab  c", "character") == ["a", "b", "<space>", "c"] and units("ab  c", "word") == ["ab", "c"]


def test_the_command_reads_manifests_and_texts_and_refuses_what_is_neither(tmp_path):
    manifest, texts, out = tmp_path / "a.jsonl", tmp_path / "b.txt", tmp_path / "lm.arpa.gz"
    manifest.write_text('{"audio_filepath": "x.wav", "duration": 1, "text": "one two"}\n')
    texts.write_text("two one\n\n")
    answer = command(make_arpa.main, manifest, texts, "--out", out, "--order", 2)
    assert answer.code == 0, answer.err
    assert NgramModel(out).known("two")
    for line in ('{"words": "two"}', '{"text": 2}'):
        manifest.write_text(f'{{"text": "one"}}\n{line}\n')
        command(make_arpa.main, manifest, "--out", out).refused(3, "a.jsonl", "line 2")
