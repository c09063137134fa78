"""The encoder service: the server, for models whose requests are texts and whose responses are vectors.

Its other routes are those of `deploy/serving/app.py`.  The frames of the binary requests are described in
docs/encoder_service.md.
"""

import asyncio
import contextlib
import copy
import dataclasses
import heapq
import itertools
import json
import time

import numpy as np
from starlette.responses import Response
from starlette.routing import Route

from common.errors import ConfigError
from common.inference.exported import Exported
from common.inference.tasks.text_encoding import is_of_tokens
from common.suggest import did_you_mean
from deploy.serving import items, wire
from deploy.serving.app import Server, json_response
from deploy.serving.batcher import Lane
from deploy.serving.inputs import BYTES, INLINE, parse_body
from deploy.serving.models import Model, versions
from deploy.serving.openapi import TEXT, TEXTS, document, ok, operation, schema
from deploy.serving.problems import Limits, Problem

TASK = "TextEncoding"
DIGITS = 7  # of numbers in JSON, after the point
MOST_TEXTS = 256  # of a request
SHARE = 16  # a batch waits for so much of the time that the last one took
KEYS = ("id", "key", "layer", "model")  # of the head of a frame


class EncoderLane(Lane):
    """A lane whose batches are of texts of similar length, as far as many wait."""

    def patience(self):
        """Seconds that the first text of a batch waits for others: longer where the last batch had several.

        Clients that are answered together ask again together, but not at the same moment.
        """
        return max(super().patience(), self.batch_seconds / SHARE if self.batch_items > 1 else 0.0)

    def share(self):
        """The texts of a batch at most: as many for each process, of those that wait and those that are encoded now."""
        return min(self.max_batch, -(-(len(self.queue) + self.working) // max(1, self.up)))

    def enough(self):
        """Number of texts that are not kept waiting for others: a share of them, but no less than in the last batch."""
        return min(self.max_batch, max(self.share(), self.batch_items))

    def take(self):
        """Takes the text that came first and those that are nearest to it in length."""
        most = self.share()
        if len(self.queue) <= most:
            return super().take()
        first = size_of(self.queue[0])
        taken = heapq.nsmallest(most, self.queue, key=lambda job: abs(size_of(job) - first))
        chosen = set(map(id, taken))
        rest = [job for job in self.queue if id(job) not in chosen]
        self.queue.clear()
        self.queue.extend(rest)
        return taken


def size_of(job):
    """The length of a text that waits, in bytes."""
    return len(job.item[1][0])


class EncoderModel(Model):
    """An encoder by its name."""

    lane_type = EncoderLane

    async def load(self):
        """Loads what is new, see :meth:`Model.load`; raises ConfigError for a model that is no encoder."""
        for folder in versions(self.folder).values():
            task = Exported(folder).about["task"]
            if task != TASK:
                raise ConfigError(
                    f"{folder}: predicts {task}; an encoder is exported by PaddleNLP/tools/export_encoder.py"
                )
        return await super().load()

    def about(self):
        """The entry of GET /v1/models; `vectors` has the size of each layer."""
        return {**super().about(), "vectors": self.newest.description["vectors"]}


@dataclasses.dataclass
class Encoded:
    """The vectors of the texts of one request.

    Args:
        lane (Lane): whose model encoded them.
        layer (str): its output.
        blobs (list[bytes]): float32 numbers of each text, row by row.
        notes (list[dict]): of each text, see `worker.note_of`; with `pieces` where the vectors are of tokens.
    """

    lane: Lane
    layer: str
    blobs: list
    notes: list

    @property
    def head(self):
        """The keys beside the vectors (dict)."""
        size = self.lane.description["vectors"][self.layer]
        found = {"model": self.lane.name, "version": self.lane.version, "layer": self.layer, "size": size}
        found["truncated"] = [n for n, note in enumerate(self.notes) if note["truncated"]]
        if is_of_tokens(self.layer):
            found["pieces"] = [note.get("pieces", []) for note in self.notes]
        return found

    def json(self):
        """The response as JSON (str)."""
        size, of_tokens = self.lane.description["vectors"][self.layer], is_of_tokens(self.layer)
        rows = [np.round(np.frombuffer(blob, "<f4").astype(np.float64), DIGITS) for blob in self.blobs]
        vectors = [row.reshape(-1, size).tolist() if of_tokens else row.tolist() for row in rows]
        return json.dumps({**self.head, "vectors": vectors}, ensure_ascii=False)

    def frame(self, more=None):
        """The response as a frame (bytes); `more` are further keys of its head."""
        return wire.frame({"status": 200, **self.head, **(more or {})}, self.blobs)


class EncoderServer(Server):
    """The state behind the routes of an encoder service, see :class:`deploy.serving.app.Server`."""

    model_type = EncoderModel

    def __init__(self, models, metrics, settings, limits=None):
        limits = limits or Limits(seconds=settings.deadline, items=min(MOST_TEXTS, settings.queue))
        super().__init__(models, metrics, settings, limits)

    def routes(self):
        """The routes of what can be requested (list[Route])."""
        return [
            Route("/v1/models/{name:word}:encode", self.encode, methods=["POST"]),
            Route("/v1/models/{name:word}/versions/{version:word}:encode", self.encode, methods=["POST"]),
            *super().routes(),
        ]

    @contextlib.asynccontextmanager
    async def beside(self, args, key):
        """Around the time in which HTTP is served: listens for binary requests, if the command says where."""
        if args.binary_port is None:
            yield
            return
        from deploy.serving.encoder_socket import listening

        async with listening(self, args, key):
            yield

    async def openapi(self, request):
        """What this server can be asked, with the encoding of texts."""
        found = copy.deepcopy(document(list(self.models), self.limits))
        found["components"]["schemas"]["Model"]["properties"]["vectors"] = {"type": "object"}
        for address in ("/v1/models/{name}", "/v1/models/{name}/versions/{version}"):
            predict = found["paths"][f"{address}:predict"]
            found["paths"][f"{address}:encode"] = {"parameters": predict["parameters"], "post": encoding(self.limits)}
        return json_response(json.dumps(found))

    async def encode(self, request):
        """Encodes texts: JSON in and out, or frames."""
        deadline = time.monotonic() + self.settings.deadline
        model = self.model(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", BYTES):
            raise Problem(415, f"the encoder takes application/json and {BYTES}")
        async with self.bodies.body(request) as body:
            if kind == BYTES:
                head, texts = read_frame(body)
                check_head(head, model.name)
            else:
                found = await asyncio.to_thread(parse_body, body) if len(body) > INLINE else parse_body(body)
                head, texts = read_object(found)
            done = await self.encoded(model, texts, head.get("layer"), deadline, request.path_params.get("version"))
        if kind == BYTES or request.headers.get("accept", "") == BYTES:
            again = {"id": head["id"]} if "id" in head else {}
            return Response(done.frame(again), media_type=BYTES)
        return json_response(await asyncio.to_thread(done.json))

    async def encoded(self, model, texts, layer, deadline, version=None):
        """The vectors of texts.

        Args:
            model (Model): by which.
            texts (list[bytes]): in UTF-8.
            layer (str | None): an output of the model; its first one when None.
            deadline (float): of `time.monotonic()`.
            version (str | None): of the model; the newest when None.

        Returns:
            Encoded: all of them.

        Raises:
            Problem: 404, 413, 422, 500, 503 or 504; names the text by its number, from 1 on.
        """
        lane = model.lane(version)
        layer = check_layer(layer, lane.description["outputs"])
        items.check_count(len(texts), self.limits)
        jobs = [item_of(text, number, layer, self.limits) for number, text in enumerate(texts, 1)]
        blobs, notes = await lane.predict(jobs, deadline)
        for number, (blob, note) in enumerate(zip(blobs, notes), 1):
            if note is None:
                raise problem_of(blob, number)
        return Encoded(lane, layer, blobs, notes)


def encoding(limits):
    """The operation that encodes, for the OpenAPI document (dict)."""
    text = {"type": "string", "minLength": 1, "maxLength": limits.characters}
    many = {"type": "array", "minItems": 1, "maxItems": limits.items, "items": text}
    given = {"anyOf": [schema({key: value}, {"layer": TEXT}) for key, value in (("text", text), ("texts", many))]}
    whole = {"type": "integer"}
    numbers = {"type": "array", "items": {"type": ["number", "array"]}}
    found = {
        "model": TEXT,
        "version": TEXT,
        "layer": TEXT,
        "size": whole,
        "vectors": {"type": "array", "items": numbers},
    }
    found["truncated"] = {"type": "array", "items": whole}
    answer = ok(schema(found, {"pieces": {"type": "array", "items": TEXTS}}))
    answer["content"][BYTES] = {"schema": {"type": "string", "format": "binary", "description": "a frame"}}
    statuses = ("400", "404", "408", "413", "415", "422", "503", "504")
    body = {"application/json": {"schema": given}, BYTES: answer["content"][BYTES]}
    return operation("vectors of texts", answer, *statuses) | {"requestBody": {"required": True, "content": body}}


def check_layer(layer, known):
    """The layer, the first of those that are known for None; raises Problem 422."""
    if layer is None:
        return known[0]
    if not isinstance(layer, str) or layer not in known:
        named = str(layer)[:64]
        raise Problem(422, f"layer '{named}' is not served{did_you_mean(named, known)}; there are {', '.join(known)}")
    return layer


def item_of(text, number, layer, limits):
    """The item of a text, bytes of UTF-8; raises Problem 413 or 422."""
    try:
        item, blobs = items.text(text.decode(), 0.0, limits)
    except UnicodeDecodeError:
        raise Problem(422, f"text {number} is not UTF-8") from None
    except Problem as problem:
        raise Problem(problem.status, f"text {number}: {problem}") from None
    return {**item, "kind": "encode", "layer": layer}, blobs


def problem_of(data, number):
    """The Problem of one text, from the JSON that stands in the place of its vector; `[]` for a blank text."""
    found = json.loads(data)
    if not found:
        return Problem(422, f"text {number}: [D126] the text is empty")
    return Problem(found["status"], f"text {number}: {found['detail']}")


def read_object(data):
    """(head, texts) of a body of JSON: text or texts, and perhaps layer; raises Problem 422."""
    if not isinstance(data, dict) or set(data) - {"text", "texts", "layer"} or ("text" in data) == ("texts" in data):
        raise Problem(422, "the body is an object with text or texts, and perhaps layer")
    texts = data["texts"] if "texts" in data else [data["text"]]
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise Problem(422, "texts is a list of texts, one at least" if "texts" in data else "text is a text")
    return data, [encoded_text(text, number) for number, text in enumerate(texts, 1)]


def encoded_text(text, number):
    """A text in UTF-8; raises Problem 422."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Problem(422, f"text {number}: the text contains an unpaired surrogate") from None


def check_head(head, name):
    """Raises Problem 422 for the keys of a frame that HTTP has elsewhere: another model than `name`, an API key."""
    if head.get("model") not in (None, name):
        named = str(head["model"])[:64]
        raise Problem(422, f"the head names the model '{named}', but the address that of '{name}'; leave it out")
    if head.get("key") is not None:
        raise Problem(422, "over HTTP the API key is in the header Authorization, not in the head of a frame")


def read_frame(data):
    """(head, texts in UTF-8) of a frame of a request, see docs/encoder_service.md; raises Problem 400 or 422."""
    try:
        if len(data) < wire.HEAD.size:
            raise ValueError(f"it has {len(data)} bytes; its two lengths alone are {wire.HEAD.size}")
        text, rest = wire.HEAD.unpack_from(data)
        start = wire.HEAD.size + text
        if start + rest != len(data):
            raise ValueError(f"it has {len(data)} bytes and its head says {start + rest}")
        head = parse_body(data[wire.HEAD.size : start], "the head of the frame")
        if not isinstance(head, dict):
            raise ValueError("its head is no JSON object")
        sizes = head.pop("sizes", None)
        if not isinstance(sizes, list) or not all(type(size) is int and 0 <= size <= len(data) for size in sizes):
            raise ValueError("sizes is a list of numbers of bytes")
        if sum(sizes) != rest:
            raise ValueError(f"its texts have {rest} bytes and sizes says {sum(sizes)}")
    except ValueError as error:
        raise Problem(400, f"the body is no frame: {error}") from None
    if set(head) - set(KEYS):
        raise Problem(422, f"the head of a frame takes {', '.join(KEYS)} and sizes")
    if type(head.get("id")) not in (type(None), str, int):
        raise Problem(422, "id is a text or a whole number")
    if not sizes:
        raise Problem(422, "the frame has no text; a request has at least one")
    ends = list(itertools.accumulate(sizes, initial=start))
    return head, [data[first:last] for first, last in itertools.pairwise(ends)]
