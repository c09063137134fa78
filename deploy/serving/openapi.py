"""The OpenAPI 3.1 document of the server."""

from deploy.serving.inputs import CSV, FILES, KEYS
from deploy.serving.problems import CONTENT_TYPE, Limits

REASONS = {
    "400": "the body is empty, or cannot be read",
    "401": "the API key is missing or wrong",
    "403": "asked by another site's page",
    "404": "there is no such model or version",
    "405": "there is no such method",
    "408": "the body came too slowly",
    "409": "the new version cannot be loaded; the old one is served on",
    "413": "too many bytes, items or characters",
    "415": "a type that the model does not take",
    "422": "what was sent is not what the model takes",
    "503": "the queue is full, the predictor is being restarted, or the server is closing; Retry-After says when",
    "504": "no prediction within the deadline",
}
RECORD = {"type": "object", "description": "what the task finds, as `tools/infer.py --json` writes it"}
RECORDS = {"type": "array", "items": RECORD}
WRONG = {
    "type": "object",
    "description": "why one of several items has no records",
    "required": ["status", "detail"],
    "properties": {"status": {"type": "integer"}, "detail": {"type": "string"}},
    "additionalProperties": False,
}
SIDES = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
BOX = {"anyOf": [SIDES, {"type": "object", "required": ["box"], "properties": {"box": SIDES}}]}
NUMBER = {"type": "number", "minimum": 0, "maximum": 1}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
    },
    "additionalProperties": False,
}


def document(models, limits=None):
    """The document of a server.

    Args:
        models (list[str]): names.
        limits (Limits): of requests.
    """
    limits = limits or Limits()
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": models}}
    version = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}
    predict = predictor(limits)
    page = {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "the page"}
    metrics = {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "in Prometheus' format"}
    status = schema({"status": {"type": "string"}})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Models", "version": "1", "description": "Predictions of exported models."},
        "components": {
            "schemas": {"Problem": PROBLEM, "Model": MODEL},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"bearer": []}],
        "paths": {
            "/": {"get": operation("a page to try the models on", page)},
            "/modules": {"get": operation("a page of the modules of the hub", page)},
            "/modules/{name}/example": {
                "parameters": [name],
                "get": operation(
                    "the file of a module's example", {"content": {"*/*": {}}, "description": "a file"}, "404"
                ),
            },
            "/health/live": {"get": operation("whether the server responds", ok(status))},
            "/health/ready": {"get": operation("whether every model can predict", ok(status), "503")},
            "/metrics": {"get": operation("counters", metrics)},
            "/openapi.json": {"get": operation("this document", ok({"type": "object"}))},
            "/v1/models": {
                "get": operation("the models", ok(schema({"models": {"type": "array", "items": ref("Model")}})))
            },
            "/v1/models/{name}": {"parameters": [name], "get": operation("one model", ok(ref("Model")), "404")},
            "/v1/models/{name}:predict": {"parameters": [name], "post": predict},
            "/v1/models/{name}/versions/{version}:predict": {"parameters": [name, version], "post": predict},
            **old_paths(name),
            "/v1/models/{name}:reload": {
                "parameters": [name],
                "post": operation(
                    "load a new version",
                    ok(schema({"model": TEXT, "version": TEXT, "changed": {"type": "boolean"}})),
                    *("404", "409"),
                ),
            },
        },
    }


ENCODED_FILES = {  # key of a body -> what it is
    "image": "a JPEG, PNG, WebP or BMP file",
    "audio": "a WAV, FLAC, OGG or MP3 file",
    "video": "a video file, such as MP4,",
    "feature_file": "an .npz or .safetensors file",
    "cloud": "points: a .bin of KITTI, .npy, .npz, .ply or lines of numbers,",
}


