"""The command that compares a model with simple baselines."""

import json

import pytest

from common.commands.baseline import as_table, verdict
from tests.made.commands import command
from tests.made.tiny_twins import made_set


def scores_of(made_sets, config):
    done = command("baseline", "-c", config, "-o", f"dataset={made_set(config, made_sets)}", "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.mark.parametrize(
    ("config", "titles", "score"),
    [
        (
            "PaddleNLP/configs/tiny/classification/wide.yml",
            ["majority class", "TF-IDF, logistic regression"],
            "accuracy",
        ),
        ("PaddleNLP/configs/tiny/lexical/lexical.yml", ["majority tag", "most frequent tag of each token"], "F1"),
        ("PaddleRec/configs/tiny/ranking/deepfm.yml", ["majority class", "gradient-boosted trees"], "auc"),
        ("PaddleRec/configs/tiny/ranking/din.yml", ["majority class", "logistic regression"], "auc"),
        ("PaddleRec/configs/tiny/matching/sr_gnn.yml", ["popular items", "neighbors of the last item"], None),
        (
            "PaddleCV/configs/tiny/classification/resnet.yml",
            ["majority class", "logistic regression, 16 x 16 pixels"],
            "top1",
        ),
    ],
)
def test_a_baseline_of_each_task_is_better_than_none(made_sets, config, titles, score):
    found = scores_of(made_sets, config)
    assert set(titles) <= set(found)
    if score:
        assert found[titles[1]][score] > found[titles[0]][score]


def test_a_task_without_a_baseline_is_refused(made_sets):
    config = "PaddleNLP/configs/tiny/reading/reading.yml"
    done = command("baseline", "-c", config, "-o", f"dataset={made_set(config, made_sets)}")
    done.refused(2, "no simple baseline for reading comprehension", "text classification")


def test_the_table_has_the_primary_score_first_and_a_verdict():
    class Error:
        primary, higher_is_better = "error", False

    table = {"majority": {"auc": 0.5, "error": 0.4}, "the model": {"auc": 0.8, "error": 0.1}}
    lines = as_table(table, "error").splitlines()
    assert lines[0].split() == ["error", "auc"] and lines[2].split()[-2:] == ["0.1000", "0.8000"]
    assert verdict(table["the model"], {"majority": table["majority"]}, Error) == (
        "the model is 0.3000 error better than majority\n"
    )
