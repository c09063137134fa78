"""What clients may do before anything is read of a request: connections, heads, names; and models that answer NaN."""

import contextlib
import random
import socket

import psutil
import pytest

from deploy.serving import connections
from deploy.serving.hosts import Hosts
from deploy.serving.problems import Problem
from tests.deploy.serving_process import serving
from tests.deploy.tensor_export import export_layer

HEAD = b"POST /v1/models/numbers:reload HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def server(numbers):
    with serving(numbers, options=["--connections", "60", "--connections-per-client", "20"]) as running:
        yield running


@contextlib.contextmanager
def opened(server, address="127.0.0.1"):
    line = socket.create_connection(("127.0.0.1", server.port), 20, source_address=(address, 0))
    line.settimeout(20)
    try:
        yield line
    finally:
        line.close()


def answered(line, *parts):
    """The status that the server answers to these bytes with; 0 where it closes without one."""
    with contextlib.suppress(ConnectionError):
        for part in parts:
            line.sendall(part)
    found = b""
    with contextlib.suppress(ConnectionError):
        found = line.recv(100)
    return int(found[9:12] or 0)


def memory(server):
    return psutil.Process(server.process.pid).memory_info().rss / 2**20


def test_endless_heads_are_refused_and_cost_no_memory(server):
    before = memory(server)
    heads = {
        "one value": [HEAD + b"X: ", *[b"a" * 2**20] * 30],
        "many lines": [HEAD, *[b"".join(b"A%06d: b\r\n" % n for n in range(50_000))] * 20],
        "the address": [b"GET /", *[b"a" * 2**20] * 20],
        "one name": [HEAD, *[b"a" * 2**20] * 20],
        "trailers": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", *[b"a" * 2**18] * 40],
        "blank lines": [*[b"\r\n" * 2**18] * 20],
    }
    for name, parts in heads.items():
        with opened(server) as line:
            assert answered(line, *parts) in (0, 200, 400, 409, 431), name
    assert memory(server) - before < 30
    assert server.ready()


def test_a_head_of_some_size_and_some_headers_is_read_and_more_is_not(server):
    def status(*fields):
        with opened(server) as line:
            return answered(line, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + b"".join(fields) + b"\r\n")

    assert status(b"X: " + b"a" * 30_000 + b"\r\n") == 200
    assert status(b"X: " + b"a" * 70_000 + b"\r\n") == 431
    assert status(*[b"X: a\r\n"] * 90) == 200
    assert status(*[b"X: a\r\n"] * 101) == 431


def test_one_client_cannot_take_all_connections(server):
    with contextlib.ExitStack() as lines:
        held = [lines.enter_context(opened(server, "127.0.0.2")) for _ in range(40)]
        for line in held:
            line.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert sum(answered(line) == 503 for line in held[20:]) == 20
        assert server.ready()
        for client in range(3, 6):
            for _ in range(20):
                lines.enter_context(opened(server, f"127.0.0.{client}"))
        with opened(server, "127.0.0.9") as line:
            assert answered(line) == 503
    server.until(server.ready)


def test_half_a_request_is_not_waited_for_for_ever():
    loop = FakeLoop()
    slow = made(loop)
    for part in (b"GET /", b"x HTTP/1.1\r\n", b"X: "):
        slow.data_received(part)
    (when, call) = loop.timers.pop()
    assert when == connections.HEAD_SECONDS
    call()
    assert slow.transport.written.startswith(b"HTTP/1.1 408 ") and slow.transport.closed


class FakeLoop:
    """Keeps what is to be called later."""

    def __init__(self):
        self.timers = []

    def call_later(self, seconds, call):
        self.timers.append((seconds, call))
        return self

    def cancel(self):
        pass


class FakeTransport:
    """Keeps what is written."""

    written, closed = b"", False

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def get_extra_info(self, name):
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else None


def made(loop):
    """A connection of its own, without a server."""
    import uvicorn
    from uvicorn.server import ServerState

    kind = connections.protocol()
    connection = kind(uvicorn.Config(lambda scope: None, log_config=None), ServerState(), {}, loop)
    connection.connection_made(FakeTransport())
    return connection


