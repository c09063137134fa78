"""The encoder service: every vector is that of its text, whatever is batched, killed or refused."""

import collections
import importlib.util
import json
import re
import struct
import threading
import time
import urllib.request

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from common.inference.encoder_client import EncoderClient, EncoderError, frame, parted
from deploy.serving.encoder_app import EncoderLane
from deploy.serving.encoding import MOST_TOKENS, SPARE, by_length
from PaddleNLP.tools import distill_texts
from tests.deploy.encoder_export import LAYERS, InPlace, export_encoder, random_texts
from tests.deploy.serving_process import serving
from tests.made.commands import command

ENCODE = "/v1/models/pairs:encode"
HAS_ZMQ = importlib.util.find_spec("zmq") is not None
OPTIONS = ["--workers", "2", "--max-batch", "16", *(["--binary-port", "0"] if HAS_ZMQ else [])]
SERVER = ("deploy/serving/encoder_server.py",)


@pytest.fixture(scope="module")
def exports(made_sets, tmp_path_factory):
    """The folders `encoder` and `classifier` of one model."""
    folder = tmp_path_factory.mktemp("encoder")
    export_encoder(made_sets, folder)
    return folder


@pytest.fixture(scope="module")
def in_place(exports):
    return InPlace(exports / "encoder")


@pytest.fixture(scope="module")
def server(exports):
    with serving(exports / "encoder", options=OPTIONS, command=SERVER) as running:
        yield running


def addresses(server):
    """The addresses of a service: HTTP, and where ZeroMQ is there, that of binary requests."""
    return [server.url, *re.findall(r"tcp://\S+", server.said())]


def test_vectors_of_every_layer_are_those_of_each_text_alone(server, in_place):
    texts = random_texts(40, np.random.default_rng(0))
    for address in addresses(server):
        with EncoderClient(address, batch=13) as client:
            for layer in LAYERS:
                found = client.encode(texts, layer)
                in_place.assert_equal(texts, found, layer)
            assert found.shape == (40, 2) and found.dtype == np.float32
            in_place.assert_equal(texts[:3], client.encode(texts[:3]), "pooler")
            vectors, tokens = client.encode_tokens(["ann saw rome", "zzz"])
            assert tokens == [["[CLS]", "ann", "saw", "rome", "[SEP]"], ["[CLS]", "[UNK]", "[SEP]"]]
            assert [len(own) for own in vectors] == [5, 3]


def test_json_has_the_same_vectors(server, in_place):
    texts = ["ann saw rome", "the hotel was very good", "a"]
    reply = server.ask(ENCODE, {"texts": texts, "layer": "mean:-2"})
    assert reply.json["layer"] == "mean:-2" and reply.json["size"] == 16 and reply.json["truncated"] == []
    in_place.assert_equal(texts, reply.json["vectors"], "mean:-2")
    reply = server.ask(ENCODE, {"text": "a " * 40, "layer": "tokens"})
    assert reply.json["truncated"] == [0] and len(reply.json["vectors"][0]) == 24 == len(reply.json["pieces"][0])
    from openapi_spec_validator import validate

    described = server.ask("/openapi.json").json
    validate(described)
    assert "/v1/models/{name}:encode" in described["paths"]
    about = server.ask("/v1/models/pairs").json
    assert about["vectors"] == {"pooler": 16, "mean:-2": 16, "tokens": 16, "scores": 2}
    (record,) = server.ask("/v1/models/pairs:predict", {"text": texts[0]}).json["predictions"][0]
    in_place.assert_equal(texts[:1], [record["scores"]], "scores")


def framed(head):
    """A frame whose head is these bytes, without texts."""
    return struct.pack("<IQ", len(head), 0) + head


