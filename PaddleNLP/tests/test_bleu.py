"""BLEU against scores that sacrebleu 2.6.0 gave (corpus_bleu, force=True; tokenize 13a, none and char)."""

import pytest

from common.text.bleu import international_words
from PaddleNLP.metrics.bleu import BLEU

PAIRS = [
    ("The cat sat on the mat.", "The cat is sitting on the mat."),
    ("Ein Mann mit einem Hut, der 3,5 kg wiegt (ca.)!", "Ein Mann mit Hut, der 3.5 kg wiegt."),
    (
        "it's a state-of-the-art e-mail: 20-30 &quot;things&quot; & more",
        'it\'s state-of-the-art e-mail; 20-30 "things" and more?',
    ),
    ("a", "a b c d"),
    ("zwei hunde laufen durch den schnee .", "zwei hunde rennen durch den tiefen schnee ."),
    ("", "nothing here"),
]
SETS = {
    "pairs": PAIRS,
    "first": PAIRS[:1],
    "short": [("a b", "a c"), ("b", "b")],
    "odd": [("x y z w v", "a b c d e")],
    "no four": [("a b c x d e f", "a b c y d e f")],
}
SACREBLEU = {
    "pairs": (30.9549649143617, 13.200179774476291, 62.90348381179863),
    "first": (42.38365628278778, 32.159351091190125, 52.936944785516914),
    "short": (0.0, 0.0, 0.0),
    "odd": (0.0, 0.0, 0.0),
    "no four": (41.11336169005196, 41.11336169005196, 41.11336169005196),
}


def scored(pairs, **settings):
    metric = BLEU(None, **settings)
    for text, reference in pairs:
        metric.add(text, reference)
    return metric


@pytest.mark.parametrize("name", SETS)
def test_scores_are_those_of_sacrebleu(name):
    for tokenize, expected in zip(("13a", "words", "characters"), SACREBLEU[name], strict=True):
        assert scored(SETS[name], tokenize=tokenize).compute()["BLEU"] == pytest.approx(expected, abs=1e-9)


def test_punctuation_is_apart_but_inside_of_numbers():
    found = international_words("1,000.5 (a-b) it's 20-30 x.")
    assert " | ".join(found) == "1,000.5 | ( | a-b | ) | it's | 20 | - | 30 | x | ."
    assert scored([("THE CAT IS A CAT", "the cat is a cat")], lowercase=True).compute()["BLEU"] == pytest.approx(100)
    assert scored([("THE CAT IS A CAT", "the cat is a cat")]).compute()["BLEU"] == 0


def test_parts_of_a_corpus_add_up_and_the_best_record_counts():
    class Task:
        def records(self, outputs, samples, labels, threshold):
            return [[{"text": text}, {"text": "worse"}] if text else [] for text in outputs]

    whole, parts = scored(PAIRS), []
    for chosen in (PAIRS[:2], PAIRS[2:]):
        metric = BLEU(Task())
        metric.update([text for text, _ in chosen], {"target": [reference for _, reference in chosen]})
        parts.append(metric.state())
    metric.merge(parts)
    assert metric.compute() == whole.compute()
    assert BLEU(None).compute() == {"BLEU": 0.0, "length_ratio": 0.0}
    with pytest.raises(ValueError, match="tokenize is 'zh'"):
        BLEU(None, tokenize="zh")
