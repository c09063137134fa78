"""Binary requests of the encoder service over ZeroMQ, beside HTTP.

A message is any number of frames that the response carries back, such as the identity that a ROUTER socket adds and the
empty delimiter of a REQ client, and last the request itself, see docs/encoder_service.md.
"""

import asyncio
import contextlib
import hmac
import time

import zmq
import zmq.asyncio

from common.errors import EnvironmentProblem
from common.log import logger
from common.suggest import did_you_mean
from deploy.serving import wire
from deploy.serving.encoder_app import read_frame
from deploy.serving.problems import Problem

WAITING = 4096  # requests that are in work; no more are read from the socket meanwhile
LINGER = 2000  # milliseconds for responses to leave when the server ends


@contextlib.asynccontextmanager
async def listening(server, args, key):
    """Around the time in which binary requests are answered; what was requested is answered before it ends.

    Args:
        server (EncoderServer): encodes.
        args (Namespace): `host`, `binary_port`.
        key (str): the API key; empty where none is asked for.

    Raises:
        EnvironmentProblem: the port is taken.
    """
    context = zmq.asyncio.Context()
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.MAXMSGSIZE, server.limits.body)
    socket.setsockopt(zmq.LINGER, LINGER)
    socket.setsockopt(zmq.IPV6, ":" in args.host)
    host = f"[{args.host}]" if ":" in args.host else args.host
    try:
        socket.bind(f"tcp://{host}:{args.binary_port or '*'}")
    except zmq.ZMQError as error:
        context.destroy(0)
        raise EnvironmentProblem(f"--binary-port {args.binary_port} on {args.host}: {error.strerror}") from error
    logger.info("binary requests at %s", socket.getsockopt_string(zmq.LAST_ENDPOINT))
    requests = BinaryRequests(server, socket, key)
    task = asyncio.create_task(requests.read())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*requests.tasks, return_exceptions=True)
        socket.close()
        await asyncio.to_thread(context.term)


class BinaryRequests:
    """Reads requests from a socket and answers each as soon as its vectors are there.

    Args:
        server (EncoderServer): encodes.
        socket (zmq.asyncio.Socket): a bound ROUTER.
        key (str): the API key; empty where none is asked for.
    """

    def __init__(self, server, socket, key):
        self.server, self.socket, self.key = server, socket, key
        self.tasks, self.room = set(), asyncio.Semaphore(WAITING)

    async def read(self):
        """Reads requests until it is canceled."""
        while True:
            await self.room.acquire()
            frames = await self.socket.recv_multipart()
            task = asyncio.create_task(self.answer(frames))
            self.tasks.add(task)
            task.add_done_callback(self.done)

    def done(self, task):
        """Makes room for another request."""
        self.tasks.discard(task)
        self.room.release()

    async def answer(self, frames):
        """Answers one message."""
        began, name, status = time.monotonic(), "-", 200
        again = {}
        try:
            head, texts = read_frame(frames[-1])
            again = {"id": head["id"]} if "id" in head else {}
            self.admit(head)
            model = self.model(head.get("model"))
            name = model.name
            deadline = began + self.server.settings.deadline
            data = (await self.server.encoded(model, texts, head.get("layer"), deadline)).frame(again)
        except Problem as problem:
            status, data = problem.status, problem_frame(problem, again)
        except Exception as error:  # noqa: BLE001  a bug must not leave a client without a response
            logger.error("a binary request failed", exc_info=error)
            status, data = 500, problem_frame(Problem(500, "the server failed; its log says why"), again)
        self.server.metrics.observe(name, status, time.monotonic() - began)
        await self.socket.send_multipart([*frames[:-1], data])

    def admit(self, head):
        """Refuses what lacks the key; raises Problem 401."""
        if self.key and not hmac.compare_digest(str(head.get("key", "")).encode(), self.key.encode()):
            raise Problem(401, "the API key is missing or wrong")

    def model(self, name):
        """The model of a name, which may be left out where there is one; raises Problem 404 or 422."""
        models = self.server.models
        if name is None:
            if len(models) > 1:
                raise Problem(422, f"name the model: {', '.join(models)}")
            return next(iter(models.values()))
        if not isinstance(name, str) or name not in models:
            named = str(name)[:64]
            raise Problem(404, f"there is no model '{named}'{did_you_mean(named, list(models))}")
        return models[name]


def problem_frame(problem, again):
    """The frame of a refusal: `status`, `detail`, and `retry_after` in seconds where it makes sense to ask again."""
    after = problem.headers.get("Retry-After")
    head = {"status": problem.status, "detail": str(problem), **({"retry_after": int(after)} if after else {})}
    return wire.frame({**head, **again})
