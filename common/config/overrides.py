"""Changes of a configuration as `key=value` texts, the form in which `-o` takes them."""

import json
import re
from pathlib import Path

BARE = re.compile(r"[A-Za-z_][\w./-]*\Z")
WORDS = ("true", "false", "null", "yes", "no", "on", "off")


def flat(changes, above=""):
    """{dotted key: value} of nested mappings; a mapping with a `type` is one value, since it names what to build."""
    found = {}
    for key, value in changes.items():
        if isinstance(value, dict) and value and "type" not in value:
            found |= flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def assignments(overrides):
    """`key=value` of each override, as `-o` takes them (list[str])."""
    return [f"{key}={flow(value)}" for key, value in overrides.items()]


def flow(value):
    """A value in one line of YAML, read back as itself; a path becomes text."""
    value = str(value) if isinstance(value, Path) else value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str) and BARE.match(value) and value.lower() not in WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