def predictor(limits):
    """The operation that predicts."""
    text = {"type": "string", "maxLength": limits.characters}
    many = {"type": "array", "minItems": 1, "maxItems": limits.items}
    tensors = {
        "type": "object",
        "description": f"nested lists of numbers by the names of the inputs, up to {limits.items} rows",
        "additionalProperties": {"type": "array"},
    }
    row = {"type": "object", "description": "values by the names of the columns, as a line of JSON of tools/infer.py"}
    encoded = {name: {"type": "string", "contentEncoding": "base64", "description": f"{what} in base64"}
               for name, what in ENCODED_FILES.items()}  # fmt: skip
    files = {KEYS[kind][1]: {**many, "items": encoded[KEYS[kind][0]]} for kind in FILES}
    kinds = {
        **encoded,
        **files,
        "text": text,
        "texts": {**many, "items": text},
        "row": row,
        "rows": {**many, "items": row},
        "inputs": tensors,
    }
    boxes = {"type": "array", "maxItems": limits.boxes, "items": BOX, "description": "of models of keypoints only"}
    more = {"image": {"boxes": boxes}, "images": {"boxes": {"type": "array", "items": boxes}}}
    choices = [schema({key: kind}, {"threshold": NUMBER, **more.get(key, {})}) for key, kind in kinds.items()]
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = {"anyOf": [schema({KEYS[kind][0]: {**many, "items": file}}) for kind in FILES]}
    count = {"type": "integer", "minimum": 0}
    counts = schema({"tokens": count, "unknown": count, "cut": count, "truncated": {"type": "boolean"}})
    found = schema(
        {"model": TEXT, "version": TEXT, "predictions": {"type": "array", "items": {"anyOf": [RECORDS, WRONG]}}},
        {"texts": {"type": "array", "items": {"anyOf": [counts, {"type": "null"}]}}},
    )
    answer = operation("predictions of a model", ok(found), *("400", "404", "408", "413", "415", "422", "503", "504"))
    answer["description"] = (
        f"A request has at most {limits.body} bytes and {limits.items} images (at most {limits.pixels} pixels each), "
        f"recordings (at most {limits.audio_seconds:g} seconds each), texts or rows. "
        "`predictions` has one list of records for each of them, in their order, and in the place of one that is wrong "
        "an object with `status` and `detail`; a request in which all are wrong has the status of the first. `texts` "
        "says of each text how many tokens it has, how many the vocabulary lacks, how many were cut off, and whether "
        "any was (`truncated`)."
    )
    scores = "leave out predictions that score less, or classes with fewer pixels in share (default: the model's own)"
    masks = "masks as COCO's run-length code (`counts`, the default) or as a PNG in base64 (`png`)"
    answer["parameters"] = [
        {"name": "threshold", "in": "query", "schema": NUMBER, "description": scores},
        {"name": "masks", "in": "query", "schema": {"enum": ["rle", "png"]}, "description": masks},
    ]
    answer["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": choices}},
            "multipart/form-data": {"schema": form},
            CSV: {"schema": {"type": "string", "description": "a header line with the columns, then one line per row"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
    return answer


def old_paths(name):
    """The addresses of `hub serving` in PaddleHub 1.x, see `deploy/serving/hub_routes.py`."""
    kind = {"name": "kind", "in": "path", "required": True, "schema": {"type": "string", "enum": list(KEYS)}}
    results = {"results": {"type": "array", "items": {"anyOf": [RECORDS, WRONG]}}}
    forms = ("application/json", "multipart/form-data", "application/x-www-form-urlencoded")
    given = {"required": True, "content": {form: {"schema": {"type": "object"}} for form in forms}}
    statuses = ("400", "404", "408", "413", "415", "422", "503", "504")
    by_kind = operation("predictions, as PaddleHub 1.x was asked", ok(schema(results)), *statuses)
    plain = operation(by_kind["summary"], ok(schema({"status": TEXT, "msg": TEXT, **results})), *statuses)
    return {
        "/predict/{kind}/{name}": {"parameters": [kind, name], "post": by_kind | {"requestBody": given}},
        "/predict/{name}": {"parameters": [name], "post": plain | {"requestBody": given}},
    }


def operation(summary, answer, *statuses):
    """An operation with its response, and the problems that it may have."""
    problems = {
        status: {"description": REASONS[status], "content": {CONTENT_TYPE: {"schema": ref("Problem")}}}
        for status in sorted({"401", "403", "405", *statuses})
    }
    return {"summary": summary, "responses": {"200": answer, **problems}}


def ok(content):
    """A JSON response."""
    return {"description": "done", "content": {"application/json": {"schema": content}}}


def schema(required, optional=None):
    """An object that has these keys, and perhaps those, and no other."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def ref(name):
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
SHAPE = {"type": "array", "items": {"type": ["integer", "null"]}}
MODEL = schema(
    {
        "name": TEXT,
        "version": TEXT,
        "versions": {"type": "array", "items": schema({"version": TEXT, "ready": {"type": "boolean"}})},
        "task": TEXT,
        "input": {"enum": list(KEYS)},
        "threshold": NUMBER,
        "labels": TEXTS,
        "inputs": {"type": "array", "items": schema({"name": TEXT, "shape": SHAPE, "dtype": TEXT})},
        "outputs": TEXTS,
        "example": {"type": "object", "properties": {"text": TEXT, "file": TEXT}, "additionalProperties": False},
    }
)
