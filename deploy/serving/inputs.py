"""From the body of a request to the items of a batch, with every limit checked before anything is decoded."""

import asyncio
import contextlib
import io
import json
import sys
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from common.errors import BadSample, DataError
from common.files import unique_keys
from common.table.sources import csv_rows
from deploy.serving.items import ENCODED, check_count, each, from_base64, tensors, text, with_boxes
from deploy.serving.problems import Problem

KEYS = {  # the input of a task -> the keys of a JSON body that carry it
    "image": ("image", "images"),
    "audio": ("audio", "audios"),
    "video": ("video", "videos"),
    "features": ("feature_file", "feature_files"),
    "points": ("cloud", "clouds"),
    "text": ("text", "texts"),
    "table": ("row", "rows"),
    "tensors": ("inputs",),
}
FILES = (
    "image",
    "audio",
    "video",
    "features",
    "points",
)  # inputs that are sent as files too, of content types that begin so
CSV = "text/csv"  # rows of a table, with a header line
BYTES = "application/octet-stream"
INLINE = 64 * 2**10  # bytes of JSON that are read in the loop; more is read in a thread
CLOSE = {"Connection": "close"}


class Bodies:
    """Reads the bodies of requests, within the limits for each and for all that are in work.

    Args:
        limits (Limits): of requests.
    """

    def __init__(self, limits):
        self.limits, self.held = limits, 0

    @contextlib.asynccontextmanager
    async def body(self, request):
        """Around what is done with the bytes of a request's body.

        Raises:
            Problem: 413 it is too long, by its header; 408 it is too slow; 503 there are too many.
        """
        said = request.headers.get("content-length", "")
        parts, size = [], 0
        try:
            if said.isdigit() and int(said) > self.limits.body:
                await self.refuse(request)
            async with asyncio.timeout(self.limits.seconds):
                async for part in request.stream():
                    size += len(part)
                    self.held += len(part)
                    if size > self.limits.body:
                        await self.refuse(request)
                    if self.held > self.limits.held:
                        raise Problem(503, "too many large requests at a time", {"Retry-After": "1", **CLOSE})
                    parts.append(part)
            yield b"".join(parts)
        except TimeoutError:
            raise Problem(408, f"the body did not arrive within {self.limits.seconds:g} s", CLOSE) from None
        finally:
            self.held -= size

    async def refuse(self, request):
        """Raises Problem 413, after some more has come: most clients write all before they read."""
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                async for part in request.stream():
                    size += len(part)
                    if size > 3 * self.limits.body:
                        break
        raise Problem(413, f"the body may have {self.limits.body} bytes", CLOSE)


async def read_items(request, body, model, limits, reader=None):
    """The items of a request for a model.

    Args:
        request (Request): its content type and query are read.
        body (bytes): its body.
        model (dict): `Lane.description`.
        limits (Limits): of requests.
        reader (Callable | None): another :func:`read_body`.

    Returns:
        list[tuple[dict, list[bytes]] | Problem]: see `worker.predict_items`; what is wrong with one of several items is
            in its place.

    Raises:
        Problem: 400, 413, 415 or 422; of the request, or of every item.
    """
    masks = read_masks(request.query_params)
    threshold = read_query(request.query_params, model["threshold"])
    items = await (reader or read_body)(request, body, threshold, model, limits)
    if masks == "png":
        for item in items:
            if not isinstance(item, Problem):
                item[0]["masks"] = masks
    return items


async def read_body(request, body, threshold, model, limits):
    """The items of a body, see :func:`read_items`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        raise Problem(400, "the body is empty")
    if kind == "application/json":
        given = (from_json, body, threshold, model, limits)
        return await asyncio.to_thread(*given) if len(body) > INLINE else given[0](*given[1:])
    if kind == CSV and model["input"] == "table":
        return await asyncio.to_thread(from_csv, body, threshold, limits)
    group, form = model["input"] if model["input"] in FILES else None, kind == "multipart/form-data"
    if not group or not (form or kind == BYTES or kind.startswith(f"{group}/")):
        files = f", multipart/form-data, {group}/* and {BYTES}" if group else ""
        files = f" and {CSV}" if model["input"] == "table" else files
        raise Problem(415, f"this model takes application/json{files}")
    name = KEYS[model["input"]][0]
    files = await from_form(request, body, limits, name) if form else [body]
    return each([(ENCODED[name], data, f"{name} {n}", threshold, limits) for n, data in enumerate(files, 1)])


def read_query(query, default):
    """The threshold of `?threshold=`, or the default; raises Problem 422 for anything else."""
    unknown = [key for key in query if key not in ("threshold", "masks")]
    if unknown or any(len(query.getlist(key)) > 1 for key in query):
        raise Problem(422, "the query takes threshold=NUMBER and masks=rle or masks=png, each once")
    text = query.get("threshold")
    try:
        return check_threshold(default if text is None else float(text))
    except ValueError:
        raise Problem(422, "threshold is not a number") from None


def read_masks(query):
    """`?masks=`: rle, the default, or png; raises Problem 422 for anything else."""
    if query.get("masks", "rle") not in ("rle", "png"):
        raise Problem(422, "masks is rle or png")
    return query.get("masks", "rle")


def check_threshold(value):
    """The threshold; raises Problem 422 where it is not from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Problem(422, "threshold is a number from 0 to 1")
    return float(value)


