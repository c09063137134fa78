"""Client of the encoder service, for Python: splits, retries and times out.

    from common.inference.encoder_client import EncoderClient

    with EncoderClient("http://127.0.0.1:8888") as encoder:
        vectors = encoder.encode(["hello", "goodbye"])      # float32 [2, H]

It needs NumPy alone, and pyzmq for an address that begins with tcp://.
"""

import concurrent.futures
import http.client
import itertools
import json
import queue
import socket
import struct
import time
from urllib.parse import quote, urlsplit

import numpy as np

HEAD = "<IQ"  # of a frame: the length of its JSON, and that of the bytes after it, see docs/encoder_service.md
FRAME = "application/octet-stream"
AGAIN = (429, 503)  # statuses at which the same request makes sense later
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between two attempts


class EncoderError(Exception):
    """The service refused a request, or did not respond in time.

    Args:
        detail (str): what is wrong.
        status (int | None): of HTTP; None where there is no response.
        after (float): seconds after which it makes sense to ask again.
    """

    def __init__(self, detail, status=None, after=0.0):
        super().__init__(f"{status}: {detail}" if status else detail)
        self.status, self.detail, self.after = status, detail, after

    @property
    def again(self):
        """True if the same request may be answered later."""
        return self.status is None or self.status in AGAIN


