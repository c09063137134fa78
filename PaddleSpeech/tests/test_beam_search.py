"""CTC beam search against the enumeration of all texts, with and without a language model."""

import copy
import itertools

import numpy as np
import pytest

from common.audio.ctc_beam_search import (
    BeamSearch,
    CharacterScorer,
    IncrementalBeam,
    WordScorer,
    ctc_beam_search,
    top_tokens,
)
from common.audio.language_model import NgramModel
from common.errors import DataError, Diverged
from common.inference.tasks.speech_recognition import SpeechRecognition
from PaddleSpeech.tools.make_arpa import arpa_lines, units, witten_bell
from tests.common.layers.ctc_by_hand import ctc_probability

TOKENS = ["", "a", "b", " "]


def model_of(tmp_path, texts, unit, order=3):
    path = tmp_path / f"{unit}.arpa"
    grams = witten_bell([units(text, unit) for text in texts], order)
    path.write_text("\n".join(arpa_lines(grams, order)) + "\n")
    return NgramModel(path)


def log_probs(frames, seed, tokens=4):
    return np.log(np.random.default_rng(seed).dirichlet(np.full(tokens, 0.7), frames))


def all_texts(rows, worth):
    """(worth, tokens) of every text that fits into the frames, the best first; `worth(tokens)` is the model's part."""
    found = []
    for size in range(len(rows) + 1):
        for text in itertools.product(range(1, rows.shape[1]), repeat=size):
            chance = ctc_probability(np.exp(rows), list(text))
            if chance > 0:
                found.append((np.log(chance) + worth(text), list(text)))
    return sorted(found, key=lambda item: -item[0])


@pytest.mark.parametrize("seed", range(5))
def test_without_a_model_a_beam_that_drops_nothing_finds_every_text_with_its_probability(seed):
    rows = log_probs(5, seed)
    found = ctc_beam_search(rows, WordScorer(None, TOKENS, 0.0, 0.0), beam_size=10**6)
    right = all_texts(rows, lambda text: 0.0)
    assert len(found) == len(right)
    assert found[0][0] == right[0][1]
    by_text = {tuple(text): (worth, recognized) for text, worth, recognized in found}
    for worth, text in right:
        assert by_text[tuple(text)] == (pytest.approx(worth), pytest.approx(worth))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("unit", ["word", "character"])
def test_with_a_model_the_worth_is_that_of_the_definition(unit, seed, tmp_path):
    """log p_ctc + alpha log p_lm + beta (words, or characters)."""
    model, alpha, beta = model_of(tmp_path, ["a ab", "ba a", "ab ab b", "a"], unit), 0.7, 0.4

    def worth(text):
        spelled = "".join(TOKENS[token] for token in text)
        parts = spelled.split() if unit == "word" else ["<space>" if c == " " else c for c in spelled]
        return alpha * model.score_text(parts) + beta * len(parts)

    rows = log_probs(5, seed)
    scorer = {"word": WordScorer, "character": CharacterScorer}[unit](model, TOKENS, alpha, beta)
    found = ctc_beam_search(rows, scorer, beam_size=10**6)
    right = all_texts(rows, worth)
    assert found[0][1] == pytest.approx(right[0][0])
    values = {tuple(text): value for text, value, _ in found}
    assert len(values) == len(right)
    for value, text in right:
        assert values[tuple(text)] == pytest.approx(value), text


def test_a_text_that_the_best_path_misses_is_found():
    """Two frames of .4 a, .6 blank: the best path, both blank, has .36; `a` has .4 + .6 x .4 = .64."""
    rows = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    text, worth, _ = ctc_beam_search(rows, WordScorer(None, ["", "a"], 0.0, 0.0))[0]
    assert text == [1] and worth == pytest.approx(np.log(0.64))


