"""Refusals of the server as problem details (RFC 9457): a status, what is wrong, and never a traceback."""

import dataclasses
import http
import json

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """A response other than 200.

    Args:
        status (int): of HTTP.
        detail (str): what is wrong, and what would be right.
        headers (dict[str, str]): more headers of the response.
    """

    def __init__(self, status, detail, headers=None):
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


def body(status, detail, request_id):
    """The JSON of a problem, in ASCII so that whatever was sent can be quoted."""
    title = http.HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id}
    return json.dumps(problem).encode()


def problem_in_place(problem):
    """The JSON of a problem with one of several items, in the place of its records."""
    return json.dumps({"status": problem.status, "detail": problem.detail}).encode()


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of a request; all are checked before anything is decoded.

    Args:
        body (int): bytes of a request.
        held (int): bytes of all requests that are in work.
        items (int): images, recordings, texts or rows of a request.
        boxes (int): of an image, in which people are sought.
        pixels (int): of an image, by its header.
        characters (int): of a text.
        audio_seconds (float): of a recording, by its header.
        seconds (float): within which the body must have arrived.
    """

    body: int = 10 * 2**20
    held: int = 256 * 2**20
    items: int = 16
    boxes: int = 50
    pixels: int = 25_000_000
    characters: int = 10_000
    audio_seconds: float = 60.0
    seconds: float = 30.0