class EncoderClient:
    """Asks an encoder service for vectors; may be used by several threads.

    Args:
        address (str): http://HOST:PORT, or tcp://HOST:PORT of its `--binary-port`.
        model (str): its name; the only model of the service when None.
        layer (str): of requests that name none; the first one of the service when None.
        timeout (float): seconds for one request of at most `batch` texts.
        deadline (float): seconds for all texts of a call, with every repetition.
        batch (int): texts of a request at most; a call with more is split.
        connections (int): requests at a time.
        key (str): API key of the service.
    """

    def __init__(
        self, address="http://127.0.0.1:8888", model=None, layer=None, timeout=10.0, deadline=60.0, batch=64,
        connections=4, key=None,
    ):  # fmt: skip
        scheme = urlsplit(address).scheme
        if scheme not in LINES or not urlsplit(address).port:
            raise ValueError(f"address is {address!r}; it is http://HOST:PORT or tcp://HOST:PORT")
        if batch < 1 or connections < 1 or timeout <= 0 or deadline <= 0:
            raise ValueError(
                f"batch {batch}, connections {connections}, timeout {timeout}, deadline {deadline}: above 0"
            )
        self.address, self.model, self.layer, self.key = address, model, layer, key
        self.timeout, self.deadline, self.batch, self.connections = timeout, deadline, batch, connections
        self.line, self.free = LINES[scheme], queue.LifoQueue()
        self.pool = concurrent.futures.ThreadPoolExecutor(connections, "encoder")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the connections."""
        self.pool.shutdown(cancel_futures=True)
        while not self.free.empty():
            self.free.get_nowait().close()

    def encode(self, texts, layer=None):
        """The vectors of texts.

        Args:
            texts (list[str]): at least one.
            layer (str): an output of the service; that of the client when None.

        Returns:
            ndarray | list[ndarray]: float32 [N, H]; for tokens a list of [T, H].

        Raises:
            EncoderError: a text is refused, or there is no response within the deadline.
        """
        return self.ask(texts, layer)[0]

    def encode_tokens(self, texts, layer="tokens"):
        """The vectors of the tokens of texts, and the tokens: (list of float32 [T, H], list of lists of T str)."""
        vectors, heads = self.ask(texts, layer)
        return vectors, list(itertools.chain.from_iterable(head["pieces"] for head in heads))

    def ask(self, texts, layer=None):
        """(the vectors of texts, the heads of the responses), see :meth:`encode`."""
        if isinstance(texts, str) or not texts:
            raise ValueError("texts is a list of at least one text")
        layer, until = layer or self.layer, time.monotonic() + self.deadline
        parts = [texts[first : first + self.batch] for first in range(0, len(texts), self.batch)]
        given = [(part, layer, until, number * self.batch) for number, part in enumerate(parts)]
        found = [self.part(*given[0])] if len(parts) == 1 else list(self.pool.map(lambda one: self.part(*one), given))
        heads = [head for head, _ in found]
        vectors = [vector for _, own in found for vector in own]
        return vectors if "pieces" in heads[0] else np.concatenate(vectors), heads

    def part(self, texts, layer, until, first):
        """(head, vectors) of the texts of one request, repeated until the deadline; raises EncoderError."""
        head = {"layer": layer, **self.line.head(self)}
        head = {name: value for name, value in head.items() if value is not None}
        data, pause = frame(head, [in_utf8(text, number) for number, text in enumerate(texts, first + 1)]), FIRST_PAUSE
        while True:
            seconds = min(self.timeout, until - time.monotonic())
            try:
                if seconds <= 0:
                    raise EncoderError(f"no response within the deadline of {self.deadline:g} s")
                head, blobs = self.once(data, seconds)
                return head, self.vectors(head, blobs, len(texts))
            except EncoderError as error:
                wait = max(pause, error.after)
                if not error.again or time.monotonic() + wait >= until:
                    place = f" (texts {first + 1} to {first + len(texts)})" if first else ""
                    raise EncoderError(f"{error.detail}{place}", error.status) from None
                time.sleep(wait)
                pause = min(2 * pause, LONGEST_PAUSE)

    def once(self, data, seconds):
        """(head, blobs) of the response to one frame; raises EncoderError."""
        try:
            line = self.free.get_nowait()
        except queue.Empty:
            line = self.line(self)
        try:
            head, blobs = parted(line.exchange(data, seconds))
        except EncoderError as error:
            if error.status is None:  # a late response must not be taken for that of another request
                line.close()
            else:
                self.free.put(line)
            raise
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            line.close()
            raise EncoderError(f"{self.address}: {type(error).__name__}: {error}") from error
        self.free.put(line)
        if head["status"] != 200:
            raise EncoderError(head["detail"], head["status"], head.get("retry_after", 0.0))
        return head, blobs

    def vectors(self, head, blobs, count):
        """The vectors in a response: float32 [1, H], or [T, H] of the tokens, for each text."""
        if len(blobs) != count:
            raise EncoderError(f"{len(blobs)} vectors for {count} texts", 500)
        return [np.frombuffer(blob, "<f4").reshape(-1, head["size"]) for blob in blobs]

    def about(self):
        """The description of the model (dict), with `vectors`, the size of each layer, and `labels`; HTTP only."""
        models = HttpLine(self).get("/v1/models")["models"]
        found = [one for one in models if self.model in (None, one["name"])]
        if len(found) != 1:
            raise EncoderError(f"name one of the models {', '.join(one['name'] for one in models)}", 404)
        return found[0]


class HttpLine:
    """A kept connection over HTTP.

    Args:
        client (EncoderClient): says where to.
    """

    def __init__(self, client):
        place = urlsplit(client.address)
        self.client, self.line = client, http.client.HTTPConnection(place.hostname, place.port, timeout=client.timeout)
        self.headers = {"Authorization": f"Bearer {client.key}"} if client.key else {}

    @staticmethod
    def head(client):
        """The keys of a request beside its layer; the address and a header have the others."""
        return {}

    def exchange(self, data, seconds):
        """The frame of the response to a frame; raises EncoderError for a problem, OSError without a response."""
        if self.client.model is None:
            self.client.model = self.client.about()["name"]
        self.at(seconds)
        path = f"/v1/models/{quote(self.client.model, safe='')}:encode"
        self.line.request("POST", path, data, {**self.headers, "Content-Type": FRAME})
        answer = self.line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise problem_in(answer, body)
        return body

    def get(self, path):
        """The JSON of a page; raises EncoderError."""
        try:
            self.line.request("GET", path, headers=self.headers)
            answer = self.line.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise problem_in(answer, body)
            return json.loads(body)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise EncoderError(f"{self.client.address}: {type(error).__name__}: {error}") from error
        finally:
            self.close()

    def at(self, seconds):
        """Sets the seconds for what follows."""
        self.line.timeout = seconds
        if self.line.sock is not None:
            self.line.sock.settimeout(seconds)
        else:
            self.line.connect()
            self.line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        """Closes the connection."""
        self.line.close()


class ZmqLine:
    """A connection over ZeroMQ.

    Args:
        client (EncoderClient): says where to.
    """

    def __init__(self, client):
        import zmq

        self.zmq, self.context, self.number = zmq, zmq.Context.instance(), 0
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(client.address)

    @staticmethod
    def head(client):
        """The keys of a request beside its layer."""
        return {"model": client.model, "key": client.key}

    def exchange(self, data, seconds):
        """The frame of the response to a frame; raises EncoderError where it does not come in time."""
        self.number += 1
        tag = str(self.number).encode()
        self.socket.send_multipart([tag, data])
        if not self.socket.poll(1000 * seconds, self.zmq.POLLIN):
            raise EncoderError(f"no response within {seconds:.1f} s")
        *tags, body = self.socket.recv_multipart()
        if tags != [tag]:
            raise EncoderError("the response is that of another request")
        return body

    def close(self):
        """Closes the connection."""
        self.socket.close()


LINES = {"http": HttpLine, "tcp": ZmqLine}


def in_utf8(text, number):
    """A text in UTF-8; raises EncoderError with its number, from 1 on, for what is no text."""
    if not isinstance(text, str):
        raise EncoderError(f"text {number}: a text is a str, not {type(text).__name__}", 422)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise EncoderError(f"text {number}: the text contains an unpaired surrogate", 422) from None


def frame(head, blobs):
    """The bytes of a frame: two little-endian numbers (u32, u64), the JSON of its head with `sizes`, the blobs."""
    text = json.dumps({**head, "sizes": [len(blob) for blob in blobs]}).encode()
    return b"".join([struct.pack(HEAD, len(text), sum(map(len, blobs))), text, *blobs])


def parted(data):
    """(head, blobs) of a frame; raises ValueError or KeyError for anything else."""
    if len(data) < struct.calcsize(HEAD):
        raise ValueError(f"a response of {len(data)} bytes")
    text, size = struct.unpack_from(HEAD, data)
    start = struct.calcsize(HEAD) + text
    head = json.loads(data[start - text : start])
    ends = list(itertools.accumulate(head["sizes"], initial=start))
    if not ends[-1] == start + size == len(data):
        raise ValueError(f"a response of {len(data)} bytes where its head says {start + size}")
    return head, [data[first:last] for first, last in itertools.pairwise(ends)]


def problem_in(answer, body):
    """The EncoderError of a response of HTTP that is not 200, from its problem details."""
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.reason
    after = answer.getheader("Retry-After", "")
    return EncoderError(detail, answer.status, float(after) if after.isdecimal() else 0.0)
