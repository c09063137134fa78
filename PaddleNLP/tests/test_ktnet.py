"""KT-NET: its memories, its self-matching, and the readers of its data."""

import json

import numpy as np
import paddle
import pytest

from common.config import load_config
from common.config.kits import ROOT
from common.errors import DataError
from common.testing import check_model, count_parameters
from PaddleNLP.data.record_questions import RecordQuestions
from PaddleNLP.models.assemblies.ktnet import KTNET
from PaddleNLP.models.encoders.transformer import BERT
from PaddleNLP.models.heads.concept_memory import ConceptMemory, read_memory
from PaddleNLP.models.heads.self_matching import match_weights, matched

UNUSED = ["*pooler*", "matching.own", "matching.bias"]  # a softmax does not see what all of its scores share


def encoder():
    return BERT(30, hidden_size=16, layers=2, heads=2, max_positions=8, dropout=0.0)


def batch(*names):
    rng = np.random.default_rng(0)
    windows = {
        "input_ids": rng.integers(1, 30, (2, 3, 7)),
        "token_type_ids": rng.integers(0, 2, (2, 3, 7)),
        "length": np.array([[7, 4, 2], [5, 0, 0]]),
        "start": np.array([[1, 0, 0], [2, -1, -1]]),
        "end": np.array([[2, 0, 0], [3, -1, -1]]),
    }
    return windows | {name: rng.integers(0, 5, (2, 3, 7, 2 + k)) for k, name in enumerate(names)}


@pytest.mark.parametrize("names", [(), ("concept_ids",), ("concept_ids", "entity_ids")])
def test_ktnet_keeps_the_contract_with_each_number_of_memories(names, tmp_path):
    def make():
        model = KTNET(encoder(), [ConceptMemory(16, 4, size) for size in (4, 3)[: len(names)]])
        for memory in model.memories:  # of a sentinel of zeros no gradient reaches the first steps of its query
            memory.sentinel.set_value(paddle.ones_like(memory.sentinel) * 0.1)
        return model

    model = check_model(make, batch(*names), tmp_path, unused=UNUSED)
    assert list(model.inputs)[3:] == list(names) and all(memory.table.weight.stop_gradient for memory in model.memories)


def test_three_memories_are_refused():
    with pytest.raises(ValueError, match="KTNET has 3 memories; it takes 2"):
        KTNET(encoder(), [ConceptMemory(16, 4, 2) for _ in range(3)])


def test_a_token_reads_the_softmax_of_its_candidates_and_the_sentinel():
    query = paddle.to_tensor([[[1.0, 0.0], [1.0, 0.0]]])
    candidates = paddle.to_tensor([[[[np.log(3.0), 2.0], [9.0, 9.0]], [[9.0, 9.0], [9.0, 9.0]]]], "float32")
    there, sentinel = paddle.to_tensor([[[1.0, 0.0], [0.0, 0.0]]]), paddle.to_tensor([0.0, 4.0])
    found = read_memory(query, candidates, there, sentinel).numpy()
    # scores log 3 and 0: weights 3/4 and 1/4; the padding has none, and nothing is read where nothing is there
    np.testing.assert_allclose(found[0, 0], [0.75 * np.log(3), 0.75 * 2 + 0.25 * 4], rtol=1e-5)
    np.testing.assert_array_equal(found[0, 1], [0, 0])


def test_a_token_attends_to_the_others_by_three_weights():
    x, mask = paddle.to_tensor([[[1.0], [2.0], [7.0]]]), paddle.to_tensor([[1.0, 1.0, 0.0]])
    own, other, both, bias = (paddle.to_tensor([value]) for value in (5.0, 1.0, np.log(2.0) - 1, 3.0))
    weights = match_weights(x, mask, own, other, both.astype("float32"), bias).numpy()[0]
    # other x_j + both x_i x_j: of the first token log 2 * j, so 2 and 4; of the second (2 log 2 - 1) j
    np.testing.assert_allclose(weights[0], [1 / 3, 2 / 3, 0], atol=1e-6)
    second = np.exp((2 * np.log(2) - 1) * np.array([1, 2]))
    np.testing.assert_allclose(weights[1, :2], second / second.sum(), rtol=1e-5)


def test_a_token_is_beside_what_it_attends_to_in_one_and_in_two_steps():
    found = matched(paddle.to_tensor([[[2.0], [4.0]]]), paddle.to_tensor([[[0.5, 0.5], [0.0, 1.0]]])).numpy()[0]
    np.testing.assert_allclose(found, [[2, 3, 6, -1, 3.5, -1.5], [4, 4, 16, 0, 4, 0]])  # 3.5 = 3 / 2 + 4 / 2


def test_the_full_size_model_has_the_parameters_of_the_original():
    for name in ("ktnet_squad", "ktnet_record"):
        with paddle.LazyGuard():
            model = load_config(ROOT / f"PaddleNLP/configs/{name}.yml").build("model")
        pooler = sum(p.size for p in model.encoder.pooler.parameters())
        tables = sum(memory.table.weight.size for memory in model.memories)
        assert (
            count_parameters(model)[0] - pooler - tables == 332_765_507 and tables == 21_200 + 212
        )  # no concept is a row


def test_vectors_fill_the_table_and_others_than_configured_are_refused(tmp_path):
    (tmp_path / "v.txt").write_text("a 1 2\nb 3 4\n")
    table = ConceptMemory(16, 2, 2, str(tmp_path / "v.txt")).table.weight.numpy()
    np.testing.assert_array_equal(table, [[0, 0], [1, 2], [3, 4]])
    with pytest.raises(ValueError, match="2 concepts of 2 numbers, ConceptMemory takes concepts: 3 and size: 2"):
        ConceptMemory(16, 3, 2, str(tmp_path / "v.txt"))
    assert ConceptMemory(16, 3, 2, str(tmp_path / "gone.txt")).table.weight.shape == [4, 2]  # weights will be loaded


def test_queries_of_record_are_read(tmp_path):
    answers = [{"start": 4, "end": 7, "text": "rome"}]
    row = {
        "passage": {"text": "see rome", "entities": []},
        "qas": [{"id": "q", "query": "@placeholder", "answers": answers}],
    }
    (tmp_path / "a.json").write_text(json.dumps({"data": [row]}))
    (sample,) = RecordQuestions(str(tmp_path), "a.json")
    assert (sample["question"], sample["answers"], sample["qid"]) == ("@placeholder", ["rome"], "q")
    assert (sample["answer_start"], sample["answer_end"]) == (4, 8)
    for change, message in (
        ({"passage": {}}, r"no string 'text': not ReCoRD's format\n.*data\[0\].passage"),
        ({"qas": [{"id": "q"}]}, "a question has no question"),
        ({"qas": [{"id": "q", "query": "a", "answers": [{}]}]}, "an answer is a string, or an object"),
        ({"qas": ["q"]}, "a question is not an object"),
    ):
        (tmp_path / "a.json").write_text(json.dumps({"data": [row | change]}))
        with pytest.raises(DataError, match=message):
            RecordQuestions(str(tmp_path), "a.json")
