"""Replies that are written from facts: the reader, the scores, the model and what it learns first."""

import json
import types

import numpy as np
import paddle
import pytest

from common.commands.check import describe_dataset
from common.data.transform import random_for
from common.errors import DataError
from common.layers.token_search import TokenSearch
from common.testing import check_model, count_parameters
from PaddleNLP.data.knowledge_dialogues import KnowledgeDialogues
from PaddleNLP.metrics.reply_overlap import ReplyOverlap
from PaddleNLP.models.assemblies.knowledge_writer import KnowledgeWriter
from PaddleNLP.tools import make_dialogues

ROW = {"goal": [["START", "ann"]], "knowledge": [["ann", "saw", "rome"]], "conversation": ["hi  ann", "yes", "good"]}


def write(folder, *rows):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "a.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder


def test_turns_of_the_one_who_leads_are_samples(tmp_path):
    answered = {key: ROW[key] for key in ("goal", "knowledge")} | {"history": ["hi"], "response": "who ?"}
    found = KnowledgeDialogues(write(tmp_path, ROW, answered), "a.txt")
    assert [sample["target"] for sample in found.samples] == ["hi ann", "good", "who ?"]
    assert found[0]["text_a"] == "START ann" and found[1]["text_a"] == "START ann _EOS_ hi ann _EOS_ yes"
    assert found[2]["text_b"] == "ann saw rome" and found[1]["place"] == "line 1, turn 3"
    assert len(KnowledgeDialogues(tmp_path, "a.txt", sessions=[1, 2])) == 1


@pytest.mark.parametrize("row", ["{", "[]", {"goal": []}, ROW | {"knowledge": ["a"]}, ROW | {"conversation": "hi"}])
def test_a_line_that_is_no_session_is_refused(row, tmp_path):
    with pytest.raises(DataError, match="line 2"):
        KnowledgeDialogues(write(tmp_path, ROW, row), "a.txt")


def test_scores_of_replies_are_those_of_hand():
    task = types.SimpleNamespace(records=lambda outputs, *_: [[{"text": text}] for text in outputs])
    metric = ReplyOverlap(task)
    metric.update(["a b a", "c"], {"target": ["a b", "d c e"]})
    found = metric.compute()
    assert found["F1"] == pytest.approx(200 * 3 / 9)
    assert found["BLEU-1"] == pytest.approx(50 * (2 / 3 + np.exp(-2)))
    assert found["BLEU-2"] == pytest.approx(50 * (2 / 3 * 1 / 2) ** 0.5)
    assert found["distinct-1"] == pytest.approx(75) and found["distinct-2"] == pytest.approx(100)
    other = ReplyOverlap(task)
    other.merge([metric.state()])
    assert other.compute() == found


def writer(**more):
    search = TokenSearch(max_length=5, beam_size=3, n_best=2)
    return KnowledgeWriter(12, embedding_size=5, hidden_size=6, facts=2, words=3, search=search, **more)


def batch():
    rng = np.random.default_rng(0)
    return {
        "input_ids": rng.integers(3, 12, (3, 5)), "length": np.array([5, 3, 1]),
        "fact_ids": rng.integers(3, 12, (3, 2, 3)), "fact_length": np.array([[3, 2], [1, 0], [2, 3]]),
        "target_ids": rng.integers(3, 12, (3, 4)), "target_length": np.array([4, 2, 3]),
    }  # fmt: skip


def test_the_contract_is_kept(tmp_path):
    check_model(lambda: writer(posterior=True), batch(), tmp_path, exported=False)  # its twin is exported


def test_there_are_as_many_parameters_as_in_the_original():
    with paddle.LazyGuard(), paddle.utils.unique_name.guard():
        assert count_parameters(KnowledgeWriter(1000))[0] == 19_446_801


def test_replies_that_are_found_score_as_they_are_taught_and_absent_facts_are_not_read():
    paddle.seed(3)
    net = writer()
    for parameter in net.parameters():
        parameter.set_value(parameter * 6)
    net.eval()
    given = {name: paddle.to_tensor(value) for name, value in batch().items()}
    inputs = [given[name] for name in net.inputs]
    tokens, lengths, scores = net(*inputs)
    memory = net.encode(*inputs)
    for k in range(2):
        before = paddle.concat([paddle.full([3, 1], net.start, "int64"), tokens[:, k, :-1]], 1)
        log_p = paddle.nn.functional.log_softmax(net.teach(before, memory)).numpy()
        for row in range(3):
            size = lengths[row, k].item()
            total = sum(log_p[row, place, tokens[row, k, place].item()] for place in range(size))
            assert scores[row, k].item() == pytest.approx(total / ((5 + size) / 6) ** 0.6, abs=1e-4)
    inputs[2][1, 1] = 0  # of a fact that is not there
    np.testing.assert_array_equal(net(*inputs)[0][1].numpy(), tokens[1].numpy())


def test_the_choice_of_facts_is_trained_first_and_a_checkpoint_has_the_count():
    net = writer(posterior=True, knowledge_steps=2, dropout=0.0)
    given = {name: paddle.to_tensor(value) for name, value in batch().items()}
    net.train()
    found = [net.loss(given) for _ in range(3)]
    assert [losses["loss_tokens"].item() > 0 for losses in found] == [False, False, True]
    assert set(found[0]) == {"loss_kl", "loss_words", "loss_tokens"} and found[0]["loss_kl"].item() >= 0
    again = writer(knowledge_steps=2)
    again.load_training_state(net.training_state())
    assert again.steps == 3


def test_sessions_are_split_and_replies_have_the_facts_before_them(tmp_path):
    rows = [ROW | {"conversation": [f"hello {k}", f"yes {k}", f"well {k}"]} for k in range(400)]
    found = make_dialogues.duconv_knowledge(str(write(tmp_path, *rows) / "a.txt"), random_for(0))
    assert [len(found[f"{split}.txt"]) for split in ("train", "dev", "test")] == [100, 100, 200]
    assert found["words.txt"][:5] == ["<unk>", "<s>", "</s>", "_EOS_", "<fact>"] and "rome" in found["words.txt"]
    assert found["replies.train.txt"][0] == "1\t<fact> ann saw rome\tSTART ann\thello 0"
    assert len(found["replies.test.txt"]) == 200 * 2 * 10
    with pytest.raises(DataError, match="line 1: not a session"):
        make_dialogues.duconv_knowledge(str(write(tmp_path, "{}") / "a.txt"), random_for(0))


def test_texts_without_labels_have_no_number_of_classes(tmp_path):
    found = KnowledgeDialogues(write(tmp_path, ROW), "a.txt")
    assert found.labels is None and found.num_classes is None
    assert describe_dataset(found, 2) == "2 samples"
