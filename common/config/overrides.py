"""Configuration overrides as `key=value` strings, in the form of `-o`."""

import json
import math
import re
from pathlib import Path

BARE = re.compile(r"[A-Za-z_][\w./-]*\Z")
WORDS = ("true", "false", "null", "yes", "no", "on", "off")


def flatten(changes, above=""):
    """{dotted key: value} of nested mappings; a mapping with a `type` stays one value, as it is a node."""
    found = {}
    for key, value in changes.items():
        if isinstance(value, dict) and value and "type" not in value:
            found |= flatten(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def assignments(overrides):
    """`key=value` of each override, in the form of `-o` (list[str])."""
    return [f"{key}={to_inline_yaml(value)}" for key, value in overrides.items()]


def to_inline_yaml(value):
    """A value as one line of YAML that loads as the same value; a path becomes a string."""
    value = str(value) if isinstance(value, Path) else value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_inline_yaml(key)}: {to_inline_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(to_inline_yaml(item) for item in value) + "]"
    if isinstance(value, str) and BARE.match(value) and value.lower() not in WORDS:
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}[str(value)]
    return json.dumps(value, ensure_ascii=False)
