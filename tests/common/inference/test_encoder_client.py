"""The client of the encoder service against a server that fails in the ways that servers fail."""

import contextlib
import http.server
import json
import threading
import time

import numpy as np
import pytest

from common.inference.encoder_client import EncoderClient, EncoderError, frame, parted


class Unreliable(http.server.BaseHTTPRequestHandler):
    """Answers with the number of each text, after what the server's `faults` say."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send(200, json.dumps({"models": [{"name": "m", "vectors": {"pooler": 2}}]}).encode())

    def do_POST(self):
        head, texts = parted(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, head, [text.decode() for text in texts]))
        fault = self.server.faults.pop(0) if self.server.faults else None
        if fault == "gone":
            self.close_connection = True
            return
        if fault == "slow":
            time.sleep(0.5)
        if isinstance(fault, int):
            self.send(fault, json.dumps({"status": fault, "detail": "no room"}).encode(), {"Retry-After": "0"})
            return
        blobs = [np.float32([int(text), -int(text)]).tobytes() for text in texts]
        data = frame({"status": 200, "layer": "pooler", "size": 2}, blobs[fault == "short" :])
        self.send(200, data[:-1] if fault == "cut" else data)

    def send(self, status, data, headers=()):
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **dict(headers)}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unreliable) as running:
        running.faults, running.asked = [], []
        running.url = f"http://127.0.0.1:{running.server_port}"
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


TEXTS = [str(number) for number in range(10)]


def assert_right(client, texts=TEXTS):
    numbers = np.float32([int(text) for text in texts])
    np.testing.assert_array_equal(client.encode(texts), np.stack([numbers, -numbers], 1))


def test_many_texts_are_split_and_come_back_in_their_order(server):
    with EncoderClient(server.url, batch=3) as client:
        assert_right(client)
    assert sorted(len(texts) for _, _, texts in server.asked) == [1, 3, 3, 3]
    assert {path for path, _, _ in server.asked} == {"/v1/models/m:encode"}


def test_what_is_no_text_is_named_by_its_number_and_not_sent(server):
    with EncoderClient(server.url, model="m", batch=3) as client:
        for texts, words in (
            (["1", 3], "text 2: a text is a str, not int"),
            ([*TEXTS[:4], "\ud800"], "text 5: .*surrog"),
        ):
            with pytest.raises(EncoderError, match=words):
                client.encode(texts)
    assert all(len(texts) == 3 for _, _, texts in server.asked)


@pytest.mark.parametrize("faults", [[503, 429], ["gone"], ["slow"], ["cut"], ["gone", 503, "slow"]], ids=str)
def test_a_request_is_repeated_until_it_is_answered(server, faults):
    count = len(faults) + 1
    server.faults = list(faults)
    with EncoderClient(server.url, model="m", timeout=0.2) as client:
        assert_right(client)
        assert_right(client, TEXTS[::-1])
    assert len(server.asked) >= count + 1


def test_a_late_response_is_not_taken_for_that_of_another_request(server):
    server.faults = ["slow"]
    with EncoderClient(server.url, model="m", timeout=0.1, deadline=0.12) as client:
        with pytest.raises(EncoderError, match=r"no response|timed out"):
            client.encode(["1"])
        client.deadline, client.timeout = 9, 9
        assert_right(client, ["2"])
        time.sleep(0.5)
        assert_right(client, ["3"])


@pytest.mark.parametrize(("fault", "words"), [(422, "422: no room"), (500, "500: no room"), ("short", "2 texts")])
def test_what_a_repetition_cannot_mend_is_raised_at_once(server, fault, words):
    server.faults = [fault]
    with EncoderClient(server.url, model="m", layer="cls") as client, pytest.raises(EncoderError, match=words):
        client.encode(["1", "2"])
    assert [head for _, head, _ in server.asked] == [{"layer": "cls", "sizes": [1, 1]}]


def test_a_part_that_is_refused_is_named_by_its_texts(server):
    server.faults = [None, 422]
    client = EncoderClient(server.url, model="m", batch=2, connections=1)
    with client, pytest.raises(EncoderError, match=r"no room \(texts 3 to 4\)"):
        client.encode(TEXTS[:6])


def test_the_deadline_ends_the_repetitions(server):
    server.faults = [503] * 99
    began = time.monotonic()
    with (
        EncoderClient(server.url, model="m", deadline=0.3) as client,
        pytest.raises(EncoderError, match="503: no room"),
    ):
        client.encode(["1"])
    assert time.monotonic() - began < 5 and 2 <= len(server.asked) < 20


@pytest.mark.parametrize(
    "given", [{"address": "ftp://a:1"}, {"address": "http://a"}, {"batch": 0}, {"timeout": 0}, {"connections": 0}]
)
def test_arguments_out_of_range_are_refused(given):
    with pytest.raises(ValueError, match=r"address is|above 0"):
        EncoderClient(**{"address": "http://127.0.0.1:1", **given})


def test_texts_are_a_list_of_at_least_one():
    with EncoderClient("http://127.0.0.1:1") as client:
        for wrong in ("a text", []):
            with pytest.raises(ValueError, match="at least one"):
                client.encode(wrong)
