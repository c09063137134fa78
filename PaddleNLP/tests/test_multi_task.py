"""Several tasks together: mixed batches, transforms and scores of a task, and one encoder for all."""

import gzip
import json
from collections import Counter
from types import SimpleNamespace

import numpy as np
import paddle
import pytest

from common.build.inputs import model_part
from common.build.model import predictor_of
from common.config import load_config
from common.config.kits import ROOT
from common.data.transform import Transform
from common.errors import ConfigError, DataError
from common.testing import check_model
from PaddleNLP.data.mrqa_questions import MrqaQuestions
from PaddleNLP.data.task_mixture import ForTask, TaskEvaluation, TaskMixture, TaskSampler, divide
from PaddleNLP.metrics.task_scores import TaskScores
from PaddleNLP.models.assemblies.multi_task import MultiTask
from PaddleNLP.models.assemblies.reading_comprehension import ReadingComprehension
from PaddleNLP.models.assemblies.text_classifier import TextClassifier
from PaddleNLP.models.encoders.convolutions import BOW
from PaddleNLP.models.encoders.transformer import BERT
from PaddleNLP.models.heads.text_class_head import TextClassHead


class Numbers(list):
    padding = None

    def lengths(self):
        return [1] * len(self)


def mixture(only=None):
    return TaskMixture({"a": Numbers({"x": k} for k in range(10)), "b": Numbers({"x": -k} for k in range(30))}, only)


def tasks_of(dataset, batches):
    return [{dataset[index % len(dataset)]["task"] for index in batch} for batch in batches]


def test_samples_have_the_name_of_their_task():
    data = mixture()
    assert len(data) == 40 and data[9] == {"x": 9, "task": "a"} and data[10] == {"x": 0, "task": "b"}
    assert data.groups().tolist() == [0] * 10 + [1] * 30 and len(data.lengths()) == 40
    alone = mixture("b")
    assert len(alone) == 30 and alone[29] == {"x": -29, "task": "b"}
    with pytest.raises(ValueError, match="only is 'c'; the tasks are a, b"):
        mixture("c")


def test_batches_are_mixed_by_ratio_and_hold_one_task_each():
    data = mixture()
    sampler = TaskSampler(40, 4, data, {"a": 3, "b": 1}, {"b": 8}, steps=12)
    batches = sampler.batches(0)
    assert len(batches) == len(sampler) == 12 and all(len(names) == 1 for names in tasks_of(data, batches))
    counts = Counter(next(iter(names)) for names in tasks_of(data, batches))
    assert counts == {"a": 9, "b": 3} and {len(batch) for batch in batches} == {4, 8}
    seen = Counter(index % 40 for batch in batches for index in batch)
    assert max(seen[k] for k in range(10)) - min(seen[k] for k in range(10)) <= 1  # 36 of 10 samples, in rounds
    assert len({index for batch in batches for index in batch}) == 9 * 4 + 3 * 8  # again with other random numbers
    assert batches == sampler.batches(0) != sampler.batches(1)
    halves = [
        TaskSampler(40, 2, data, {"a": 3, "b": 1}, {"b": 4}, 12, rank=rank, world=2).batches(0) for rank in (0, 1)
    ]
    assert [one + other for one, other in zip(*halves, strict=True)] == batches


def test_without_a_ratio_every_task_has_its_full_batches():
    assert Counter(map(str, tasks_of(mixture(), TaskSampler(40, 4, mixture()).batches(3)))) == {"{'a'}": 2, "{'b'}": 7}
    assert len(TaskSampler(10, 4, mixture("a"), {"a": 1, "b": 5})) == 2  # the share of a task that is left out is too
    assert divide(5, [1, 1, 1]) == [2, 2, 1] and divide(10, [0, 3]) == [0, 10]


def test_mistakes_of_the_sampler_are_named():
    for given, message in (
        ({"ratio": {"c": 1}}, "ratio names 'c'; the tasks are a, b"),
        ({"sizes": {"a": 0}}, "sizes are 1 or more"),
        ({"ratio": {"a": -1, "b": 1}}, "none is negative"),
    ):
        with pytest.raises(ConfigError, match=message):
            TaskSampler(40, 4, mixture(), **given)
    with pytest.raises(ConfigError, match="batches of a TaskMixture, not of list"):
        TaskSampler(40, 4, [])
    with pytest.raises(DataError, match="0 batches"):
        TaskSampler(40, 50, mixture())


