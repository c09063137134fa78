"""Schema of infer.yml: what each key of an exported folder's description may be."""

import math

from common.table.lookups import is_lookup

ENGINES = ("paddle", "onnxruntime", "openvino", "auto")  # auto: the fastest of them that answers as the model did
LARGEST = 2**20  # of one dimension of an input
DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


def is_whole(value, least):
    """True for an integer of at least so much."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_texts(value):
    """True for a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_input(value):
    """True for the entry of one input."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or value.get("dtype") not in DTYPES:
        return False
    shape = value.get("shape")
    return isinstance(shape, list) and all(
        size in (None, -1) or (is_whole(size, 1) and size <= LARGEST) for size in shape
    )


def is_positive(value):
    """True for a finite number above 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def is_limits(value):
    """True for a dict of column names and integers other than 0."""
    return isinstance(value, dict) and all(
        isinstance(key, str) and isinstance(n, int) and not isinstance(n, bool) and n for key, n in value.items()
    )


# key -> (whether a value fits, what fits); a key that is not there is not looked at
KEYS = {
    "name": (lambda v: isinstance(v, str), "a text"),
    "task": (lambda v: isinstance(v, str), "the name of a task"),
    "postprocess": (lambda v: v is None or isinstance(v, dict), "the arguments of the task"),
    "threshold_from": (lambda v: v is None or isinstance(v, str), "a text"),
    "inputs": (
        lambda v: isinstance(v, list) and bool(v) and all(map(is_input, v)),
        f"a list of inputs, each with a name, a shape (null or -1 for any size) and a dtype of {', '.join(DTYPES)}",
    ),
    "outputs": (lambda v: is_texts(v) and bool(v) and len(set(v)) == len(v), "a list of different names"),
    "labels": (lambda v: v is None or is_texts(v), "a list of texts, or null"),
    "category_ids": (lambda v: isinstance(v, list) and all(is_whole(i, -(2**31)) for i in v), "a list of integers"),
    "preprocess": (
        lambda v: (
            isinstance(v, list) and all(isinstance(item, dict) and isinstance(item.get("type"), str) for item in v)
        ),
        "a list of transforms, each with a type",
    ),
    "engine": (lambda v: v in ENGINES, f"one of {', '.join(ENGINES)}"),
    "tolerance": (is_positive, "a number above 0"),
    "size_multiple": (lambda v: is_whole(v, 1), "an integer of 1 or more"),
    "delete_passes": (lambda v: v is None or is_texts(v), "a list of names"),
    "limits": (is_limits, "columns, each with an integer other than 0"),
    "kit": (lambda v: v is None or isinstance(v, str), "the name of a kit"),
    "kit_classes": (is_texts, "a list of names"),
    "tables": (
        lambda v: isinstance(v, list) and all(map(is_lookup, v)),
        "a list of look-ups: name, file, input, rows, width, num_ids, outside (modulo or unknown), unknown, std, seed",
    ),
}


def find_wrong(about):
    """The first key of infer.yml with a value that does not fit, and what does fit: (key, value, text); or None."""
    for key, (fits, text) in KEYS.items():
        if key in about and not fits(about[key]):
            return key, about[key], text
    return None
