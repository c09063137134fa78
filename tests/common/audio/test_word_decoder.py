"""Viterbi decoding of words: against all paths, with priors, bigrams and word scores; refusals."""

import itertools

import numpy as np
import pytest

from common.audio.word_decoder import WordDecoder, read_priors
from common.errors import DataError

ARPA = """\\data\\
ngram 1=4
ngram 2=3

\\1-grams:
-99 <s> 0
-0.6 </s>
-0.7 a -0.2
-0.5 b -0.1

\\2-grams:
-0.1 <s> b
-0.2 b a
-0.3 a </s>

\\end\\
"""
STATES = ["x", "y", "z"]


@pytest.fixture
def lexicon(tmp_path):
    (tmp_path / "lexicon.txt").write_text("a x y\nb z\n")
    (tmp_path / "lm.arpa").write_text(ARPA)
    return tmp_path / "lexicon.txt"


def best_by_enumeration(decoder, scores):
    """The best words over all sequences of states, each of which is the words' states with repetitions."""
    frames, found = len(scores), (-np.inf, 0, None)
    chains = {"a": [0, 1], "b": [2]}
    for count in range(1, frames + 1):
        for words in itertools.product("ab", repeat=count):
            chain = [state for word in words for state in chains[word]]
            if len(chain) > frames:
                continue
            path = [decoder.following(before)["ab".index(word)] for before, word in zip((None, *words), words)]
            fixed = sum(path) + decoder.following(words[-1])[-1]
            for cuts in itertools.combinations(range(1, frames), len(chain) - 1):
                states = np.repeat(chain, np.diff([0, *cuts, frames]))
                total = round(fixed + scores[np.arange(frames), states].sum(), 9)
                found = max(found, (total, -count, list(words)))  # of equal paths the one with fewer words
    return found[2]


@pytest.mark.parametrize("seed", range(4))
def test_the_best_of_all_paths_is_found(lexicon, seed):
    rng = np.random.default_rng(seed)
    log_probs = np.log(rng.dirichlet([0.5] * 3, 6))
    priors = np.log([0.5, 0.3, 0.2])
    lm = str(lexicon.with_name("lm.arpa"))
    for given in ({}, {"beta": -2.0}, {"lm": lm, "alpha": 1.5, "beta": 0.3}):
        decoder = WordDecoder(lexicon, STATES, **given)
        words, score = decoder.decode(log_probs, priors, 0.7)
        assert words == best_by_enumeration(decoder, 0.7 * (log_probs - priors))
        assert 0 < score <= 1


def test_the_score_is_the_mean_probability_of_the_path(lexicon):
    probs = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.1, 0.7, 0.2]])
    words, score = WordDecoder(lexicon, STATES, beta=-5).decode(np.log(probs))
    assert words == ["a"] and score == pytest.approx((0.9 * 0.8 * 0.7) ** (1 / 3))
    (lexicon.with_name("long.txt")).write_text("a 0 1 2\n")
    assert WordDecoder(lexicon.with_name("long.txt")).decode(np.log(probs[:2])) == ([], 0.0)


def test_counts_become_priors(tmp_path):
    (tmp_path / "counts").write_text(" [ 3 0 1 ]\n")
    np.testing.assert_allclose(np.exp(read_priors(tmp_path / "counts")), [0.6, 0.2, 0.2])
    for text, words in (("a\n", "no counts"), ("-1\n2\n", "0 or more"), ("\n", "not all 0")):
        (tmp_path / "counts").write_text(text)
        with pytest.raises(DataError, match=words):
            read_priors(tmp_path / "counts")


@pytest.mark.parametrize("text, words", [
    ("a\n", "(?s)has no states.*line 1"), ("a x\nb q\n", "(?s)no state 'q'.*line 2"), ("\n", "no pronunciation"),
])  # fmt: skip
def test_slips_of_a_lexicon_are_named(lexicon, text, words):
    lexicon.write_text(text)
    with pytest.raises(DataError, match=words):
        WordDecoder(lexicon, STATES)


def test_other_numbers_of_states_are_refused(lexicon):
    with pytest.raises(DataError, match="the model has 2 states"):
        WordDecoder(lexicon, STATES).decode(np.zeros((3, 2)))
    with pytest.raises(DataError, match="priors are of 4 states"):
        WordDecoder(lexicon, STATES).decode(np.zeros((3, 3)), np.zeros(4))