def test_asking_a_model_about_the_likeliest_first_drops_no_text_that_is_better(tmp_path):
    """A narrow beam against one that scores every extension of a text, frame by frame."""
    model = model_of(tmp_path, ["a ab", "ba a", "ab ab b"], "character")
    for seed in range(8):
        rows, beam = log_probs(12, seed), IncrementalBeam(CharacterScorer(model, TOKENS, 1.3, 0.9), 6)
        for row in rows:
            wide = copy.deepcopy(beam)
            wide.beam_size = 10**6
            wide.feed(row[None])
            beam.feed(row[None])
            scores = np.logaddexp(wide.blank, wide.other) + np.array(wide.tree.score)[wide.nodes]
            best = [wide.tree.text(wide.nodes[k]) for k in np.argsort(-scores, kind="stable")[:6]]
            assert [beam.tree.text(node) for node in beam.nodes] == best


def test_a_narrow_beam_keeps_its_size_and_still_finds_what_is_plain():
    rows = np.log(np.full((8, 4), 0.01))
    for frame, token in enumerate([1, 1, 0, 1, 2, 3, 2, 0]):
        rows[frame, token] = np.log(0.97)
    found = ctc_beam_search(rows, WordScorer(None, TOKENS, 0.0, 0.0), beam_size=3)
    assert len(found) == 3 and found[0][0] == [1, 1, 2, 3, 2]


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(Diverged, match="not finite"):
        ctc_beam_search(np.full((2, 4), value), WordScorer(None, TOKENS, 0.0, 0.0))


def test_tokens_of_a_frame_are_looked_at_up_to_a_probability_and_a_number():
    row = np.log(np.array([0.2, 0.5, 0.05, 0.25]))
    assert top_tokens(row, 1.0, 40).tolist() == [1, 3, 2]
    assert top_tokens(row, 0.7, 40).tolist() == [1, 3]
    assert top_tokens(row, 0.45, 40).tolist() == [1] and top_tokens(row, 1.0, 1).tolist() == [1]


def test_a_model_of_words_decides_between_words_that_sound_alike(tmp_path):
    model = model_of(tmp_path, ["ab"] * 9 + ["ba"], "word", 2)
    rows = np.log(np.array([[0.02, 0.48, 0.49, 0.01], [0.97, 0.01, 0.01, 0.01], [0.02, 0.48, 0.49, 0.01]]))
    recognized = ctc_beam_search(rows, WordScorer(None, TOKENS, 0.0, 0.0))[0][0]
    corrected = ctc_beam_search(rows, WordScorer(model, TOKENS, 1.0, 0.0))[0][0]
    assert recognized == [2, 1] and corrected == [1, 2]


def test_the_records_of_a_batch_are_searched_by_the_decoder_of_the_task():
    rows = np.log(np.array([[[0.6, 0.4], [0.6, 0.4]]] * 2, "float32"))
    outputs = {"ids": np.zeros((2, 2), "int64"), "score": np.full(2, 0.6), "log_probs": rows, "length": [2, 2]}
    decoder = BeamSearch(beam_size=8, cutoff=1.0, alpha=0.0, beta=0.0)
    found = SpeechRecognition(decoder).records(outputs, [], ["<blank>", "a"], 0.0)
    assert found == [[{"text": "a", "score": 0.8}]] * 2  # .64 over two frames: .8 each
    for best_path in (SpeechRecognition(), SpeechRecognition(BeamSearch(beam_size=0))):
        assert best_path.records(outputs, [], ["<blank>", "a"], 0.0) == [[{"text": "", "score": 0.6}]] * 2


@pytest.mark.parametrize(
    ("texts", "unit", "words"),
    [
        (["xyz zy"] * 3, "character", "0 of 2 characters of the speech model are in it"),
        (["cd ef", "ab"], "word", "1 of 3 words of the language model can be spelled"),
    ],
)
def test_a_language_model_of_another_alphabet_is_refused(tmp_path, texts, unit, words):
    model_of(tmp_path, texts, unit)
    rows = np.log(np.full((1, 2, 4), 0.25, "float32"))
    outputs = {"score": np.full(1, 0.5), "log_probs": rows, "length": [2]}
    decoder = BeamSearch(str(tmp_path / f"{unit}.arpa"), unit=unit)
    with pytest.raises(DataError, match=f"another alphabet than the model: {words}"):
        SpeechRecognition(decoder).records(outputs, [], ["<blank>", "a", "b", "<space>"], 0.0)
