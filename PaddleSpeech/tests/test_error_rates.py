"""Word and character error rates against numbers worked out by hand, and against jiwer."""

import types

import numpy as np
import pytest

from common.inference.tasks.speech_recognition import SpeechRecognition
from PaddleSpeech.metrics.error_rates import ErrorRates

LABELS = ["<blank>", "a", "b", "c", "<space>"]


def rates(pairs):
    """The metric of (reference, recognized text) pairs."""
    metric = ErrorRates(types.SimpleNamespace(labels=LABELS), SpeechRecognition())
    for reference, text in pairs:
        metric.add(text, reference)
    return metric


def random_texts(count=60):
    rng = np.random.default_rng(0)
    words = ["a", "b", "ab", "cab", "bac", "cc"]
    return [" ".join(rng.choice(words, rng.integers(1, 7))) for _ in range(count)]


def test_rates_are_of_all_texts_together():
    """Words: 1 substitution and 1 insertion to 4 words; characters: 1 and 2 (space, c) to 5."""
    assert rates([("a b", "a c"), ("b", "b c"), ("a", "a")]).compute() == {"WER": 2 / 4, "CER": 3 / 5}


def test_the_rates_are_those_of_jiwer():
    jiwer = pytest.importorskip("jiwer")
    references, texts = random_texts(), random_texts(61)[1:]
    found = rates(zip(references, texts)).compute()
    assert found["WER"] == pytest.approx(jiwer.wer(references, texts), abs=1e-12)
    assert found["CER"] == pytest.approx(jiwer.cer(references, texts), abs=1e-12)


def test_an_empty_reference_counts_insertions_and_two_empty_texts_are_no_error():
    assert rates([("", "a b"), ("a", "a")]).compute() == {"WER": 2.0, "CER": 3.0}
    assert rates([("", "")]).compute() == {"WER": 0.0, "CER": 0.0}
    assert rates([("", "a")]).compute() == {"WER": np.inf, "CER": np.inf}


def test_the_outputs_of_a_model_are_compared_with_the_labels_of_its_batch():
    metric = ErrorRates(types.SimpleNamespace(labels=LABELS), SpeechRecognition(), primary="CER")
    batch = {"labels": np.array([[1, 4, 2], [3, 0, 0]], "int32"), "label_length": np.array([3, 1])}
    metric.update({"ids": np.array([[1, 4, 3], [3, 0, 0]]), "score": np.ones(2, "float32")}, batch)
    assert metric.compute() == {"WER": 1 / 3, "CER": 1 / 4}


def test_the_states_of_several_processes_are_one():
    parts = [rates([("a b", "a c")]), rates([("b", "b c"), ("a", "a")])]
    whole = rates([])
    whole.merge([part.state() for part in parts])
    assert whole.compute() == rates([("a b", "a c"), ("b", "b c"), ("a", "a")]).compute()