def test_rubbish_for_a_head_is_answered_or_closed_and_never_held():
    draw = random.Random(5)
    words = [
        b"GET ",
        b"/",
        b" HTTP/1.1",
        b"\r\n",
        b"\n",
        b"Host: ",
        b"localhost",
        b":",
        b"\0",
        b"\xff",
        b"%",
        b"A: b\r\n",
    ]
    for _ in range(400):
        connection = made(FakeLoop())
        text = b"".join(draw.choice(words) * draw.choice((1, 1, 2, 30)) for _ in range(draw.randint(1, 30)))
        if b"HTTP/1.1\r\n" in text and b"\r\n\r\n" in text:
            continue  # a request, which asks for an application
        for at in range(0, len(text), 7):
            connection.data_received(text[at : at + 7])
        connection.data_received(b"a" * (connections.HEAD_BYTES + connections.PIECE))
        assert connection.transport.closed
        assert connection.transport.written[9:12] in (b"400", b"431")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8866", "[::1]:1", "10.1.2.3", "mine.example"])
def test_names_of_the_server_are_admitted(host):
    Hosts(["mine.example"]).admit(scope(host))
    Hosts(["*"]).admit(scope("any.example"))


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8866", "localhost.evil.example", "a b", "", "127.0.0.1@x"]
)
def test_other_names_are_refused_but_for_probes(host):
    with pytest.raises(Problem, match=r"--allow-host"):
        Hosts().admit(scope(host))
    Hosts().admit(scope(host, method="GET", path="/health/live"))


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "file://", "http://[", ""])
def test_a_page_of_another_origin_changes_nothing(origin):
    with pytest.raises(Problem, match=r"another site's page"):
        Hosts().admit(scope("localhost:8866", origin=origin))
    Hosts().admit(scope("localhost:8866", origin="http://localhost:8866"))


def scope(host, method="POST", path="/v1/models/x:reload", origin=None):
    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin is not None else [])]
    return {"headers": headers, "method": method, "path": path}


def test_every_route_asks_for_the_name_and_changes_need_the_origin(server):
    for path, body in (("/v1/models", None), ("/", None), ("/metrics", None), ("/v1/models/numbers:reload", b"")):
        server.ask(path, body, headers={"Host": "evil.example"}).refused(421, "evil.example")
    other = {"Origin": "http://evil.example"}
    server.ask("/v1/models/numbers:reload", b"", headers=other).refused(403)
    assert server.ask("/v1/models/numbers:reload", b"").status == 200


def test_a_model_whose_outputs_are_not_finite_is_not_served_and_a_single_failure_is_counted(tmp_path, numbers):
    import paddle

    class Ratio(paddle.nn.Layer):
        def __init__(self, top):
            super().__init__()
            self.top = self.create_parameter([1], default_initializer=paddle.nn.initializer.Constant(top))

        def forward(self, x):
            return self.top / (x - 3)

    with serving(export_layer(Ratio(1.0), tmp_path / "ratio", [-1, 1])) as server:
        reply = server.ask("/v1/models/numbers:predict", {"inputs": {"x": [[3]]}})
        reply.refused(500, "'y'", "NaN or infinite")
        good = server.ask("/v1/models/numbers:predict", {"inputs": {"x": [[4], [5]]}})
        assert [record["y"] for (record,) in good.json["predictions"]] == [[1.0], [0.5]]
        first, second = server.ask("/v1/models/numbers:predict", {"inputs": {"x": [[3], [4]]}}).json["predictions"]
        assert first["status"] == 500 and "NaN or infinite" in first["detail"] and second == [{"y": [1.0]}]
        assert server.metric('kit_prediction_failures_total{model="numbers"}') == 2
    damaged = export_layer(Ratio(float("nan")), tmp_path / "damaged", [-1, 1])
    with pytest.raises(AssertionError, match=r"NaN or infinite(.|\n)*golden.npz"), serving(damaged):
        pass
