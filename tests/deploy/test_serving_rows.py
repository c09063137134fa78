"""Rows of tables that a request carries: each is predicted as the command predicts the same row."""

import asyncio
import csv
import io
import json

import pytest
from starlette.requests import Request

from common.inference.predictor import Predictor
from common.inference.run import predict_rows
from deploy.serving.inputs import CSV, read_items
from deploy.serving.openapi import document
from deploy.serving.problems import Limits, Problem
from deploy.serving.worker import describe, predict_items
from tests.deploy.serving_process import serving
from tests.deploy.test_cpp_goldens import exported_twin
from tools import zoo

COLUMNS = [f"I{k}" for k in range(1, 14)] + [f"C{k}" for k in range(1, 27)]
ROWS = {
    "deepfm": [dict(zip(COLUMNS, [*map(str, range(n, n + 13)), *(f"v{n}{k}" for k in range(26))])) for n in range(3)],
    "din": [
        {"history": "i39 i33 i15", "history_groups": "g3 g3 g1", "item": "i10", "group": "g4"},
        {"history": "i2", "history_groups": "g1", "item": "i39", "group": "g3"},
    ],
    "gru4rec": [{"items": "i1 i2 i3"}, {"items": "i7"}, {"items": "i3 i2 i9 i1"}],
    "slot_dnn": [
        {"slots": [[901, 101, 101], [4786], [4016, 2045], [2185], [105]]},
        {"slots": [[1], [2], [3], [4]]},
    ],
}


@pytest.fixture(scope="module")
def exports(made_sets, tmp_path_factory):
    """Function from the name of a twin to the folder of its export, made once."""
    made, rows = {}, zoo.read_zoo()

    def export_of(name):
        if name not in made:
            row = next(row for row in rows if row["tiny"].endswith(f"/{name}.yml"))
            made[name] = exported_twin(row, made_sets, tmp_path_factory.mktemp(name) / "export")
        return made[name]

    return export_of


def items_of(body, model, kind="application/json", limits=None):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request({"type": "http", "query_string": b"", "headers": [(b"content-type", kind.encode())]})
    return asyncio.run(read_items(request, body, describe(model), limits or Limits()))


def records_in(found):
    assert [status for status, _ in found] == [200] * len(found), found
    return [json.loads(text) for _, text in found]


def as_csv(rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


@pytest.mark.parametrize("name", list(ROWS))
def test_rows_are_predicted_as_the_predictor_predicts_each_alone(name, exports):
    model = Predictor(exports(name))
    samples = [{"path": "x", "name": 1, "row": row} for row in ROWS[name]]
    expected = [predict_rows(model, [sample], None)[0][0][1] for sample in samples]
    bodies = [items_of({"rows": ROWS[name]}, model), [items_of({"row": row}, model)[0] for row in ROWS[name]]]
    if name != "slot_dnn":  # lists have no spelling in CSV
        bodies.append(items_of(as_csv(ROWS[name]), model, CSV))
    for items in bodies:
        found = records_in(predict_items(model, items))
        for records, wanted in zip(found, expected, strict=True):
            assert [record["label"] for record in records] == [record["label"] for record in wanted]
            assert [r["score"] for r in records] == pytest.approx([r["score"] for r in wanted], abs=2e-6)


def test_a_bad_row_is_named_by_its_number_and_the_others_are_predicted(exports):
    model = Predictor(exports("deepfm"))
    rows = [dict(ROWS["deepfm"][0]), {**ROWS["deepfm"][1], "I1": "many"}, dict(ROWS["deepfm"][2])]
    found = predict_items(model, items_of({"rows": rows}, model))
    assert [status for status, _ in found] == [200, 422, 200]
    assert "row 2" in found[1][1] and "'I1'" in found[1][1] and "many" in found[1][1]


def test_a_row_without_a_column_is_refused_beside_whole_rows_as_it_is_alone(exports):
    model = Predictor(exports("deepfm"))
    lacking = {name: value for name, value in ROWS["deepfm"][1].items() if name != "C3"}
    (alone,) = predict_items(model, items_of({"row": lacking}, model))
    beside = predict_items(model, items_of({"rows": [ROWS["deepfm"][0], lacking]}, model))
    assert alone[0] == 422 and "C3" in alone[1]
    assert beside[0][0] == 200 and beside[1][0] == 422 and "C3" in beside[1][1]


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        ({"rows": {"a": 1}}, "application/json", 422, "rows is a list of objects"),
        ({"row": [1]}, "application/json", 422, "row is an object"),
        ({"rows": []}, "application/json", 422, "rows is empty"),
        ({"rows": [{}] * 99}, "application/json", 413, "99 items"),
        ({"row": {"items": "\ud800"}}, "application/json", 422, "unpaired surrogate"),
        ({"row": {"items": "i1 " * 9999}}, "application/json", 413, "bytes"),
        ({"text": "i1"}, "application/json", 422, "one of row, rows"),
        (b"items\n\xff\n", CSV, 422, "line 2: byte 0xff is not valid utf-8"),
        (b"items,items\ni1,i2\n", CSV, 422, "two columns are called 'items'"),
        (b"items,item\ni1\n", CSV, 422, "line 2: 1 columns"),
        (b"items\n", CSV, 422, "no row"),
        (b"x", "text/plain", 415, CSV),
    ],
)
def test_a_body_that_is_no_table_is_refused(body, kind, status, said, exports):
    with pytest.raises(Problem, match=said) as caught:
        items_of(body, Predictor(exports("gru4rec")), kind)
    assert caught.value.status == status


def test_a_server_of_a_ranking_model_takes_json_and_csv_and_describes_both(exports):
    with serving(f"rank={exports('din')}") as running:
        replies = [
            running.ask("/v1/models/rank:predict", {"rows": ROWS["din"]}),
            running.ask("/v1/models/rank:predict", as_csv(ROWS["din"]), CSV),
        ]
        mixed = running.ask("/v1/models/rank:predict", as_csv(ROWS["din"]) + b"i1,g1,i2\n\xff,g1,i2,g2\n", CSV)
    assert [reply.status for reply in replies] == [200, 200], replies[0].body
    assert mixed.json["predictions"][:2] == replies[0].json["predictions"]
    wrong = [(one["status"], one["detail"]) for one in mixed.json["predictions"][2:]]
    assert [status for status, _ in wrong] == [422, 422]
    assert "line 4: 3 columns" in wrong[0][1] and "line 5: byte 0xff" in wrong[1][1]
    assert replies[0].json["predictions"] == replies[1].json["predictions"]
    assert [len(records) for records in replies[0].json["predictions"]] == [1, 1]
    content = document(["rank"])["paths"]["/v1/models/{name}:predict"]["post"]["requestBody"]["content"]
    assert CSV in content and any("rows" in one["properties"] for one in content["application/json"]["schema"]["anyOf"])