REFUSED = [
    (422, {"texts": []}, "one at least"),
    (422, {"texts": ["a", 1]}, "list of texts"),
    (422, {"text": "a", "texts": ["a"]}, "text or texts"),
    (422, {"texts": ["a", " "]}, "text 2: [D126]"),
    (422, {"texts": ["a", "\x01"]}, "text 2: [D126]"),
    (422, {"texts": ["a"], "layer": "poler"}, "did you mean 'pooler'"),
    (422, {"texts": ["a"], "layer": 3}, "layer '3'"),
    (413, {"texts": ["a"] * 257}, "257 items"),
    (413, {"texts": ["a" * 10_001]}, "text 1: a text of 10001 characters"),
    (400, frame({}, [b"abc"])[:-1], "no frame"),
    (400, b"", "no frame"),
    (400, b"\xff" * 100, "no frame"),
    (400, frame({}, [b"ab"]).replace(b"[2]", b"[3]"), "sizes says 3"),
    (400, frame({}, [b"ab", b"c"]).replace(b"[2, 1]", b"[-1,4]"), "sizes is a list"),
    (422, frame({"what": 1}, [b"a"]), "the head of a frame takes"),
    (422, frame({}, []), "no text"),
    (422, frame({}, [b"\xff"]), "text 1 is not UTF-8"),
    (422, {"texts": ["a", "\ud800"]}, "text 2: the text contains an unpaired surrogate"),
    (422, frame({"model": "pears"}, [b"a"]), "names the model 'pears'"),
    (422, frame({"key": "secret"}, [b"a"]), "the API key is in the header"),
    (422, frame({"id": [1]}, [b"a"]), "id is a text or a whole number"),
    (400, b"abc", "it has 3 bytes; its two lengths alone are 12"),
    (400, framed(b"[1]"), "its head is no JSON object"),
    (400, framed(b"\xff"), "the head of the frame is not JSON: byte 1 is not UTF-8"),
    (400, framed(b"[" * 10**5), "too many levels"),
    (400, framed(b'{"sizes": [' + b"9" * 5000 + b"]}"), "a number has more than 4300 digits"),
    (400, framed(b'{"sizes": [' + b"9" * 4000 + b"]}"), "sizes is a list"),
]


