"""Middleware of every response: the request's id, the API key, security headers, the access log, problems as JSON."""

import hmac
import json
import re
import time
import uuid

from common.log import logger
from deploy.serving import problems
from deploy.serving.problems import Problem

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
OPEN = ("/", "/modules", "/health/live", "/health/ready", "/openapi.json")  # what needs no key
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SILENT = "default-src 'none'; frame-ancestors 'none'"  # responses that are no page load nothing


class Envelope:
    """An ASGI application around another.

    Args:
        app (Callable): the ASGI application inside.
        key (str): the API key; empty where none is asked for.
        metrics (Metrics): counts.
        hosts (Hosts): the names that this server may be called by.
    """

    def __init__(self, app, key, metrics, hosts):
        self.app, self.key, self.metrics, self.hosts = app, key.encode(), metrics, hosts

    async def __call__(self, scope, receive, send):
        """Handles one request."""
        if scope["type"] != "http":
            return
        began, status, started = time.monotonic(), 500, False
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        asked = headers.get("x-request-id", "")
        scope["request_id"] = asked if REQUEST_ID.fullmatch(asked) else uuid.uuid4().hex
        scope["model"] = "-"

        async def enveloped(message):
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                given = {name.lower() for name, _ in message["headers"]}
                more = {**HEADERS, "Content-Security-Policy": SILENT, "X-Request-ID": scope["request_id"]}
                rest = [(k.lower().encode(), v.encode()) for k, v in more.items() if k.lower().encode() not in given]
                message = {**message, "headers": [*message["headers"], *rest]}
            await send(message)

        try:
            self.admit(scope, headers)
            await self.app(scope, receive, enveloped)
        except Problem as problem:
            await respond(problem, scope, enveloped)
        except Exception:
            if not started:
                raise
        finally:
            seconds = time.monotonic() - began
            self.metrics.observe(scope["model"], status, seconds)
            log(scope, status, seconds)

    def admit(self, scope, headers):
        """Refuses what another site's page asks, also under a name that is not ours, and what lacks the key.

        Raises:
            Problem: 401, 403 or 421.
        """
        self.hosts.admit(scope)
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and scope["method"] != "GET":
            raise Problem(403, "another site's page may not ask")
        if not self.key or scope["path"] in OPEN:
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if not hmac.compare_digest(given.encode(), self.key):
            raise Problem(401, "the API key is missing or wrong", {"WWW-Authenticate": "Bearer"})


async def respond(problem, scope, send):
    """Sends a problem."""
    data = problems.body(problem.status, problem.detail, scope["request_id"])
    headers = {**problem.headers, "Content-Type": problems.CONTENT_TYPE, "Content-Length": str(len(data))}
    start = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": start})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})


def log(scope, status, seconds):
    """One JSON object a request; nothing of what was sent or returned."""
    entry = {
        "request_id": scope["request_id"],
        "client": (scope.get("client") or ("",))[0],
        "method": scope["method"][:16],
        "path": scope["path"][:200],
        "model": scope["model"],
        "status": status,
        "ms": round(1000 * seconds, 2),
    }
    logger.info("%s", json.dumps(entry))