async def from_form(request, body, limits, wanted):
    """The files of a form, all named as `wanted`."""
    files = await read_form(request, body, limits)
    if not files or any(name != wanted for name, _ in files):
        raise Problem(422, f"the form takes files named {wanted}")
    check_count(len(files), limits)
    return [await file.read() for _, file in files]


async def read_form(request, body, limits, fields=0):
    """The parts of a form, (name, UploadFile or text of a field) each.

    Args:
        request (Request): its headers are read.
        body (bytes): its body.
        limits (Limits): of requests.
        fields (int): how many of them may be no files.

    Raises:
        Problem: 400 or 413.
    """

    async def stream():
        yield body

    try:
        parser = MultiPartParser(
            request.headers, stream(), max_files=limits.items + 1, max_fields=fields, max_part_size=limits.body
        )
        parser.spool_max_size = limits.body + 1  # never to the disk
        return (await parser.parse()).multi_items()
    except (MultiPartException, HTTPException, KeyError, ValueError) as error:
        status = 413 if "Too many files" in str(error) or (fields and "Too many fields" in str(error)) else 400
        raise Problem(status, f"the form cannot be read: {str(error)[:200]}") from None


def from_json(body, threshold, model, limits):
    """The items of a JSON body: a key of KEYS, and threshold."""
    return from_object(parse_body(body), threshold, model, limits)


def parse_body(body, what="the body"):
    """The value of JSON, that of `what`; raises Problem 400."""
    try:
        text_of = body.decode("utf-8-sig")
        return json.loads(
            text_of, parse_constant=refuse_constant, object_pairs_hook=lambda pairs: unique_keys(pairs, text_of)
        )
    except UnicodeDecodeError as error:
        reason = f"byte {error.start + 1} is not UTF-8"
    except RecursionError:
        reason = "it has too many levels, lists within lists or objects within objects"
    except ValueError as error:
        reason = f"a number has more than {sys.get_int_max_str_digits()} digits" if is_of_digits(error) else str(error)
    raise Problem(400, f"{what} is not JSON: {reason[:100]}")


def is_of_digits(error):
    """True for the ValueError by which Python refuses to read an integer of very many digits."""
    return type(error) is ValueError and "integer string conversion" in str(error)


def from_object(data, threshold, model, limits):
    """The items of an object with a key of KEYS, and perhaps threshold; raises Problem 413 or 422."""
    keys = (*KEYS[model["input"]], *(KEYS["tensors"] if model["input"] in FILES else ()))
    if not isinstance(data, dict):
        raise Problem(422, f"the body is an object with one of {', '.join(keys)}")
    threshold = check_threshold(data.pop("threshold", threshold))
    boxes = data.pop("boxes", None) if model.get("boxes") else None
    if len(data) != 1 or next(iter(data)) not in keys:
        more = ", boxes and threshold" if model.get("boxes") else ", and threshold"
        raise Problem(422, f"this model takes one of {', '.join(keys)}{more}")
    key, value = next(iter(data.items()))
    if key == "inputs":
        return tensors(value, threshold, model, limits)
    values = value if key.endswith("s") else [value]
    if values == []:
        raise Problem(422, f"{key} is empty; a request has at least one")
    if model["input"] == "table":
        if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
            raise Problem(422, f"{key} is {'a list of objects' if key == 'rows' else 'an object'}, values by column")
        return table_rows(values, threshold, limits)
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise Problem(422, f"{key} is {'a list of texts' if key.endswith('s') else 'a text'}")
    check_count(len(values), limits)
    if key.startswith("text"):
        return each([(text, one, threshold, limits) for one in values])
    name = KEYS[model["input"]][0]
    items = each([(from_base64, one, name, n, threshold, limits) for n, one in enumerate(values, 1)])
    return items if boxes is None else with_boxes(items, boxes if key.endswith("s") else [boxes], limits)


def from_csv(body, threshold, limits):
    """The items of a CSV body: a header line with the names of the columns, then a line for each row.

    Raises:
        Problem: 413 too many rows, 422 not a table; names the line.
    """
    try:
        with io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", "surrogateescape", newline="") as file:
            rows = list(csv_rows(file, Path("the body")))
    except DataError as error:
        raise Problem(422, str(error).removeprefix("error")) from None
    if not rows:
        raise Problem(422, "the body is a header line and no row")
    return table_rows(rows, threshold, limits)


def table_rows(rows, threshold, limits):
    """An item for each row of a table, a dict by column or a BadSample; raises Problem 413, or that of every row."""
    check_count(len(rows), limits)
    return each([(table_row, row, number, threshold, limits) for number, row in enumerate(rows, 1)])


def table_row(row, number, threshold, limits):
    """The item of a row; raises Problem 413 or 422."""
    if isinstance(row, BadSample):
        raise Problem(422, f"[{row.issue.code}] {row.issue.file}: {row.issue.place}: {row.issue.message}")
    try:
        data = json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Problem(422, f"row {number} contains an unpaired surrogate") from None
    if len(data) > limits.characters:
        raise Problem(413, f"row {number} has {len(data)} bytes; {limits.characters} are allowed")
    return {"kind": "table", "threshold": threshold, "name": number}, [data]


def refuse_constant(name):
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(f"{name} is not JSON")