@pytest.mark.parametrize(("status", "body", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_request_is_refused_with_the_reason(server, status, body, words):
    kind = "application/octet-stream" if isinstance(body, bytes) else None
    server.ask(ENCODE, body, kind).refused(status, words)


def test_a_frame_over_http_gets_its_id_back(server):
    for number in (7, "a"):
        data = frame({"id": number, "model": "pairs"}, [b"ann"])
        request = urllib.request.Request(server.url + ENCODE, data, {"Content-Type": "application/octet-stream"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert parted(answer.read())[0]["id"] == number


def test_the_scores_that_a_student_learns_are_those_of_the_teacher_that_runs_here(server, exports, tmp_path):
    (tmp_path / "texts.txt").write_text("\n".join(random_texts(20, np.random.default_rng(1))[:7]) + "\n")
    rows = []
    for number, teacher in enumerate((exports / "classifier", server.url)):
        out = tmp_path / f"{number}.tsv"
        given = (tmp_path / "texts.txt", "--teacher", teacher, "--times", 2, "--out", out)
        answer = command(distill_texts.main, *given)
        assert answer.code == 0, answer.err
        rows.append([line.split("\t") for line in out.read_text().splitlines()])
    assert [row[:2] for row in rows[0]] == [row[:2] for row in rows[1]] and len(rows[0]) > 10
    scores = [[[float(one) for one in row[2].split()] for row in found[1:]] for found in rows]
    np.testing.assert_allclose(*scores, atol=3e-6)
    command(distill_texts.main, *given[:2], "http://127.0.0.1:1", *given[3:]).refused(2, "127.0.0.1:1")


def ask_until(end, address, in_place, seed, found):
    """Asks for the vectors of random texts until a time, and checks each; `found` counts what came."""
    rng = np.random.default_rng(seed)
    with EncoderClient(address, batch=8, connections=2, deadline=60) as client:
        while time.monotonic() < end:
            texts = random_texts(int(rng.integers(1, 12)), rng)
            layer = LAYERS[int(rng.integers(len(LAYERS)))]
            try:
                in_place.assert_equal(texts, client.encode(texts, layer), layer)
                found["right"] += len(texts)
            except EncoderError as error:
                found[f"error: {error}"] += 1
            except AssertionError as error:
                found[f"wrong: {error}"] += 1


def killed(server, in_place, seconds, every):
    """Kills a predictor every so often under load; what the clients got (Counter) and how often one was killed."""
    end, found, kills = time.monotonic() + seconds, collections.Counter(), 0
    given = [(end, address, in_place, n, found) for n, address in enumerate(2 * addresses(server))]
    threads = [threading.Thread(target=ask_until, args=one) for one in given]
    for text in random_texts(1, np.random.default_rng(0)):
        in_place(text, "pooler")  # the predictor of this process is warm
    for thread in threads:
        thread.start()
    while time.monotonic() + every < end:
        time.sleep(every)
        for predictor in server.predictors()[:1]:
            predictor.kill()
            kills += 1
    for thread in threads:
        thread.join()
    return found, kills


def test_a_killed_predictor_costs_no_vector_and_the_end_is_orderly(server, in_place):
    before = server.metric('kit_predictor_restarts_total{model="pairs"}')
    found, kills = killed(server, in_place, 1.2, 0.4)
    assert set(found) == {"right"} and found["right"] and kills >= 2, found
    server.until(lambda: server.metric('kit_predictor_restarts_total{model="pairs"}') >= before + 1)
    assert server.stop() == 0 and "all that was asked is answered" in server.said()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_predictor_is_killed_every_20_seconds_for_5_minutes(exports, in_place):
    with serving(exports / "encoder", options=OPTIONS, command=SERVER) as server:
        found, kills = killed(server, in_place, 300, 20)
        assert set(found) == {"right"} and kills >= 13, found
        assert server.metric('kit_predictor_restarts_total{model="pairs"}') == kills
        assert server.stop() == 0


def test_texts_are_batched_with_those_of_their_length():
    assert by_length([3, 60, 4, 59, 3], int, 8) == [[60, 59], [4, 3, 3]]
    assert by_length([5] * 5, int, 2) == [[5, 5], [5, 5], [5]]
    assert by_length([], int, 2) == []


@settings(max_examples=40, deadline=None)
@given(strategies.lists(strategies.integers(1, 512), max_size=80), strategies.integers(1, 64))
def test_batches_by_length_hold_every_text_once_and_little_padding(lengths, most):
    found = by_length(lengths, int, most)
    assert sorted(n for batch in found for n in batch) == sorted(lengths)
    for batch in found:
        assert 1 <= len(batch) <= most and len(batch) * max(batch) <= max(MOST_TOKENS, max(batch))
        assert sum(max(batch) - n for n in batch) <= SPARE


def test_a_lane_takes_the_oldest_text_and_those_nearest_to_it_in_length():
    lane = EncoderLane.__new__(EncoderLane)
    lane.max_batch, lane.working, lane.up, lane.batch_items = 3, 0, 1, 1
    job = collections.namedtuple("job", "item")
    lane.queue = collections.deque(job(({}, [b"x" * size])) for size in (9, 50, 8, 51, 2, 10))
    sizes = lambda jobs: [len(one.item[1][0]) for one in jobs]  # noqa: E731
    assert sizes(lane.take()) == [9, 8, 10] and sizes(lane.queue) == [50, 51, 2]
    assert sizes(lane.take()) == [50, 51, 2] and not lane.queue


def test_the_texts_that_wait_are_shared_by_the_processes():
    lane = EncoderLane.__new__(EncoderLane)
    lane.max_batch, lane.working, lane.up, lane.batch_items = 64, 0, 2, 1
    for queue, working, last, share, enough in [
        (1, 0, 1, 1, 1), (32, 0, 1, 16, 16), (16, 16, 16, 16, 16), (2, 16, 16, 9, 16), (500, 64, 64, 64, 64),
    ]:  # fmt: skip
        lane.queue, lane.working, lane.batch_items = collections.deque(range(queue)), working, last
        assert (lane.share(), lane.enough()) == (share, enough)


def test_a_model_that_is_no_encoder_is_not_served(exports):
    from deploy.serving.encoder_server import main

    command(main, "--model", exports / "classifier", "--port", "0").refused(2, "TextClassification", "export_encoder")


def test_the_frame_of_the_page_of_the_service():
    """The bytes that docs/encoder_service.md shows."""
    data = frame({"layer": "mean"}, [b"hi", "好".encode()])
    text = b'{"layer": "mean", "sizes": [2, 3]}'
    assert data == len(text).to_bytes(4, "little") + (5).to_bytes(8, "little") + text + b"hi" + "好".encode()
    assert json.loads(text)["sizes"] == [2, 3]
