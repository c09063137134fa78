"""Modules of the hub over HTTP: the old addresses and bodies, and `hub serving start` and `stop`."""

import asyncio
import base64
import io
import json
import shutil
from urllib.parse import urlencode

import pytest
from PIL import Image
from starlette.requests import Request

from common.commands import hub as hub_command
from common.hub.card import Card, write_card
from common.hub.home import Home
from deploy.serving.hub_routes import check_kind, read_old_body
from deploy.serving.inputs import read_items
from deploy.serving.problems import Limits, Problem
from tests.deploy.serving_process import serving
from tests.made.commands import command

JSON, FORM, URLENCODED = "application/json", "multipart/form-data; boundary=cut", "application/x-www-form-urlencoded"
TEXT, IMAGE = {"input": "text", "threshold": 0.0, "inputs": []}, {"input": "image", "threshold": 0.5, "inputs": []}
TABLE = {"input": "table", "threshold": 0.5, "inputs": []}
TENSORS = {"input": "tensors", "threshold": 0.0, "inputs": [{"name": "x", "shape": [None, 1], "dtype": "float32"}]}


def png():
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 30, 90)).save(file, "PNG")
    return file.getvalue()


PNG = png()
BASE64 = base64.b64encode(PNG).decode()


def form(*parts):
    """A multipart body of (name, bytes of a file) or (name, text)."""
    lines = []
    for name, value in parts:
        file = '; filename="a"' if isinstance(value, bytes) else ""
        data = value if isinstance(value, bytes) else value.encode()
        lines.append(f'--cut\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n")
    return b"".join([*lines, b"--cut--\r\n"])


def items(model, body, kind=JSON, query=b""):
    """What the server would ask the predictor."""
    body = json.dumps(body).encode() if isinstance(body, dict | list) else body
    request = Request({"type": "http", "query_string": query, "headers": [(b"content-type", kind.encode())]})
    return asyncio.run(read_items(request, body, model, Limits(), read_old_body))


TWO = [("text", "今天是个好日子"), ("text", "a b & c")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (urlencode(TWO).encode(), URLENCODED),
        (f"text={TWO[0][1]}&text=a+b+%26+c&use_gpu=False&batch_size=1".encode(), URLENCODED),
        (form(*TWO), FORM),
        ({"text": [text for _, text in TWO]}, JSON),
        ({"texts": [text for _, text in TWO], "use_gpu": False}, JSON),
    ],
)
def test_texts_are_read_in_every_form_that_old_clients_send(body, kind):
    found = items(TEXT, body, kind)
    assert [blobs[0].decode() for _, blobs in found] == [text for _, text in TWO]
    assert found[0][0]["kind"] == "text"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (form(("image", PNG), ("image", PNG)), FORM),
        (form(("image", PNG), ("use_gpu", "False"), ("image", PNG)), FORM),
        (form(("image", BASE64), ("image", BASE64)), FORM),
        (urlencode([("image", BASE64), ("image", f"data:image/png;base64,{BASE64}")]).encode(), URLENCODED),
        ({"image": [BASE64, BASE64]}, JSON),
        ({"images": [f"data:image/png;base64,{BASE64}", BASE64]}, JSON),
    ],
)
def test_images_are_read_as_files_and_as_base64(body, kind):
    found = items(IMAGE, body, kind, b"threshold=0.25")
    assert [(item["kind"], item["threshold"], blobs) for item, blobs in found] == [("image", 0.25, [PNG])] * 2


def test_one_image_rows_and_tensors_are_read_too():
    assert items(IMAGE, PNG, "image/png")[0][1] == items(IMAGE, {"image": BASE64, "threshold": 0.3})[0][1] == [PNG]
    assert json.loads(items(TABLE, {"rows": [{"a": 1}]})[0][1][0]) == {"a": 1}
    assert items(TENSORS, {"inputs": {"x": [[1], [2]]}})[1][0]["kind"] == "tensors"


def test_a_bad_image_costs_its_own_prediction_alone():
    good, bad = items(IMAGE, form(("image", PNG), ("image", b"<html>")), FORM)
    assert good[1] == [PNG] and isinstance(bad, Problem) and bad.status == 415 and "image 2" in bad.detail