def test_every_sample_is_evaluated_once_in_a_batch_of_its_task():
    data = mixture()
    parts = [TaskEvaluation(40, 4, data, rank, 3).batches() for rank in range(3)]
    assert [k for batches in parts for batch in batches for k in batch] == list(range(40))
    assert all(len(names) == 1 for batches in parts for names in tasks_of(data, batches))


class AddOne(Transform):
    def __call__(self, sample, rng):
        return sample | {"x": sample["x"] + 1}


class CountBatch(Transform):
    per_batch = True

    def __call__(self, samples, rng):
        return [sample | {"x": len(samples)} for sample in samples]


def test_a_transform_is_for_one_task():
    one = ForTask("a", [AddOne(), AddOne()])
    assert one({"task": "a", "x": 1}, None)["x"] == 3 and one({"task": "b", "x": 1}, None)["x"] == 1
    whole = ForTask("a", [CountBatch()])
    assert whole.per_batch and whole([{"task": "a", "x": 9}] * 2, None)[1]["x"] == 2
    assert whole([{"task": "b", "x": 9}], None)[0]["x"] == 9
    with pytest.raises(ValueError, match="ForTask of a got AddOne, CountBatch"):
        ForTask("a", [AddOne(), CountBatch()])


class Mean:
    primary, higher_is_better = "mean", False

    def reset(self):
        self.values = []

    def update(self, outputs, batch):
        self.values += outputs["x"]

    def state(self):
        return {"values": np.array(self.values)}

    def merge(self, states):
        self.values = [value for state in states for value in state["values"].tolist()]

    def compute(self):
        return {"mean": float(np.mean(self.values))}


def test_each_task_has_its_own_scores():
    made = []
    for rank in range(2):
        scores = TaskScores({"a": Mean(), "b": Mean()})
        scores.reset()
        scores.update({"x": [1.0 + rank]}, {"task": ["a"]})
        scores.update({"x": [5.0, 7.0]}, {"task": ["b", "b"]})
        made.append(scores)
    scores.merge([one.state() for one in made])
    assert scores.compute() == {"a_mean": 1.5, "b_mean": 6.0}
    assert scores.primary == "a_mean" and scores.higher_is_better is False
    built = TaskScores.from_config(
        {"a": 1, "b": 2}, SimpleNamespace(parts={"b": "data of b"}), lambda node, dataset: Mean()
    )
    assert list(built.parts) == ["b"] and built.primary == "b_mean"


def make():
    encoder = BERT(30, hidden_size=16, layers=2, heads=2, max_positions=8, dropout=0.0)
    head = TextClassHead(16, 2, (), 0.0)
    return MultiTask(encoder, {"reading": ReadingComprehension(encoder), "matching": TextClassifier(encoder, head)})


def windows():
    rng = np.random.default_rng(0)
    found = {"input_ids": rng.integers(1, 30, (2, 3, 7)), "token_type_ids": rng.integers(0, 2, (2, 3, 7))}
    starts = {"start": np.array([[1, 0, 0], [2, -1, -1]]), "end": np.array([[2, 0, 0], [3, -1, -1]])}
    return found | starts | {"length": np.array([[7, 4, 2], [5, 0, 0]])}


def pairs():
    rng = np.random.default_rng(1)
    found = {"input_ids": rng.integers(1, 30, (3, 7)), "token_type_ids": rng.integers(0, 2, (3, 7))}
    return found | {"length": np.array([7, 4, 2]), "label": np.array([0, 1, 1]), "task": ["matching"] * 3}


def test_the_main_task_keeps_the_contract(tmp_path):
    model = check_model(make, windows(), tmp_path, unused=["*pooler*", "tasks.matching.*"])
    assert model.task == "ReadingComprehension" and model.outputs == ("start_scores", "end_scores")


