"""Inference on raw rows: CSV and JSON lines, an exported model and a checkpoint, invalid rows reported."""

import asyncio
import importlib
import json
import re

import numpy as np
import pytest

from common.config import load_config
from common.data.issues import issue_line
from common.errors import BadRows, DataError
from common.inference.exported import limits_of
from common.inference.predictor import Predictor
from common.table.json_rows import rows_to_table
from common.table.sources import open_table
from PaddleRec.tools.make_clicks import make_clicks
from tests.made.commands import command

CONFIG = "PaddleRec/configs/tiny/deepfm.yml"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a small trained and exported DeepFM, and ten rows as csv."""
    place = tmp_path_factory.mktemp("clicks")
    make_clicks(place, 600, 10, values=50)
    given = ["-c", CONFIG, "-o", f"dataset={place}", f"output_dir={place}", "train.epochs=1"]
    answer = command("train", "--eval", *given)
    assert answer.code == 0, answer.err
    answer = command("export", *given, f"weights={place / 'tiny/deepfm/best'}")
    assert answer.code == 0, answer.err
    names = [f"I{k}" for k in range(1, 14)] + [f"C{k}" for k in range(1, 27)]
    rows = [line.split("\t")[1:] for line in (place / "eval.txt").read_text().splitlines()]
    (place / "rows.csv").write_text("\n".join(map(",".join, [names, *rows])) + "\n")
    objects = [json.dumps(dict(zip(names, row))) for row in rows]
    (place / "rows.jsonl").write_text("\n".join(objects[:5]) + "\n\n" + "\n".join(objects[5:]) + "\n")
    return place


def scores(*arguments, code=0):
    answer = command("infer", "--json", *arguments)
    assert answer.code == code, answer.err
    found = [json.loads(line) for line in answer.out.splitlines()]
    return [row["predictions"][0]["score"] for row in found], answer.err


def test_an_exported_model_predicts_as_the_checkpoint_does_and_is_self_contained(trained, tmp_path):
    (trained / "tiny/deepfm/export").rename(tmp_path / "export")
    exported, _ = scores("--model", tmp_path / "export", "--input", trained / "rows.csv")
    given = ["-c", CONFIG, "-o", "dataset=/nowhere", f"weights={trained / 'tiny/deepfm/best'}"]
    in_memory, _ = scores("--input", trained / "rows.jsonl", *given)
    assert len(exported) == 10 and len(set(exported)) > 5
    np.testing.assert_allclose(exported, in_memory, atol=2e-6)
    (tmp_path / "export").rename(trained / "tiny/deepfm/export")


def test_an_invalid_row_is_reported_and_the_others_are_predicted(trained, tmp_path):
    lines = (trained / "rows.csv").read_text().splitlines()
    lines[3] = "many" + lines[3][lines[3].index(",") :]
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    found, said = scores("--model", trained / "tiny/deepfm/export", "--input", tmp_path / "bad.csv", code=3)
    assert len(found) == 9 and "bad.csv: row 3: column 'I1' is not a finite number (many)" in said


def test_modified_features_are_detected(trained, tmp_path):
    file = trained / "tiny/deepfm/export/deepfm.features"
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    answer = command("infer", "--model", trained / "tiny/deepfm/export", "--input", trained / "rows.csv")
    file.write_bytes(data)
    answer.refused(4, "deepfm.features")


def test_a_run_does_not_resume_with_features_that_were_learned_again(trained, tmp_path):
    learned, rows = trained / "deepfm.features", trained / "train.txt"
    kept, all_rows = learned.read_bytes(), rows.read_text()
    given = ["-c", CONFIG, "-o", f"dataset={trained}", f"output_dir={tmp_path}", "train.epochs=2"]
    try:
        rows.write_text("".join(all_rows.splitlines(keepends=True)[300:]))
        assert command("fit", "--force", *given).code == 0 and learned.read_bytes() != kept
        rows.write_text(all_rows)
        answer = command("train", "-r", trained / "tiny/deepfm/last", *given)
        answer.refused(2, str(learned), str(trained / "tiny/deepfm/step_"), "differs from the file in")
        answer = command("train", "--dry-run", *given, f"pretrained={trained}/tiny/deepfm/last")
        assert answer.code == 0 and f"{learned} differs from " in answer.err, answer.err
    finally:
        rows.write_text(all_rows)
        learned.write_bytes(kept)
    assert command("train", "-r", trained / "tiny/deepfm/last", *given).code == 0


def served(model, body, kind):
    """The (status, text) of each row of a request, as the server's process predicts them."""
    from starlette.requests import Request

    from deploy.serving.inputs import read_items
    from deploy.serving.problems import Limits
    from deploy.serving.worker import describe, predict_items

    request = Request({"type": "http", "query_string": b"", "headers": [(b"content-type", kind)]})
    return predict_items(model, asyncio.run(read_items(request, body.encode(), describe(model), Limits())))


