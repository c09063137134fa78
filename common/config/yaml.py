"""Safe YAML 1.2 reader, which records the line of every key, and writer.

`no`, `on`, `12:30:45` are strings, `010` is ten, `1e-3` is a number; duplicate keys, tags and recursive aliases are
rejected.
"""

import re
from pathlib import Path

import yaml

from common.config.tree import LARGEST, Items, Node
from common.config.types import describe_value
from common.errors import ConfigError
from common.regular import check_regular

LARGEST_FILE = 1 << 20  # bytes
DEEPEST = 50

# YAML 1.2, section 10.3.2 (core schema); the value of each kind of plain scalar.
INTEGER = re.compile(r"[-+]?[0-9]+\Z")
OCTAL = re.compile(r"0o[0-7]+\Z")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class _Loader(yaml.CSafeLoader):
    """Keeps untagged scalars as text; :func:`scalar` converts them."""

    yaml_implicit_resolvers = {}
    DEFAULT_SCALAR_TAG = "untagged"


def scalar(text):
    """The value of a plain (unquoted) scalar."""
    if text in WORDS:
        return WORDS[text]
    if INTEGER.match(text):
        return int(text) if len(text) < 100 else float(text)
    if OCTAL.match(text):
        return int(text[2:], 8)
    if HEXADECIMAL.match(text):
        return int(text[2:], 16)
    if NUMBER.match(text):
        return float(text)
    if SPECIAL.match(text):
        return float(text.replace(".", "", 1))
    return text


def display_path(path):
    """A path for messages: relative to the current folder if it lies below it."""
    path = Path(path)
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except (ValueError, OSError):
        return str(path)


def read_file(path):
    """Reads the tree of a YAML file.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or is not a mapping.
    """
    name = display_path(path)
    try:
        if Path(path).stat().st_size > LARGEST_FILE:
            raise ConfigError(f"{name}: a configuration has at most {LARGEST_FILE >> 20} MiB")
        check_regular(path)
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(f"{name}:{line}: not UTF-8; save the file in that encoding") from error
    tree = read_text(text, lambda line: f"{name}:{line}")
    if tree is None:
        raise ConfigError(f"{name}: the file is empty")
    if not isinstance(tree, Node):
        raise ConfigError(f"{name}:1: a configuration is `key: value` lines, not {describe_value(tree)}")
    return tree


def read_text(text, place_of):
    """Parses YAML to a tree; `place_of(line)` gives the place of a line, counted from 1."""
    try:
        _measure(text, place_of)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError(_syntax(error, text, place_of)) from error
    if root is None:
        return None
    return _Reader(place_of).value(root)


def _measure(text, place_of):
    """Rejects deep nesting, which would exceed the recursion limit of the parser."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise ConfigError(f"{place_of(event.start_mark.line + 1)}: values are nested more than {DEEPEST} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _syntax(error, text, place_of):
    """The message of a syntax error, with its line and cause."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    if mark is None:
        position = getattr(error, "position", 0) or 0
        return f"{place_of(text[:position].count(chr(10)) + 1)}: invalid YAML: {problem}"
    lines = text.splitlines()
    line = min(mark.line, max(len(lines) - 1, 0))
    near = lines[max(line - 1, 0) : line + 1]
    tabbed = next((x for x in near if "\t" in x[: len(x) - len(x.lstrip())]), None)
    if tabbed is not None:
        line = lines.index(tabbed)
        return f"{place_of(line + 1)}: a tab cannot indent a line of YAML; use spaces"
    if "expected a single document" in (getattr(error, "context", None) or ""):
        return f"{place_of(line + 1)}: a configuration is one document; remove the '---'"
    unquoted = re.search(r"[\[{,][^'\"]*[\s,\[](\$\{[^}]*\})", lines[line]) if lines else None
    hint = f"; inside brackets put {unquoted[1]} in quotes" if unquoted else ""
    return f"{place_of(line + 1)}: invalid YAML: {problem}{hint}"


class _Reader:
    """Converts composed YAML nodes to a tree, and expands aliases up to a limit."""

    def __init__(self, place_of):
        self.place_of, self.count, self.open = place_of, 0, []

    def value(self, node):
        place = self.place_of(node.start_mark.line + 1)
        self.count += 1
        if self.count > LARGEST:
            raise ConfigError(f"{place}: the aliases of this file expand to more than {LARGEST} values")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if node in self.open:
            raise ConfigError(f"{place}: this value contains itself through an alias")
        if len(self.open) >= DEEPEST:
            raise ConfigError(f"{place}: values are nested more than {DEEPEST} deep")
        self._tag(node, place, ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"))
        self.open.append(node)
        result = self._mapping(node, place) if isinstance(node, yaml.MappingNode) else self._items(node, place)
        self.open.pop()
        return result

    def _mapping(self, node, place):
        result = Node(place)
        for key_node, value_node in node.value:
            at = self.place_of(key_node.start_mark.line + 1)
            key = self.value(key_node)
            if not isinstance(key, str | int) or isinstance(key, bool):
                what = "a mapping or list" if isinstance(key, dict | list) else f"{key!r}"
                raise ConfigError(f"{at}: a key must be a string, not {what}; put it in quotes")
            if key == "<<":
                raise ConfigError(f"{at}: '<<' is not supported; use _base_, or refer to values by ${{key.path}}")
            if key in result:
                raise ConfigError(f"{at}: '{key}' is written twice; the first is at {result.places[key]}")
            result.set(key, self.value(value_node), at)
        return result

    def _items(self, node, place):
        result = Items(place)
        for item in node.value:
            result.add(self.value(item), self.place_of(item.start_mark.line + 1))
        return result

    def _scalar(self, node, place):
        self._tag(node, place, ("untagged", "tag:yaml.org,2002:str", "!"))
        return scalar(node.value) if node.tag == "untagged" and not node.style else node.value

    @staticmethod
    def _tag(node, place, allowed):
        if node.tag not in allowed:
            name = node.tag.replace("tag:yaml.org,2002:", "!!")
            raise ConfigError(f"{place}: the tag {name} is not allowed; a configuration holds plain values only")


class _Dumper(yaml.CSafeDumper):
    """Quotes every string that YAML 1.1 or 1.2 would load as another type."""

    def ignore_aliases(self, data):
        return True


_Dumper.yaml_implicit_resolvers = {k: list(v) for k, v in yaml.CSafeDumper.yaml_implicit_resolvers.items()}
for _name, _pattern in (("int", INTEGER), ("int", OCTAL), ("int", HEXADECIMAL), ("float", NUMBER), ("float", SPECIAL)):
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, list("-+.0123456789"))


def dump_yaml(value):
    """Dumps plain dicts, lists and scalars to YAML, in their order; innermost collections on one line."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=120)
