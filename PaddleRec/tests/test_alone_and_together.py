"""A row is predicted or refused alone as it is among others, for every model that reads rows."""

import json

import numpy as np
import paddle
import pytest

from common.data.pipeline import Pipeline
from common.errors import DataError
from common.inference.rows import outcomes
from common.inference.tasks.ranking import Ranking
from common.inference.tasks.retrieval import Retrieval
from common.table.features import TableFeatures
from common.table.items import ItemIds
from PaddleRec.data.multislot import MultiSlotRows
from PaddleRec.models.matchers.gru4rec import GRU4Rec
from PaddleRec.models.matchers.sr_gnn import SRGNN
from PaddleRec.models.matchers.tagspace import TagSpace
from PaddleRec.models.rankers.deepfm import DeepFM
from PaddleRec.models.rankers.din import DIN
from PaddleRec.models.rankers.slot_dnn import SlotDNN

WORDS = [b"i%d" % k for k in range(1, 30)]


class Untrained:
    """A model with random weights, used as `ModelInMemory` is."""

    def __init__(self, model, transforms):
        from common.build.model import predictor_of

        model.eval()
        self.run, self.inputs, self.labels = predictor_of(model), model.inputs, None
        self.task = Ranking() if model.task == "Ranking" else Retrieval()
        self.pipeline, self.about = Pipeline(transforms), getattr(model, "about", {})


def random_words(rng, most=9):
    return [WORDS[k].decode() for k in rng.integers(0, len(WORDS), rng.integers(0, most))]


def items(folder, *columns):
    made = ItemIds(str(folder / f"{columns[0]}.items"), list(columns), num_items=31)
    made.fit([{columns[0]: np.array(WORDS, "S")}])
    return made


def features(folder):
    made = TableFeatures(str(folder / "features"), ["age"], ["user", "item"], "standard", num_ids=40)
    made.fit([{"age": np.array([b"1", b"5"]), "user": np.array(WORDS[:2]), "item": np.array(WORDS[2:4])}])
    return made


def din_row(rng):
    history = random_words(rng)
    return {
        "history": history,
        "history_groups": [f"i{k % 5}" for k in range(len(history))],
        "item": "i3",
        "group": "i1",
    }


def build(name, folder):
    """An untrained model, and a function that makes a row for it."""
    paddle.seed(1)
    if name == "din":
        transforms = [items(folder, "history", "item"), items(folder, "history_groups", "group")]
        return Untrained(DIN(31, 31, 4, [8], [8]), transforms), din_row
    if name == "slot_dnn":
        row = lambda rng: {"slots": [rng.integers(0, 2**63, rng.integers(0, 4)).tolist() for _ in range(3)]}  # noqa: E731
        return Untrained(SlotDNN(3, 101, 4, [8]), []), row
    if name == "deepfm":
        row = lambda rng: {"age": int(rng.integers(90)), "user": "i1", "item": WORDS[rng.integers(29)].decode()}  # noqa: E731
        return Untrained(DeepFM(1, 2, 40, 4, [8]), [features(folder)]), row
    if name == "tagspace":
        made = TagSpace(num_words=31, num_tags=5, width=4, hidden=8)
        return Untrained(made, [items(folder, "text")]), lambda rng: {"text": " ".join(random_words(rng))}
    model = {"gru4rec": GRU4Rec, "sr_gnn": SRGNN}[name]
    return Untrained(model(31, 4), [items(folder, "items")]), lambda rng: {"items": random_words(rng)}


MODELS = ("din", "slot_dnn", "deepfm", "gru4rec", "sr_gnn", "tagspace")


def predicted(model, rows):
    samples = [{"path": "rows.jsonl", "name": number, "row": row} for number, row in enumerate(rows, 1)]
    return outcomes(model, samples, [0.0] * len(rows))


@pytest.mark.parametrize("name", MODELS)
def test_a_row_is_predicted_or_refused_alone_as_among_others(tmp_path, name):
    model, make = build(name, tmp_path)
    rng = np.random.default_rng(7)
    rows = [make(rng) for _ in range(12)]
    column = next(iter(rows[0]))
    for wrong in ({"a": 1}, [["x"]], None, "", 5, True, "\ud800"):  # whatever they mean, they mean it alone too
        rows.append(rows[0] | {column: wrong})
    rows += [{key: value for key, value in rows[0].items() if key != column}]
    rows += [{key.upper(): value for key, value in rows[0].items()}, {}]
    together = predicted(model, rows)
    for number, (row, among) in enumerate(zip(rows, together), 1):
        sample = {"path": "rows.jsonl", "name": number, "row": row}
        (alone,) = outcomes(model, [sample], [0.0])
        assert isinstance(alone, DataError) == isinstance(among, DataError), (row, alone, among)
        if isinstance(alone, DataError):
            assert str(alone) == str(among) and f"rows.jsonl: row {number}: " in str(alone)
        else:
            ours, theirs = ([record["score"] for record in records] for records in (alone, among))
            np.testing.assert_allclose(ours, theirs, atol=3e-6, err_msg=json.dumps(row))
    assert not any(isinstance(one, DataError) for one in together[:12])
    assert all(isinstance(one, DataError) for one in together[-3:])


def test_a_history_without_as_many_groups_is_refused(tmp_path):
    model, make = build("din", tmp_path)
    rows = [
        make(np.random.default_rng(1)),
        {"history": "i1 i2 i3", "history_groups": ["g1"], "item": "i1", "group": "i2"},
    ]
    good, bad = predicted(model, rows)
    assert "row 2: the sequences differ in length: 3 in 'history' but 1 in 'history_groups'" in str(bad) and good


def test_signs_have_the_same_row_in_training_and_inference(tmp_path):
    model, _ = build("slot_dnn", tmp_path)
    rng = np.random.default_rng(3)
    signs = [0, 1, 100, 101, 2**63 - 1, 2**63, 2**64 - 2, *rng.integers(0, 2**64 - 1, 50, np.uint64).tolist()]
    rows = [[[sign], [signs[-1], 7], []] for sign in signs]
    lines = [f"1 0 {a[0]}:1 {b[0]}:2 7:2\n" for a, b, _ in rows]
    (tmp_path / "log.txt").write_text("".join(lines))
    log = MultiSlotRows([str(tmp_path / "log.txt")], [1, 2, 3], 101)
    learned = model.run(log.assemble(list(log.rows(0, 1))))["probability"]
    served = [records[0]["score"] for records in predicted(model, [{"slots": row} for row in rows])]
    np.testing.assert_allclose(served, learned.reshape(-1), atol=2e-6)
    texts = [{"slots": [[str(sign) for sign in slot] for slot in row]} for row in rows]
    assert [records[0]["score"] for records in predicted(model, texts)] == served
