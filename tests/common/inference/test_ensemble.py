"""Models that answer together: means by hand, and members that do not fit."""

import types

import pytest

from common.errors import ConfigError, DataError
from common.inference.ensemble import Ensemble
from common.inference.tasks.reading_comprehension import ReadingComprehension
from common.inference.tasks.text_classification import TextClassification
from common.inference.tasks.text_regression import TextRegression


class Member:
    """Answers every sample alike, and remembers how many classes it was asked for."""

    inputs, pipeline = {}, types.SimpleNamespace(transforms=[])

    def __init__(self, task, records, labels=None):
        self.task, self.records, self.labels, self.asked = task, records, labels, []


def predict_samples(self, samples, threshold=None):
    self.asked.append((getattr(self.task, "n_best", None), threshold))
    return [(sample, self.records if "text_a" in sample else []) for sample in samples], []


@pytest.fixture(autouse=True)
def answering(monkeypatch):
    monkeypatch.setattr("common.inference.ensemble.predicts_by", lambda member: predict_samples)


def classes(*scores):
    records = [{"label": "abc"[k], "category_id": k, "score": score} for k, score in enumerate(scores)]
    return Member(TextClassification(n_best=2), sorted(records, key=lambda one: -one["score"]), ["a", "b", "c"])


def test_probabilities_of_classes_are_averaged_by_the_weights():
    members = [classes(0.6, 0.3, 0.1), classes(0.0, 0.8, 0.2)]
    ((sample, records), (_, none)), problems = Ensemble(members, ["m", "n"], [1.0, 3.0]).predict_samples(
        [{"text_a": "x"}, {"blank": True}]
    )
    assert [(record["label"], record["score"]) for record in records] == [("b", 0.675)] and not none and not problems
    assert sample == {"text_a": "x"} and members[1].asked == [(3, 0.0)] and members[1].task.n_best == 2
    found = Ensemble(members, ["m", "n"]).predict_samples([{"text_a": "x"}], 0.2)[0][0][1]
    assert [record["label"] for record in found] == ["b", "a"]


def test_classifiers_vote_and_a_tie_gives_the_lower_class():
    members = [classes(0.4, 0.6, 0.0), classes(0.45, 0.55, 0.0), classes(0.99, 0.01, 0.0), classes(0.9, 0.1, 0.0)]

    def answer(chosen, weights=None):
        found = Ensemble(chosen, list("mnop")[: len(chosen)], weights, vote=True).predict_samples(
            [{"text_a": "x"}], 0.0
        )
        return [(record["label"], record["score"]) for record in found[0][0][1]]

    assert answer(members) == [("a", 0.5), ("b", 0.5)]
    assert answer(members[:3]) == [("b", 0.6667), ("a", 0.3333)]  # the mean of the probabilities would say a
    assert answer(members[1:3], [3.0, 1.0]) == [("b", 0.75), ("a", 0.25)]
    with pytest.raises(ConfigError, match="m: TextRegression; models of TextClassification vote"):
        Ensemble([Member(TextRegression(), [])] * 2, ["m", "n"], vote=True)


def test_numbers_and_answers_are_joined():
    members = [Member(TextRegression(), [{"value": value}]) for value in (1.0, 2.0)]
    assert Ensemble(members, ["m", "n"]).predict_samples([{"text_a": "x"}])[0][0][1] == [{"value": 1.5}]

    def answers(**scores):
        return [{"text": text, "start": len(text), "end": 9, "score": score} for text, score in scores.items()]

    task = ReadingComprehension()
    members = [Member(task, answers(ann=0.0, oslo=0.0)), Member(task, answers(oslo=1.0, ro=0.0))]
    ((_, found),), _ = Ensemble(members, ["m", "n"]).predict_samples([{"text_a": "x"}])
    assert [record["text"] for record in found] == ["oslo", "ann", "ro"]
    assert found[0]["score"] == pytest.approx((0.5 + 0.7311) / 2, abs=1e-4)
    assert sum(record["score"] for record in found) == pytest.approx(1, abs=1e-3)


def test_a_sample_that_a_member_cannot_read_does_not_take_the_others_along(monkeypatch):
    def partly(self, samples, threshold=None):
        """One member refuses b, the other has no finite answer for c."""
        refused, lost = DataError("b is bad"), DataError("c is not finite")
        bad = "b" if self.records[0]["value"] == 1.0 else "c"
        rows = [
            (one | {"error": refused}, []) if one["text_a"] == bad == "b" else (one, self.records) for one in samples
        ]
        rows = [row for row in rows if not row[0]["text_a"] == bad == "c"]
        return rows, [refused if bad == "b" else lost]

    monkeypatch.setattr("common.inference.ensemble.predicts_by", lambda member: partly)
    members = [Member(TextRegression(), [{"value": value}]) for value in (1.0, 2.0)]
    rows, problems = Ensemble(members, ["m", "n"]).predict_samples([{"text_a": text} for text in "abcd"])
    assert [(sample["text_a"], records) for sample, records in rows] == [
        ("a", [{"value": 1.5}]), ("b", []), ("d", [{"value": 1.5}]),
    ]  # fmt: skip
    assert [str(error) for error in problems] == ["b is bad", "c is not finite"]


def test_members_that_answer_other_questions_are_refused():
    one = classes(0.5, 0.5, 0.0)
    with pytest.raises(ConfigError, match="n: TextRegression, and m is of TextClassification"):
        Ensemble([one, Member(TextRegression(), [])], ["m", "n"])
    other = classes(0.5, 0.5, 0.0)
    other.labels = ["a", "b"]
    with pytest.raises(ConfigError, match="n: the classes are"):
        Ensemble([one, other], ["m", "n"])
    with pytest.raises(ConfigError, match="each of the 2 models takes one above 0"):
        Ensemble([one, one], ["m", "n"], [1.0, 0.0])