def test_the_server_predicts_rows_as_the_command_does(trained):
    pytest.importorskip("starlette")
    expected, _ = scores("--model", trained / "tiny/deepfm/export", "--input", trained / "rows.csv")
    model = Predictor(trained / "tiny/deepfm/export")
    rows = [json.loads(line) for line in (trained / "rows.jsonl").read_text().splitlines() if line]
    found = served(model, json.dumps({"rows": rows}), b"application/json")
    assert [json.loads(text)[0]["score"] for _, text in found] == pytest.approx(expected, abs=2e-6)
    assert served(model, (trained / "rows.csv").read_text(), b"text/csv") == found
    assert served(model, json.dumps({"row": rows[3]}), b"application/json") == found[3:4]
    others = {key: value for key, value in rows[1].items() if key != "I1"}
    bad = served(model, json.dumps({"rows": [rows[0], rows[1] | {"I1": "many"}, others]}), b"application/json")
    assert bad[0] == found[0]
    assert bad[1] == (422, "[D119] the request: row 2: column 'I1' is not a finite number (many)")
    assert bad[2][0] == 422 and "[D113] the request: row 3: no column 'I1'" in bad[2][1]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ('{"rows": []}', b"application/json", 422),
        ('{"rows": [1]}', b"application/json", 422),
        ('{"row": {"a": 1, "a": 2}}', b"application/json", 400),
        ('{"text": "a"}', b"application/json", 422),
        ("a,a\n1,2\n", b"text/csv", 422),
        ("a,b\n1\n", b"text/csv", 422),
        ("a\n" + "1\n" * 17, b"text/csv", 413),
        ("a\n1\n", b"image/png", 415),
    ],
)
def test_a_request_that_is_no_rows_is_refused(body, kind, status):
    pytest.importorskip("starlette")
    from starlette.requests import Request

    from deploy.serving.inputs import read_items
    from deploy.serving.problems import Limits, Problem

    request = Request({"type": "http", "query_string": b"", "headers": [(b"content-type", kind)]})
    with pytest.raises(Problem) as caught:
        asyncio.run(read_items(request, body.encode(), {"input": "table", "threshold": 0.0}, Limits()))
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "", "no header with column names"),
        ("a.csv", "x,y,x\n1,2,3\n", "line 1: two columns are called 'x'"),
        (
            "a.csv",
            "x\n\xe9\n\xe8\n",
            "byte 0xe9 is not valid utf-8\n.*line 2, byte 1\n  fix: save the file as UTF-8: iconv",
        ),
        (
            "a.jsonl",
            '{"x": "\xe9"}\n',
            "byte 0xe9 is not valid utf-8\n.*line 1, byte 8\n  fix: save the file as UTF-8: iconv",
        ),
    ],
)
def test_an_invalid_table_is_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=words):
        list(open_table(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("a.csv", "1", "line 2: 1 columns, the header has 2"),
        ("a.csv", "\xe9,2", "line 2: byte 0xe9 is not valid utf-8"),
        ("a.csv", '"\n\xe9",2', "line 3: byte 0xe9 is not valid utf-8"),
        ("a.jsonl", '{"x"', "line 2: not JSON"),
        ("a.jsonl", "[1]", "line 2: expected a JSON object"),
        ("a.jsonl", '{"x": "\xe9"}', "line 2, byte 8: byte 0xe9 is not valid utf-8"),
        ("a.jsonl", "[" * 100_000, "line 2: not JSON"),
        ("a.jsonl", '{"x": 1, "x": 2}', "line 2: not JSON .key 'x' is there twice"),
    ],
)
def test_one_bad_row_is_named_and_the_others_are_read(tmp_path, name, line, words):
    first, good = ("x,y", "3,4") if name == "a.csv" else ('{"x": "1", "y": "2"}', '{"x": "3", "y": "4"}')
    (tmp_path / name).write_text(f"{first}\n{line}\n{good}\n{good}\n", encoding="latin-1")
    rows = list(open_table(tmp_path / name))
    (bad,) = [row for row in rows if isinstance(row, DataError)]
    assert re.search(words, issue_line(bad.issue))
    assert rows[-2:] == [{"x": "3", "y": "4"}] * 2


