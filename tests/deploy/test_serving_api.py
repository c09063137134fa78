"""What the server says of itself, whom it lets in, and how it starts."""

import importlib.util
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.serving_process import ROOT, serving
from tests.test_cli import process

KEY = "correct-horse"
PREDICT = "/v1/models/numbers:predict"
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "413", "415", "422", "503", "504"]

[[operations]]
include-path = "/health/ready"
checks.not_a_server_error.enabled = false
"""


def started(*arguments):
    """A start of the server that is refused before anything heavy is loaded."""
    ended = process("tools/serve.py", *arguments)
    assert not {"paddle", "scipy", "matplotlib"} & set(ended.heavy) and "Traceback" not in ended.err
    return ended


@pytest.fixture(scope="module")
def server(numbers):
    with serving(numbers, f"other={numbers / '1'}", environment={"KIT_API_KEY": KEY}) as running:
        yield running


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}, {"X-API-Key": "h\xe4"}]
)
def test_without_the_key_nobody_is_answered(server, headers):
    for path, body in ((PREDICT, b"{}"), ("/v1/models", None), ("/metrics", None), ("/v1/models/numbers:reload", b"")):
        reply = server.ask(path, body, headers=headers).refused(401, "API key")
        assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}])
def test_with_the_key_everybody_is_answered(server, headers):
    assert server.ask(PREDICT, {"inputs": {"x": [[1]]}}, headers=headers).json["predictions"] == [[{"y": [3]}]]
    assert server.ask("/metrics", headers=headers).status == 200


def test_health_the_page_and_the_description_need_no_key(server):
    for path in ("/health/live", "/health/ready", "/", "/openapi.json"):
        assert server.ask(path).status == 200


def test_predictors_do_not_know_the_key(server):
    for predictor in server.predictors():
        assert KEY not in pathlib.Path(f"/proc/{predictor.pid}/environ").read_text()


def test_the_metrics_are_read_by_prometheus_and_count_each_model(server):
    mine = {"X-API-Key": KEY}
    for _ in range(3):
        server.ask("/v1/models/other:predict", {"inputs": {"x": [[1]]}}, headers=mine)
    server.ask("/v1/models/other:predict", {"inputs": {"x": "1"}}, headers=mine)
    text = server.ask("/metrics", headers=mine).body.decode()
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["kit_requests_total", "200", "other"] == 3
    assert found["kit_requests_total", "422", "other"] == 1
    assert found["kit_batch_items_sum", "other"] == 3
    assert found["kit_predictors_up", "other"] == 1


def test_rows_that_are_no_numbers_are_refused(server):
    cases = {
        "x is float32 of the shape [any, 1]": [
            [[1, 2]],
            [1],
            [],
            [[]],
            [["1"]],
            [[True]],
            [[None]],
            "1",
            [[1], [1, 2]],
        ],
        "a number too large": [[[1e300]]],
        "17 items": [[[1]] * 17],
    }
    for words, values in cases.items():
        for value in values:
            reply = server.ask(PREDICT, {"inputs": {"x": value}}, headers={"X-API-Key": KEY})
            reply.refused(413 if "items" in words else 422, words)
    huge = ('{"inputs":{"x":[[1' + "0" * 5000 + "]]}}").encode()
    server.ask(PREDICT, huge, "application/json", headers={"X-API-Key": KEY}).refused(400)


def test_a_model_of_tensors_takes_no_images(server):
    reply = server.ask(PREDICT, b"\xff\xd8\xff", "image/jpeg", headers={"X-API-Key": KEY})
    reply.refused(415, "this model takes application/json")


def test_the_description_is_valid_openapi(server):
    from openapi_spec_validator import validate

    found = server.ask("/openapi.json").json
    validate(found)
    assert set(found["paths"]["/v1/models/{name}"]["parameters"][0]["schema"]["enum"]) == {"numbers", "other"}


def run_schemathesis(folder, server, cases):
    """Generated requests for every endpoint; nothing may be undescribed, and nothing 500."""
    found = pathlib.Path(sys.executable).with_name("schemathesis")
    if not found.exists():
        pytest.skip("schemathesis is not installed: pip install -r requirements-test.lock")
    (folder / "schemathesis.toml").write_text(SETTINGS, encoding="utf-8")
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    options = ["--max-examples", str(cases), "--checks", f"{checks},unsupported_method,negative_data_rejection"]
    done = subprocess.run(
        [str(found), "run", f"{server.url}/openapi.json", *options, "-H", f"X-API-Key: {KEY}", "--seed", "1"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=3000,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert not re.search(r'"status": 500', server.said())
    return done.stdout


def test_generated_requests_are_answered_as_described(server, tmp_path):
    run_schemathesis(tmp_path, server, 10)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("model", ["numbers", "exported"])
def test_two_thousand_generated_requests_an_endpoint_are_answered_as_described(model, request, tmp_path):
    with serving(request.getfixturevalue(model), environment={"KIT_API_KEY": KEY}) as server:
        run_schemathesis(tmp_path, server, 2000)


# The command ---------------------------------------------------------------------------------------------------------


def test_a_wrong_command_line_is_refused_at_once(tmp_path):
    for arguments, code, words in (
        ([], 2, "--model"),
        (["--model", tmp_path / "nowhere"], 2, "there is no such folder"),
        (["--model", tmp_path], 2, "no exported model"),
        (["--model", tmp_path, "--max-batch", "0"], 2, "--max-batch is 0; allowed: 1 to 256"),
        (["--model", tmp_path, "--prot", "1"], 2, "did you mean '--port'?"),
    ):
        ended = started(*arguments)
        assert ended.code == code and words in ended.err, ended.err


def test_names_that_are_not_clear_are_refused(numbers):
    model = numbers / "1"
    for models, words in (([model, model], "two models named numbers"), ([f"a/b={model}"], "NAME=DIR")):
        ended = started(*(text for one in models for text in ("--model", one)))
        assert ended.code == 2 and words in ended.err, ended.err


def test_a_port_in_use_is_refused_with_a_free_one(numbers):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = started("--model", numbers, "--port", port)
    assert ended.code == 4
    offered = re.search(rf"--port {port} is in use on 127.0.0.1; free: --port (\d+)", ended.err)
    assert offered and int(offered[1]) > port


def test_a_damaged_model_ends_the_start_with_code_4(numbers, tmp_path):
    shutil.copytree(numbers / "1", tmp_path / "damaged")
    (tmp_path / "damaged/model.pdiparams").write_bytes(b"damaged")
    command = [sys.executable, "tools/serve.py", "--model", str(tmp_path / "damaged"), "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 4
    assert "model.pdiparams" in done.stderr and "Traceback" not in done.stderr


def test_a_key_that_is_no_word_is_refused(numbers):
    command = [sys.executable, "tools/serve.py", "--model", str(numbers), "--port", "0"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ, "KIT_API_KEY": ""}
    )
    assert done.returncode == 2 and "KIT_API_KEY" in done.stderr


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch):
    from common.errors import EnvironmentProblem
    from deploy.serving.command import refuse_lacking

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    with pytest.raises(EnvironmentProblem, match=r"uvicorn.*pip install -r deploy/serving/requirements.txt"):
        refuse_lacking()