REFUSED = {
    "nothing": (TEXT, b"", URLENCODED, 400, "empty"),
    "another field": (TEXT, b"txt=a", URLENCODED, 422, "takes text or texts"),
    "two fields": (TEXT, {"text": "a", "texts": ["b"]}, JSON, 422, "takes text or texts"),
    "only what decides nothing": (TEXT, b"use_gpu=True", URLENCODED, 422, "takes text or texts"),
    "a list": (TEXT, [1], JSON, 422, "an object"),
    "no JSON": (TEXT, b"{", JSON, 400, "not JSON"),
    "a number": (TEXT, {"text": 3}, JSON, 422, "list of texts"),
    "an empty text": (TEXT, b"text=", URLENCODED, 422, "empty"),
    "many fields": (TEXT, b"&".join([b"text=a"] * 40), URLENCODED, 413, "more than 18 fields"),
    "many parts": (TEXT, form(*[("text", "a")] * 40), FORM, 413, "Too many fields"),
    "many texts": (TEXT, b"&".join([b"text=a"] * 17), URLENCODED, 413, "17 items"),
    "no UTF-8": (TEXT, b"text=\xff", URLENCODED, 400, "form cannot be read"),
    "an escaped byte": (TEXT, b"text=%ff", URLENCODED, 400, "form cannot be read"),
    "a file of text": (TEXT, form(("text", b"a")), FORM, 422, "no file"),
    "files and texts": (IMAGE, form(("image", PNG), ("image", BASE64)), FORM, 422, "image is a file"),
    "no base64": (IMAGE, b"image=%24", URLENCODED, 400, "not base64"),
    "another type": (TEXT, b"hello", "text/plain", 415, "application/json"),
    "a row that is no object": (TABLE, {"row": [1]}, JSON, 422, "list of objects"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_has_a_status_and_a_reason(name):
    model, body, kind, status, said = REFUSED[name]
    with pytest.raises(Problem, match=said) as caught:
        items(model, body, kind)
    assert caught.value.status == status


def test_the_address_of_another_kind_of_input_is_refused_with_the_right_one():
    check_kind("text", "lac", TEXT)
    check_kind(None, "lac", TEXT)
    with pytest.raises(Problem, match="POST /predict/text/lac"):
        check_kind("image", "lac", TEXT)


@pytest.fixture(scope="module")
def home(numbers, tmp_path_factory):
    """A folder of modules: y = x + 1 as version 1.9.0, y = x + 2 as 1.10.0."""
    root = tmp_path_factory.mktemp("home")
    for folder, version in ((numbers / "1", "1.9.0"), (numbers / "2", "1.10.0")):
        draft = shutil.copytree(folder, root / f"draft{version}")
        write_card(Card("plus", version, "Test/tensors", "Adds.", example='{"x": [[1]]}'), draft)
        Home(root).install(draft)
    return root


def test_modules_are_served_by_name_until_they_are_stopped(home, monkeypatch, tmp_path):
    monkeypatch.setenv("HUB_HOME", str(home))
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"modules_info": [{"module": "plus", "batch_size": 2}], "use_gpu": True, "port": 0}))
    with serving(options=["-c", config], command=["tools/hub.py", "serving", "start"]) as server:
        about = server.ask("/v1/models/plus").json
        assert about["version"] == "1.10.0" and [one["version"] for one in about["versions"]] == ["1.10.0"]
        body = {"inputs": {"x": [[1], [5]]}}
        assert server.ask("/predict/tensors/plus", body).json == {"results": [[{"y": [3]}], [{"y": [7]}]]}
        old = server.ask("/predict/plus", body).json
        assert old == {"status": "000", "msg": "", "results": [[{"y": [3]}], [{"y": [7]}]]}
        assert server.ask("/v1/models/plus:predict", body).json["version"] == "1.10.0"
        server.ask("/predict/text/plus", body).refused(404, "POST /predict/tensors/plus")
        server.ask("/predict/text/minus", body).refused(404, "no model 'minus'")
        assert "predict on the CPU" in server.said()
        page = server.ask("/modules")
        assert page.headers["content-type"].startswith("text/html") and "script" not in page.body.decode()
        assert (
            'href="./#plus"' in page.body.decode() and "style-src 'sha256-" in page.headers["content-security-policy"]
        )
        assert about["example"] == {"text": '{"x": [[1]]}'}
        server.ask("/modules/plus/example").refused(404, "no file as its example")
        answer = command(hub_command.main, "serving", "stop", "-p", server.port)
        assert answer.code == 0 and server.process.wait(10) == 0, answer.err
        assert list((home / "conf").iterdir()) == []
        command(hub_command.main, "serving", "stop", "-p", server.port).refused(2, "no server")
