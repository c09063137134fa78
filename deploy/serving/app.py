"""The routes of the server."""

import base64
import contextlib
import hashlib
import json
import re
import time
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from common.errors import KitError
from common.hub.page import SUFFIXES, example_file, module_page
from common.hub.recipe import recipes
from common.log import logger
from common.suggest import did_you_mean
from deploy.serving.envelope import Envelope, respond
from deploy.serving.hosts import Hosts
from deploy.serving.hub_routes import check_kind, read_old_body
from deploy.serving.inputs import Bodies, read_items
from deploy.serving.models import Model
from deploy.serving.openapi import document
from deploy.serving.problems import Limits, Problem

PAGE = Path(__file__).resolve().with_name("page.html")


class Server:
    """The state behind the routes.

    Args:
        models (dict[str, Model]): by name.
        metrics (Metrics): counts.
        settings (Settings): of the models.
        limits (Limits): of requests.

    Attributes:
        model_type (type): of the models.
    """

    model_type = Model

    def __init__(self, models, metrics, settings, limits=None):
        self.models, self.metrics, self.settings = models, metrics, settings
        self.limits = limits or Limits(seconds=settings.deadline, items=min(Limits.items, settings.queue))
        self.bodies = Bodies(self.limits)
        self.closing = False

    def application(self, key="", hosts=None):
        """The ASGI application; `key` is the API key, if one is asked for, and `hosts` (Hosts) its own names."""
        handlers = {
            HTTPException: on_http_error,
            Problem: on_problem,
            ClientDisconnect: on_disconnect,
            Exception: on_bug,
        }
        app = Starlette(routes=self.routes(), exception_handlers=handlers)
        app.router.redirect_slashes = False
        return Envelope(app, key, self.metrics, hosts or Hosts())

    def routes(self):
        """The routes of what can be requested (list[Route])."""
        return [
            Route("/", self.page),
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
            Route("/metrics", self.prometheus),
            Route("/openapi.json", self.openapi),
            Route("/modules", self.modules),
            Route("/modules/{name:word}/example", self.example),
            Route("/v1/models", self.listing),
            Route("/v1/models/{name:word}", self.about),
            Route("/v1/models/{name:word}:predict", self.predict, methods=["POST"]),
            Route("/v1/models/{name:word}:reload", self.reload, methods=["POST"]),
            Route("/v1/models/{name:word}/versions/{version:word}:predict", self.predict, methods=["POST"]),
            Route("/predict/{name:word}", self.predict_old, methods=["POST"]),
            Route("/predict/{kind:word}/{name:word}", self.predict_old, methods=["POST"]),
        ]

    @contextlib.asynccontextmanager
    async def beside(self, args, key):
        """Around the time in which HTTP is served, for a server that listens elsewhere too.

        Args:
            args (Namespace): of the command.
            key (str): the API key; empty where none is asked for.
        """
        yield

    def model(self, request):
        """The model that the address names; raises Problem 404."""
        name = request.path_params["name"]
        if name not in self.models:
            raise Problem(404, f"there is no model '{name[:64]}'{did_you_mean(name[:64], list(self.models))}")
        request.scope["model"] = name
        return self.models[name]

    async def predict(self, request):
        """Predicts images, recordings, texts, rows or tensors."""
        lane, texts, notes = await self.answer(request)
        head = f'{{"model":{json.dumps(lane.name)},"version":{json.dumps(lane.version)},"predictions":['
        read = f',"texts":{json.dumps(notes)}' if any(notes) else ""
        return json_response(b"".join([head.encode(), b",".join(texts), b"]", read.encode(), b"}"]))

    async def predict_old(self, request):
        """Predicts as `hub serving` was asked, see :mod:`deploy.serving.hub_routes`."""
        kind = request.path_params.get("kind")
        check_kind(kind, request.path_params["name"], self.model(request).newest.description)
        _, texts, _ = await self.answer(request, read_old_body)
        head = b'{"results":[' if kind else b'{"status":"000","msg":"","results":['
        return json_response(b"".join([head, b",".join(texts), b"]}"]))

    async def answer(self, request, reader=None):
        """(lane, JSON of the records of each item, how much of each text was read) of a request; raises Problem."""
        deadline = time.monotonic() + self.settings.deadline
        lane = self.model(request).lane(request.path_params.get("version"))
        async with self.bodies.body(request) as body:
            items = await read_items(request, body, lane.description, self.limits, reader)
            lane = self.model(request).lane(request.path_params.get("version"))  # which may have changed meanwhile
            return lane, *await lane.predict(items, deadline)

    async def reload(self, request):
        """Loads what is new in the model's folder."""
        model = self.model(request)
        try:
            changed = await model.load()
        except KitError as error:
            logger.error("%s: not reloaded: %s", model.name, error)
            raise Problem(409, f"the new version cannot be loaded, {model.newest.version} is served on") from None
        return json_response(json.dumps({"model": model.name, "version": model.newest.version, "changed": changed}))

    async def listing(self, request):
        """The models."""
        return json_response(json.dumps({"models": [model.about() for model in self.models.values()]}))

    async def about(self, request):
        """One model."""
        return json_response(json.dumps(self.model(request).about()))

    async def live(self, request):
        """Whether the server responds at all."""
        return json_response('{"status":"live"}')

    async def ready(self, request):
        """Whether every model can predict."""
        down = [model.name for model in self.models.values() if not model.newest.up]
        if self.closing or down:
            raise Problem(503, "closing" if self.closing else f"starting: {', '.join(down)}", {"Retry-After": "1"})
        return json_response('{"status":"ready"}')

    async def prometheus(self, request):
        """The counters."""
        return Response(self.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def openapi(self, request):
        """What this server can be asked."""
        return json_response(json.dumps(document(list(self.models), self.limits)))

    async def page(self, request):
        """The page; nothing but its own script and style may run in it."""
        return html_response(PAGE.read_text(encoding="utf-8"))

    async def modules(self, request):
        """The page of the modules of the hub, first those that are served."""
        served = {name: (model.card(), model.newest.description["input"]) for name, model in self.models.items()}
        cards = [recipe.card for recipe in recipes().values()]
        return html_response(module_page(cards, {name: pair for name, pair in served.items() if pair[0]}))

    async def example(self, request):
        """The file of the example of a served module."""
        model = self.model(request)
        card = model.card()
        file = example_file(card, model.newest.folder) if card else None
        if file is None or not file.is_file():
            raise Problem(404, f"{model.name} has no file as its example")
        return Response(file.read_bytes(), media_type=SUFFIXES[file.suffix])


class Word(StringConvertor):
    """A part of an address up to the colon before what is to be done."""

    regex = "[^/:]+"


register_url_convertor("word", Word())


def json_response(data):
    """A JSON response."""
    return Response(data, media_type="application/json")


def html_response(html):
    """A page, in which nothing but its own script and style may run."""
    return Response(html, media_type="text/html", headers={"Content-Security-Policy": policy(html)})


def policy(html):
    """The Content-Security-Policy that lets the page's own script and style run, by their hashes."""
    allowed = ""
    for kind in ("script", "style"):
        for inside in re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
            allowed += f"{kind}-src 'sha256-{digest}'; "
    return (
        f"default-src 'none'; {allowed}"
        "img-src 'self' blob: data:; media-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


async def on_problem(request, error):
    """A refusal of ours."""
    return ProblemResponse(error)


async def on_http_error(request, error):
    """A refusal of the router: no such page, or method."""
    return ProblemResponse(Problem(error.status_code, str(error.detail), error.headers))


async def on_disconnect(request, error):
    """The client went away while it sent; nobody reads this."""
    return ProblemResponse(Problem(400, "the client went away"))


async def on_bug(request, error):
    """A bug: said without details, which the log has."""
    logger.error("request %s failed", request.scope["request_id"], exc_info=error)
    return ProblemResponse(Problem(500, "the server failed; its log says why"))


class ProblemResponse:
    """A problem as a response.

    Args:
        error (Problem): what is sent.
    """

    def __init__(self, error):
        self.error = error

    async def __call__(self, scope, receive, send):
        """Sends it."""
        await respond(self.error, scope, send)
