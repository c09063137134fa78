"""The command of several models: its weights, and mistakes of its options."""

import types

import pytest

from common.config.kits import ROOT
from common.errors import ConfigError, DataError
from PaddleNLP.tools.ensemble import named_weight, parser, run_ensemble, score
from PaddleNLP.tools.make_texts import make_texts


def test_a_folder_may_have_a_weight():
    assert named_weight("export/a") == ("export/a", 1.0) and named_weight("a=b=2") == ("a=b", 2.0)
    for text in ("a=x", "a=0", "a=nan", "a=inf", "a=-1"):
        with pytest.raises(ConfigError, match="a number above 0"):
            named_weight(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--model", "a"], "two models or more"),
        (["--model", "a", "--model", "b", "--threshold", "2"], "threshold is 2"),
        (["--model", "a", "--model", "b", "--batch", "0"], "batch is 0"),
        (["--model", "a", "--model", "b", "-c", "x.yml", "--text", "y"], "give one of them"),
    ],
)
def test_mistakes_are_named(given, message):
    with pytest.raises(ConfigError, match=message):
        run_ensemble(parser().parse_args(given))


class Together:
    """Answers every wish with class 1, but for those of a book."""

    labels, task = ("other", "suggestion"), types.SimpleNamespace(name="TextClassification", n_best=1)
    problems = ()

    def predict_samples(self, samples, threshold):
        wishes = ["please" in one["text_a"] and "book" not in one["text_a"] for one in samples]
        answers = [
            [{"category_id": int(wish), "score": 0.75}, {"category_id": int(not wish), "score": 0.25}]
            for wish in wishes
        ]
        return list(zip(samples, answers, strict=True)), list(self.problems)


def test_models_together_are_scored_on_the_data_of_a_configuration(tmp_path):
    make_texts(tmp_path, 8, 16)
    lines = (tmp_path / "suggestions.eval.csv").read_text().splitlines()
    missed = sum("please" in line and "book" in line for line in lines)
    args = types.SimpleNamespace(
        config=str(ROOT / "PaddleNLP/configs/tiny/suggestion.yml"),
        split="test",
        batch=5,
        override=[f"dataset={tmp_path}"],
    )
    found = score(Together(), args)
    # 8 of 16 are wishes: TP 8 - missed, no FP, FN missed
    assert missed and found == pytest.approx({"accuracy": 1 - missed / 16, "F1": 2 * (8 - missed) / (16 - missed)})
    other = Together()
    other.labels = ["a", "b"]
    with pytest.raises(ConfigError, match="the classes of the models are"):
        score(other, args)
    other = Together()
    other.problems = [DataError("a bad text")]
    with pytest.raises(DataError, match="a bad text"):
        score(other, args)
    other.task = types.SimpleNamespace(name="TextRegression")
    with pytest.raises(ConfigError, match="-c scores classifiers"):
        score(other, args)
