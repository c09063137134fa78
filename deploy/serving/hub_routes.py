"""The addresses and bodies of `hub serving` in PaddleHub 1.x, so that clients written for it work on.

    POST /predict/text/lac    form or JSON with `text`, once or several times  -> {"results": [records, ...]}
    POST /predict/image/yolo  files named `image`, or base64 in a form or JSON -> {"results": [records, ...]}
    POST /predict/lac         JSON with `texts`, `images`, ... -> {"status": "000", "msg": "", "results": [...]}

Two things differ: what is wrong has a status of 4xx or 5xx and a reason, not 200, and records are those of
`tools/infer.py --json`.
"""

import asyncio
import re
from urllib.parse import parse_qsl

from deploy.serving.inputs import FILES, KEYS, from_object, parse_body, read_body, read_form
from deploy.serving.items import ENCODED, check_count, each
from deploy.serving.problems import Problem

FORM, URLENCODED, JSON = "multipart/form-data", "application/x-www-form-urlencoded", "application/json"
IGNORED = ("use_gpu", "batch_size")  # fields of the old clients that decide nothing here
DATA_URI = re.compile(r"data:[\w.+/-]{0,64};base64,")


def check_kind(kind, name, model):
    """Refuses an address whose kind of input is not that of the model.

    Args:
        kind (str | None): of the address; None for /predict/NAME.
        name (str): of the model.
        model (dict): `Lane.description`.

    Raises:
        Problem: 404, with the right address.
    """
    if kind not in (None, model["input"]):
        raise Problem(404, f"{name} takes {KEYS[model['input']][0]}: POST /predict/{model['input']}/{name}")


async def read_old_body(request, body, threshold, model, limits):
    """The items of a body in the old forms, see :func:`deploy.serving.inputs.read_body`.

    Raises:
        Problem: 400, 413, 415 or 422.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        raise Problem(400, "the body is empty")
    most = limits.items + len(IGNORED)
    if kind == FORM:
        pairs = await read_form(request, body, limits, most)
    elif kind == URLENCODED:
        pairs = parse_pairs(body, most)
    elif kind == JSON:
        data = await asyncio.to_thread(parse_body, body)
        if not isinstance(data, dict) or model["input"] == "tensors":
            return from_object(data, threshold, model, limits)
        threshold = data.pop("threshold", threshold)
        pairs = [(key, one) for key, value in data.items() for one in (value if isinstance(value, list) else [value])]
    else:
        return await read_body(request, body, threshold, model, limits)
    pairs = [(name, value) for name, value in pairs if name not in IGNORED]
    one, many = KEYS[model["input"]] if model["input"] != "tensors" else ("inputs", "inputs")
    if not pairs or {name for name, _ in pairs} not in ({one}, {many}):
        raise Problem(422, f"this model takes {one} or {many}, once or several times")
    values = [value for _, value in pairs]
    files = [hasattr(value, "read") for value in values]
    if any(files):
        if not all(files) or model["input"] not in FILES:
            raise Problem(422, f"{one} is {'a file' if model['input'] in FILES else 'no file'} in a form")
        check_count(len(files), limits)
        data = [await value.read() for value in values]
        return each([(ENCODED[one], value, f"{one} {n}", threshold, limits) for n, value in enumerate(data, 1)])
    if model["input"] in FILES:
        values = [plain_base64(value) for value in values]
    return await asyncio.to_thread(from_object, {many: values, "threshold": threshold}, threshold, model, limits)


def parse_pairs(body, most):
    """The fields of a form, (name, text) each; raises Problem 400, or 413 where there are more than `most`."""
    if body.count(b"&") >= most:
        raise Problem(413, f"the form has more than {most} fields")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError as error:  # bytes that are not UTF-8 too
        raise Problem(400, f"the form cannot be read: {str(error)[:100]}") from None


def plain_base64(value):
    """Base64 without the head of a data URI, and with the + that forms turn into blanks; other values as they are."""
    return DATA_URI.sub("", value, count=1).strip().replace(" ", "+") if isinstance(value, str) else value
