"""A server as a process of its own, and what tests ask it."""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import psutil

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Reply:
    """An answer.

    Args:
        status (int): of HTTP.
        headers (dict[str, str]): by lower-case names.
        body (bytes): as it came.
    """

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        """The body, read."""
        return json.loads(self.body)

    def refused(self, status, *words):
        """Checks that this is a problem as clients get it."""
        assert self.status == status, self.body
        assert self.headers["content-type"] == "application/problem+json"
        assert set(self.json) == {"type", "title", "status", "detail", "request_id"}
        assert self.json["status"] == status and "Traceback" not in self.json["detail"]
        assert not [word for word in words if word not in self.json["detail"]], self.json["detail"]
        return self


class Serving:
    """A running `tools/serve.py` on a free port of 127.0.0.1.

    Args:
        models (list): what `--model` is given.
        options (list[str]): further options.
        environment (dict[str, str]): more variables.
        command (list[str]): the program, which the options follow.
    """

    def __init__(self, models, *options, environment=None, command=("tools/serve.py",)):
        arguments = [*command, *(text for model in models for text in ("--model", str(model)))]
        self.log = tempfile.TemporaryFile("w+b")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, *arguments, "--port", "0", "--threads", "1", *map(str, options)],
            cwd=ROOT,
            stderr=self.log,
            env={**os.environ, **(environment or {})},
        )
        found = None
        while not found and self.process.poll() is None:
            time.sleep(0.05)
            found = re.search(r"at http://127.0.0.1:(\d+)", self.said())
        assert found, self.said()
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def said(self):
        """What it wrote to its log."""
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode()

    def connection(self, timeout=60):
        """A connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, path, body=None, kind=None, method=None, headers=None, connection=None):
        """Sends one request.

        Args:
            path (str): and query.
            body (bytes | dict): a dict is sent as JSON.
            kind (str): content type.
            method (str): POST where there is a body, else GET.
            headers (dict): more of them.
            connection (HTTPConnection): a kept one; else one of its own.
        """
        if isinstance(body, dict):
            body, kind = json.dumps(body).encode(), kind or "application/json"
        headers = {**({"Content-Type": kind} if kind else {}), **(headers or {})}
        line = connection or self.connection()
        try:
            line.request(method or ("GET" if body is None else "POST"), path, body, headers)
            answer = line.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            if connection is None:
                line.close()

    def number(self, value, model="numbers", connection=None):
        """Asks the model of numbers for one; (status, version, answer)."""
        body = {"inputs": {"x": [[value]]}}
        reply = self.ask(f"/v1/models/{model}:predict", body, connection=connection)
        if reply.status != 200:
            return reply.status, None, None
        return 200, reply.json["version"], reply.json["predictions"][0][0]["y"][0]

    def predictors(self):
        """The processes of its predictors."""
        return [p for p in psutil.Process(self.process.pid).children() if "worker.py" in " ".join(p.cmdline())]

    def metric(self, line):
        """The value of a line of /metrics, by all that stands before it; 0 where it is missing."""
        text = self.ask("/metrics").body.decode()
        found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def until(self, true, seconds=60):
        """Waits until `true()`; fails after so long."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.said()[-3000:]
            time.sleep(0.02)

    def ready(self):
        """Whether it says so."""
        return self.ask("/health/ready").status == 200

    def stop(self):
        """Ends it in order; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(60)


@contextlib.contextmanager
def serving(*models, options=(), **started):
    """A server while the block runs, see :class:`Serving`; none of its processes is left behind."""
    server = Serving(models, *options, **started)
    children = server.predictors()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                children += server.predictors()
            server.process.terminate()
            try:
                server.process.wait(20)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()
        _, alive = psutil.wait_procs(children, timeout=10)
        for child in alive:
            child.kill()
        server.log.close()
        assert not alive, "a predictor outlived its server"
