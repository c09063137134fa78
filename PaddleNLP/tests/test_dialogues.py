"""Dialogues: the readers of their formats, deep attention matching, the accuracy of states, and the rewriting tool."""

import json

import numpy as np
import paddle
import pytest

from common.data.transform import random_for
from common.errors import ConfigError, DataError
from common.testing import check_model
from PaddleNLP.data.dialogues import START, DialogueActs, DialogueReplies, DialogueStates, SlotLines
from PaddleNLP.metrics.joint_goal import JointAccuracy
from PaddleNLP.models.assemblies.deep_attention_matching import DeepAttentionMatching, pooled
from PaddleNLP.tools import make_dialogues


def write(folder, *lines):
    (folder / "a.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def test_slots_are_a_tag_for_each_word(tmp_path):
    found = SlotLines(write(tmp_path, "to paris \tO B-to ", "in rome\tO B-in"), "a.txt")
    assert found.labels == ["B-in", "B-to", "O"]
    assert found[0]["tokens"] == ["to", "paris"] and found[0]["tags"].tolist() == [2, 1]
    with pytest.raises(DataError, match=r"(?s)2 tokens but 1 tags.*line 1.*1 fields where 2.*line 2"):
        SlotLines(write(tmp_path, "to paris\tO", "in rome"), "a.txt")


def test_an_utterance_has_those_before_it_in_its_own_dialogue(tmp_path):
    lines = ("1\tA\task\twho ?", "1\tB\ttell\tann", "1\tA\tthank\tthanks", "2\tA\task\twhere ?")
    found = DialogueActs(write(tmp_path, *lines), "a.txt", history=1)
    assert [sample["text_b"] for sample in found.samples] == [START, "who ?", "ann", START]
    assert found.labels == ["ask", "tell", "thank"] and [sample["label"] for sample in found.samples] == [0, 1, 2, 0]
    with pytest.raises(DataError, match="unknown label 'thank'"):
        DialogueActs(write(tmp_path, *lines), "a.txt", labels=["ask", "tell"])


def test_a_state_is_the_set_of_its_values(tmp_path):
    write(
        tmp_path, "7\t0\t\x01thai food\tfood=thai", "7\t1\twhere ?\x01the south\tarea=south food=thai", "8\t0\t\x01hi\t"
    )
    (tmp_path / "values.txt").write_text("area=south\nfood=thai\n")
    found = DialogueStates(tmp_path, "a.txt", ontology="values.txt")
    assert [sample["label"].tolist() for sample in found.samples] == [[0, 1], [1, 1], [0, 0]]
    assert [sample["text_b"] for sample in found.samples] == [START, "where ? thai food", START]
    with pytest.raises(DataError, match="unknown label 'food=thai'"):
        DialogueStates(tmp_path, "a.txt", labels=["area=south"])
    with pytest.raises(ConfigError, match="needs labels, or ontology"):
        DialogueStates(tmp_path, "a.txt")


def test_a_state_is_right_if_every_value_is():
    metric = JointAccuracy()
    metric.update({"scores": np.array([[0.9, 0.2], [0.9, 0.8]])}, {"label": np.array([[1, 0], [1, 0]])})
    assert metric.compute() == {"joint": 0.5, "F1": pytest.approx(4 / 5)}


def test_replies_are_read_with_the_turns_before_them(tmp_path):
    found = DialogueReplies(write(tmp_path, "1\thi\thow are you\tfine", "0\thi\tno"), "a.txt")
    assert found[0]["text_a"] == "hi _EOS_ how are you" and found[0]["text_b"] == "fine" and found[1]["label"] == 0
    with pytest.raises(DataError, match=r"(?s)unknown label '2'.*line 1.*2 fields where 3.*line 2"):
        DialogueReplies(write(tmp_path, "2\thi\tno", "1\thi"), "a.txt")


def dam():
    paddle.seed(0)
    return DeepAttentionMatching(9, 4, 1, turns=2, words=3, channels=(3, 2))


def test_deep_attention_matching_keeps_the_contract(tmp_path):
    ids = np.array([[[1, 2, 0], [3, 4, 5], [6, 7, 0]], [[8, 1, 2], [0, 0, 0], [3, 0, 0]]])
    batch = {"input_ids": ids, "length": np.array([[2, 3, 2], [3, 0, 1]]), "label": np.array([1, 0])}
    model = check_model(dam, batch, tmp_path)
    ids[0, 0, 2] = 5  # padding is not read
    again = model.predict(paddle.to_tensor(ids), paddle.to_tensor(batch["length"])).numpy()
    ids[0, 0, 2] = 0
    np.testing.assert_allclose(model.predict(paddle.to_tensor(ids), paddle.to_tensor(batch["length"])).numpy(), again)


def test_pooling_counts_a_part_of_a_cell():
    assert [pooled(pooled(size)) for size in (9, 50)] == [1, 6]


def test_replies_of_duconv_are_rewritten_with_wrong_ones_of_other_sessions(tmp_path):
    rows = [{"conversation": [f"hello {k}", f"yes {k}", f"well {k}"]} for k in range(400)]
    (tmp_path / "dev.txt").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = make_dialogues.duconv(str(tmp_path / "dev.txt"), random_for(0))
    assert [len(found[f"{split}.txt"]) for split in ("train", "dev", "test")] == [200, 1000, 2000]
    assert found["train.txt"][0] == "1\thello 0\tyes 0\twell 0" and "well" in found["words.txt"]
    assert len(set(found["test.txt"][:10])) == 10 and found["test.txt"][1][0] == "0"
    (tmp_path / "bad.txt").write_text("[]\n")
    with pytest.raises(DataError, match="line 1: not an object"):
        make_dialogues.duconv(str(tmp_path / "bad.txt"), random_for(0))


def test_states_of_woz_are_rewritten(tmp_path):
    act = {"act": "inform", "slots": [["price range", "cheap"]]}
    turn = {"turn_idx": 0, "system_transcript": "", "transcript": "a cheap one", "belief_state": [act]}
    for split in make_dialogues.WOZ:
        (tmp_path / f"woz_{split}_en.json").write_text(json.dumps([{"dialogue_idx": 3, "dialogue": [turn]}]))
    found = make_dialogues.woz2(tmp_path, None)
    assert found["test.txt"] == ["3\t0\t\x01a cheap one\tprice_range=cheap"] and found["values.txt"] == [
        "price_range=cheap"
    ]
    (tmp_path / "woz_test_en.json").write_text("{")
    with pytest.raises(DataError, match="not a file of WOZ"):
        make_dialogues.woz2(tmp_path, None)
