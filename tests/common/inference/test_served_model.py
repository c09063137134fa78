"""Models that another process serves: addresses, requests and refusals, against a server of the standard library."""

import http.server
import json
import threading

import pytest

from common.errors import ConfigError, DataError, EnvironmentProblem
from common.inference.served_model import ServedModel

INPUTS = [{"name": "input_ids", "shape": [None, None], "dtype": "int64"}]


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, value):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode() if not isinstance(value, bytes) else value)

    def do_GET(self):
        models = [{"name": name, "task": task, "inputs": INPUTS} for name, task in self.server.models.items()]
        self.answer(200, {"models": models})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body["texts"], self.headers.get("Authorization")))
        self.answer(*self.server.reply)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    one = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.models, one.asked = {"bert": "ReadingComprehension"}, []
    one.reply = (200, {"predictions": [[{"text": "rome", "start": 0, "end": 4, "score": 1.0}]]})
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


def address(server, path=""):
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def test_questions_are_sent_as_json_and_bad_lines_stay_here(server, monkeypatch):
    monkeypatch.setenv("KIT_API_KEY", "secret")
    model, bad = ServedModel(address(server)), DataError("no tab")
    assert model.task.name == "ReadingComprehension" and model.inputs == {"input_ids": ([None, None], "int64")}
    sample = {"question": "where?", "context": "rome\tor not"}
    found, problems = model.predict_samples([{"error": bad}, sample])
    assert found == [({"error": bad}, []), (sample, [{"text": "rome", "start": 0, "end": 4, "score": 1.0}])]
    path, (text,), key = server.asked[0]
    assert problems == [bad] and path == "/v1/models/bert:predict" and key == "Bearer secret"
    assert model.task.read_line(text) == sample


def test_pairs_of_texts_are_sent_with_a_tab(server):
    server.models, server.reply = {"sts": "TextRegression"}, (200, {"predictions": [[{"value": 2.0}]]})
    found, _ = ServedModel(address(server, "/sts")).predict_samples([{"text_a": "x", "text_b": "y", "path": "a"}])
    assert found[0][1] == [{"value": 2.0}] and server.asked[0][1] == ["x\ty"]


def test_what_cannot_be_asked_is_named(server):
    server.models = {"bert": "ReadingComprehension", "senta": "TextClassification"}
    for path, message in (
        ("", "name one of its models: bert, senta"),
        ("/ernie", "name one"),
        ("/senta", "answer together"),
    ):
        with pytest.raises(ConfigError, match=message):
            ServedModel(address(server, path))
    for text in ("127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1:x", "https://127.0.0.1:80"):
        with pytest.raises(ConfigError, match="a server is http://HOST:PORT"):
            ServedModel(text)
    with pytest.raises(EnvironmentProblem, match="no response of a server"):
        ServedModel("http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        ((422, {"detail": "the text is empty"}), DataError, "the text is empty"),
        ((503, {"detail": "closing"}), EnvironmentProblem, "503: closing"),
        ((200, b"<html>"), EnvironmentProblem, "no response of a server"),
        ((200, {"predictions": [{"detail": "too long"}]}), DataError, "too long"),
    ],
)
def test_refusals_of_the_server_are_passed_on(server, reply, kind, message):
    server.reply = reply
    with pytest.raises(kind, match=message):
        ServedModel(address(server)).predict_samples([{"question": "a", "context": "b"}])
