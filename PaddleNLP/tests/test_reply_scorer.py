"""Replies that are scored and rated: the model, its parameters, its losses by hand, and the rewriting of the data."""

import gzip
import json

import numpy as np
import paddle
import pytest

from common.data.transform import random_for
from common.errors import DataError
from common.testing import check_model, count_parameters
from PaddleNLP.models.assemblies.reply_scorer import ReplyRater, ReplyScorer
from PaddleNLP.tools import make_dialogues

BATCH = {
    "input_ids": np.array([[3, 4, 5, 6, 7, 8], [9, 2, 3, 4, 0, 0]]),
    "token_type_ids": np.array([[0, 0, 0, 0, 1, 1], [0, 1, 1, 1, 0, 0]]),
    "length": np.array([6, 4]),
}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (ReplyScorer, {"label": np.array([1, 0])}),
        (ReplyRater, {"value": np.array([0.5, 2], np.float32)}),
    ],
)
def test_the_contract_is_kept(kind, more, tmp_path):
    check_model(lambda: kind(12, 4, 4), BATCH | more, tmp_path, exported=False)  # their twins are exported


def test_there_are_as_many_parameters_as_in_the_original():
    with paddle.LazyGuard(), paddle.utils.unique_name.guard():
        assert count_parameters(ReplyScorer(484016))[0] == 124_500_737


def test_losses_are_those_of_hand_and_a_rater_takes_the_weights_of_a_scorer():
    paddle.seed(0)
    scorer, rater = ReplyScorer(12, 4, 4), ReplyRater(12, 4, 4)
    assert rater.set_state_dict(scorer.state_dict()) == ([], [])
    given = {name: paddle.to_tensor(value) for name, value in BATCH.items()}
    logits = scorer.predict(**given).numpy().astype(np.float64)
    right = 1 / (1 + np.exp(-logits))
    found = scorer.loss(given | {"label": paddle.to_tensor([1, 0])})["loss_class"].item()
    assert found == pytest.approx(-(np.log(right[0]) + np.log(1 - right[1])) / 2, rel=1e-5)
    found = rater.loss(given | {"value": paddle.to_tensor([0.5, 2.0])})["loss_value"].item()
    assert found == pytest.approx((((2 * right - [0.5, 2]) ** 2) / 4).mean(), rel=1e-5)
    alone = scorer.predict(*(given[name][1:, :4] if name != "length" else given[name][1:] for name in BATCH))
    assert alone.item() == pytest.approx(logits[1], rel=1e-5)  # padding is not read
    scorer.bias.set_value(paddle.to_tensor([99.0]))
    assert scorer.loss(given | {"label": paddle.to_tensor([0, 0])})["loss_class"].item() == 10


def test_dialogues_of_mutual_have_their_reply_and_one_of_another(tmp_path):
    rows = [{"article": f"m : hi {k}", "options": ["a", f"b {k}", "c", "d"], "answers": "B"} for k in range(4)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "dev.jsonl.gz").write_bytes(gzip.compress((json.dumps(rows[0]) + "\n" + json.dumps(rows[1])).encode()))
    found = make_dialogues.mutual(tmp_path, random_for(0))
    assert found["train.tsv"][1] == "m : hi 0\tb 0\t1" and len(found["train.tsv"]) == 9 and "hi" in found["words.txt"]
    assert found["dev.tsv"][2] == "m : hi 0\tb 1\t0"
    (tmp_path / "train.jsonl").write_text(json.dumps(rows[0]) + '\n{"article": 3}\n')
    with pytest.raises(DataError, match="line 2: no text 'article'"):
        make_dialogues.mutual(tmp_path, random_for(0))


def test_every_dialogue_with_ratings_is_tested_in_one_fold(tmp_path):
    rows = [{"context": [f"hi {k // 2}"], "response": f"yes {k}", "score": 1 + k % 5} for k in range(20)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = make_dialogues.grade(str(tmp_path / "a.jsonl"), random_for(0))
    tests = [found[f"test.{fold}.tsv"][1:] for fold in range(5)]
    assert sorted(line for lines in tests for line in lines) == sorted(
        f"hi {k // 2}\tyes {k}\t{(k % 5) / 2:.4f}" for k in range(20)
    ) and tests[1] == found["dev.0.tsv"][1:]  # fmt: skip
    kept = {line.split("\t")[0] for line in found["train.0.tsv"][1:]}
    assert not kept & {line.split("\t")[0] for line in tests[0] + tests[1]} and len(kept) == 6
    (tmp_path / "a.jsonl").write_text('{"context": ["a"]}\n')
    with pytest.raises(DataError, match="line 1: no list 'context'"):
        make_dialogues.grade(str(tmp_path / "a.jsonl"), random_for(0))