def test_the_weights_of_the_encoder_are_there_once():
    names = list(make().state_dict())
    assert sum("embedding.weight" in name and "segment" not in name for name in names) == 1
    assert {name for name in names if not name.startswith("encoder.")} == {
        f"tasks.{part}.{end}" for part in ("reading.output", "matching.head.output") for end in ("weight", "bias")
    }


def test_a_batch_is_learned_by_the_model_of_its_task():
    model = make()
    given = {name: paddle.to_tensor(value) if name != "task" else value for name, value in pairs().items()}
    losses = model.loss(given)
    assert list(losses) == ["loss_matching_class"]
    sum(losses.values()).backward()
    assert model.tasks["reading"].output.weight.grad is None
    assert np.abs(model.encoder.embedding.weight.grad.numpy()).max() > 0
    assert list(predictor_of(model)(pairs())) == ["scores"] and model_part(model, pairs()) is model.tasks["matching"]
    assert list(predictor_of(model)(windows())) == ["start_scores", "end_scores"]
    assert model_part(model.encoder, pairs()) is model.encoder


def test_tasks_of_another_kind_are_refused():
    encoder = BERT(30, hidden_size=16, layers=1, heads=2, max_positions=8)
    with pytest.raises(ValueError, match="main is 'c'; the tasks are a"):
        MultiTask(encoder, {"a": ReadingComprehension(encoder)}, "c")
    words = BOW(30, 8)
    with pytest.raises(ValueError, match="the task a reads input_ids, length"):
        MultiTask(encoder, {"a": TextClassifier(words, TextClassHead(words.summary_channels, 2))})


def mrqa(folder, *rows, name="a.jsonl"):
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    data = text.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return MrqaQuestions(str(folder), name)


HEADER = {"header": {"dataset": "SQuAD"}}
LINE = {
    "context": "Ann saw Rome",
    "qas": [
        {
            "qid": "q",
            "question": "what?",
            "answers": ["rome"],
            "detected_answers": [{"text": "Rome", "char_spans": [[8, 11]]}],
        }
    ],
}


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_questions_of_mrqa_are_read_from_files_put_together(tmp_path, name):
    first, second = mrqa(tmp_path, HEADER, LINE, HEADER, LINE | {"context": "Rome, Ann saw"}, name=name)
    assert (first["answers"], first["answer_start"], first["answer_end"]) == (["Rome", "rome"], 8, 12)
    assert first["qid"] == "q" and second["answer_start"] == 0  # where the text is


def test_bad_lines_of_mrqa_are_named(tmp_path):
    spanless = LINE | {"qas": [LINE["qas"][0] | {"detected_answers": [{}]}]}
    for rows, message in (
        ([HEADER, "{"], "not JSON.*\n.*line 2"),
        ([LINE | {"context": 3}], "no string 'context': not MRQA's format\n.*line 1"),
        ([LINE | {"qas": [{}]}], "a question has no question, id"),
        ([spanless], "an answer is a string, or an object"),
    ):
        with pytest.raises(DataError, match=message):
            mrqa(tmp_path, *rows)
    (tmp_path / "b.jsonl.gz").write_text("no gzip")
    with pytest.raises(DataError, match="not a file of gzip"):
        MrqaQuestions(str(tmp_path), "b.jsonl.gz")
    with pytest.raises(DataError, match="no such file"):
        MrqaQuestions(str(tmp_path), "c.jsonl.gz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.tasks.matching.hed=1", "TextClassifier has no key 'hed'; did you mean 'head'"),
        ("model.tasks.reading=3", "model.tasks.reading is 3; it takes a node"),
        ("model.tasks.reading.type=AnswerF1", "AnswerF1 is a metric; model.tasks.reading takes models"),
        (
            "data.metric.parts.reading.type=BERT",
            "BERT is a model or a part of one",
        ),
        ("data.train.parts.reading.fil=a", "SquadQuestions has no key 'fil'"),
    ],
)
def test_the_nodes_of_tasks_are_checked(change, message):
    twin = ROOT / "PaddleNLP/configs/tiny/multi_task/dnet.yml"
    with pytest.raises(ConfigError, match=message):
        load_config(twin, [change]).check()
    assert load_config(twin).to_dict()["model"]["tasks"]["matching"]["head"]["dropout"] == 0.1