def test_the_separator_of_a_csv_file_is_that_of_its_header(tmp_path):
    for mark in ",;|\t":
        text = f"\ufeffage{mark}city\r\n3{mark}K\u00f6ln\r\n4{mark}Rom\r\n"
        (tmp_path / "a.csv").write_text(text, encoding="utf-8", newline="")
        assert list(open_table(tmp_path / "a.csv")) == [{"age": "3", "city": "K\u00f6ln"}, {"age": "4", "city": "Rom"}]


def test_a_quote_that_is_not_closed_ends_a_table_after_the_rows_before_it(tmp_path):
    (tmp_path / "a.csv").write_text(f'x,y\n1,2\n"{"x" * 200000},2\n')
    first, bad = open_table(tmp_path / "a.csv")
    assert first == {"x": "1", "y": "2"} and re.search("line 3: field larger.*closing quote", issue_line(bad.issue))


def test_columns_have_the_axes_of_the_model_s_inputs():
    inputs = {"items": ([None, None], "int64"), "slots": ([None, 2, None], "int64"), "item": ([None], "int64")}
    rows = [{"items": "a b", "slots": [[1], []], "item": 7, "town": "New York"}, {"items": [5], "slots": [[2, 3]]}]
    made = rows_to_table(rows, inputs)
    assert made["items"].tolist() == [[b"a", b"b"], [b"5", b""]]
    assert made["slots"].tolist() == [[[1, -1], [0, -1]], [[2, 3], [0, -1]]]  # as the MultiSlot reader has them
    assert made["item"].tolist() == [b"7", b""] and made["town"].tolist() == [b"New York", b""]


@pytest.mark.parametrize(
    "value",
    ["1 2 3", [1, 2], [["x"]], [[1.5]], [[1], [2], [3]], 5, {"a": 1}, [[-5]], [[2**64]], [["-5"]], [[True]], [[None]]],
)
def test_invalid_slots_are_reported_by_row(value):
    with pytest.raises(BadRows) as caught:
        rows_to_table([{"slots": [[1]]}, {"slots": value}], {"slots": ([None, 2, None], "int64")})
    (row, (_, message, _)) = next(iter(caught.value.rows.items()))
    assert row == 1 and message.startswith(
        ("'slots' must be at most 2 lists of integers", "'slots' takes signs from 0")
    )


def test_missing_slots_have_the_sign_0_and_item_0_is_an_item():
    made = rows_to_table(
        [{"slots": [[1]], "items": 0}], {"slots": ([None, 3, None], "int64"), "items": ([None, None], "int64")}
    )
    assert made["slots"].tolist() == [[[1], [0], [0]]] and made["items"].tolist() == [[b"0"]]


@pytest.mark.parametrize("arguments", [("make_clicks",), ("make_rows", "pairs")])
def test_an_output_folder_that_cannot_be_created_is_refused(arguments, tmp_path):
    (tmp_path / "file").write_text("")
    tool = importlib.import_module(f"PaddleRec.tools.{arguments[0]}").main
    command(tool, *arguments[1:], tmp_path / "file" / "inside").refused(4, "inside: Not a directory")


@pytest.mark.parametrize(
    ("config", "changed", "expected"),
    [
        ("gru4rec", "data.train.max_length=3", {"items": -3}),
        ("din", "data.train.max_length=4", {"history": -4, "history_groups": -4}),
        ("slot_dnn", "data.train.max_signs=2", {"slots": 2}),
        ("slot_dnn_stream", "data.train.rows.max_signs=2", {"slots": 2}),
        ("deepfm", "train.epochs=1", {}),
    ],
)
def test_sequences_are_cut_as_by_the_reader_of_the_training_data(config, changed, expected):
    assert limits_of(load_config(f"PaddleRec/configs/tiny/{config}.yml", [changed])) == expected


def test_a_longer_sequence_is_that_of_its_limit():
    inputs = {"items": ([None, None], "int64"), "slots": ([None, 2, None], "int64")}
    rows = [{"items": [1, 2, 3, 4, 5], "slots": [[7, 8, 9], []]}, {"items": "4 5", "slots": [[1], [2, 3, 4]]}]
    short = [{"items": [3, 4, 5], "slots": [[7, 8], []]}, {"items": "4 5", "slots": [[1], [2, 3]]}]
    found = rows_to_table(rows, inputs, limits={"items": -3, "slots": 2})
    expected = rows_to_table(short, inputs)
    assert all((found[name] == expected[name]).all() for name in expected)
