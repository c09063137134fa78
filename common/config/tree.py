"""Tree of a configuration, which records the source location of every key.

Three operations on trees: `merge` overrides one tree by another, `put` sets a value by its dotted path, and
`Resolver` resolves references `${key.path}`.  A tree consists of Nodes (mappings), Items (lists) and scalars.
"""

import re

from common.errors import ConfigError
from common.suggest import did_you_mean

REFERENCE = re.compile(r"(?<!\$)\$\{([^${}]*)\}")
LARGEST = 100_000  # values in one configuration, and characters in one string


class Node(dict):
    """A mapping; `places[key]` is where the key was written, `place` where the mapping begins."""

    def __init__(self, place, path=""):
        super().__init__()
        self.place, self.path, self.places = place, path, {}

    def set(self, key, value, place):
        """Sets a value with its place."""
        self[key] = value
        self.places[key] = place


class Items(list):
    """A list; `places[i]` is where its item i was written."""

    def __init__(self, place, path=""):
        super().__init__()
        self.place, self.path, self.places = place, path, []

    def add(self, value, place):
        """Appends a value with its place."""
        self.append(value)
        self.places.append(place)


def children(tree):
    """(key or index, value, place) of everything directly inside a Node or Items; nothing for a scalar."""
    if isinstance(tree, Node):
        return [(key, value, tree.places[key]) for key, value in tree.items()]
    if isinstance(tree, Items):
        return [(i, value, tree.places[i]) for i, value in enumerate(tree)]
    return []


def to_plain(tree):
    """Converts a tree to plain dicts and lists."""
    if isinstance(tree, dict):
        return {key: to_plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [to_plain(value) for value in tree]
    return tree


def referenced_keys(tree):
    """The top-level keys that the references in a tree name, existing or not."""
    if isinstance(tree, str):
        return {match[1].strip().split(".")[0] for match in REFERENCE.finditer(tree)}
    return {name for _, value, _ in children(tree) for name in referenced_keys(value)}


def locate(tree, path=""):
    """Sets the dotted path of every Node and Items."""
    if isinstance(tree, Node | Items):
        tree.path = path
    for key, value, _ in children(tree):
        locate(value, f"{path}.{key}" if path else str(key))
    return tree


def merge(below, above):
    """`below` overridden by `above`: mappings are merged; other values, and mappings of another `type`, replaced."""
    if not (isinstance(below, Node) and isinstance(above, Node)):
        return above
    if "type" in above and above["type"] != below.get("type"):
        return above
    result = Node(above.place)
    for key, value, place in children(below):
        result.set(key, value, place)
    for key, value, place in children(above):
        result.set(key, merge(below[key], value) if key in below else value, place)
    return result


def put(tree, dotted, value, place):
    """Sets the value at a path such as `data.train.transforms.0.size`, and creates missing mappings.

    Raises:
        ConfigError: a step of the path is neither a mapping nor a list, or an index is outside its list.
    """
    keys = dotted.split(".")
    if not all(keys):
        raise ConfigError(f"{place}: '{dotted}' is not a path of keys joined by dots")
    holder = tree
    for depth, key in enumerate(keys):
        here = ".".join(keys[:depth])
        key = _step(holder, key, here, place)
        if depth + 1 < len(keys):
            if isinstance(holder, Node) and holder.get(key) is None:
                holder.set(key, Node(place), place)
            holder = holder[key]
        elif isinstance(holder, Node):
            above = Node(place)
            above.set(key, value, place)
            merged = _replace_type(holder, value) if key == "type" else merge(holder, above)
            holder.clear()
            for k, v, p in children(merged):
                holder.set(k, v, place if k == key else p)
        else:
            holder[key], holder.places[key] = merge(holder[key], value), place


def _replace_type(holder, value):
    """The mapping with another `type`; its other keys, which belong to the old type, are removed."""
    result = Node(holder.place)
    result.set("type", value, holder.place)
    return merge(holder, result)


def _step(holder, key, here, place):
    """The key or index in `holder` that `key` stands for."""
    if isinstance(holder, Node):
        number = int(key) if key.lstrip("-").isdigit() and key not in holder else None
        return number if number is not None and number in holder else key
    if isinstance(holder, Items):
        if not key.isdigit():
            raise ConfigError(f"{place}: {here} is a list of {len(holder)} items; index it by a number, not '{key}'")
        if int(key) >= len(holder):
            raise ConfigError(f"{place}: {here} has {len(holder)} items, 0 to {len(holder) - 1}; there is no {key}")
        return int(key)
    if isinstance(holder, str) and REFERENCE.fullmatch(holder):
        raise ConfigError(f"{place}: {here} is {holder}; set {holder[2:-1]} instead")
    raise ConfigError(f"{place}: {here} is {holder!r}, which has nothing inside it")


class Resolver:
    """Resolves the references of a tree; a reference that is the whole value keeps its type.

    After `resolve`, `used` holds the top-level keys that are referenced, and `problems` the errors.

    Args:
        tree (Node): the merged configuration.
    """

    def __init__(self, tree):
        self.tree, self.used, self.problems, self.count = tree, set(), [], 0

    def resolve(self):
        """The tree without references, as a new tree."""
        return self._copy(self.tree, self.tree.place, ())

    def _copy(self, value, place, active):
        self.count += 1
        if self.count > LARGEST:
            raise ConfigError(f"{place}: the references of this configuration expand to more than {LARGEST} values")
        if isinstance(value, str):
            return self._text(value, place, active)
        if isinstance(value, Node):
            result = Node(value.place)
            for key, item, at in children(value):
                result.set(key, self._copy(item, at, active), at)
            return result
        if isinstance(value, Items):
            result = Items(value.place)
            for _, item, at in children(value):
                result.add(self._copy(item, at, active), at)
            return result
        return value

    def _text(self, text, place, active):
        whole = REFERENCE.fullmatch(text)
        if whole:
            return self._lookup(whole[1].strip(), place, active)

        def piece(match):
            value = self._lookup(match[1].strip(), place, active)
            if isinstance(value, dict | list):
                self.problems.append(f"{place}: {match[0]} is a {_kind(value)}; inside a string it must be a scalar")
                return ""
            return _format_scalar(value)

        result = REFERENCE.sub(piece, text)
        if len(result) > LARGEST:
            raise ConfigError(f"{place}: the references of this string expand to more than {LARGEST} characters")
        return result.replace("$${", "${") if "${" in text else result

    def _lookup(self, path, place, active):
        if path in active:
            loop = " -> ".join([*active[active.index(path) :], path])
            self.problems.append(f"{place}: ${{{path}}} refers to itself: {loop}")
            return None
        holder, walked = self.tree, []
        for key in path.split("."):
            if isinstance(holder, str) and REFERENCE.fullmatch(holder):
                holder = self._text(holder, place, (*active, path))
            if isinstance(holder, Items) and key.isdigit() and int(key) < len(holder):
                holder = holder[int(key)]
            elif isinstance(holder, Node) and key in holder:
                holder = holder[key]
            else:
                names = list(holder) if isinstance(holder, Node) else []
                self._missing(path, key, walked, names, place)
                return None
            if not walked:
                self.used.add(key)
            walked.append(key)
        return self._copy(holder, place, (*active, path))

    def _missing(self, path, key, walked, names, place):
        inside = f" in {'.'.join(walked)}" if walked else ""
        self.problems.append(f"{place}: ${{{path}}}: there is no '{key}'{inside}{did_you_mean(key, names)}")


def _kind(value):
    return "mapping" if isinstance(value, dict) else "list"


def _format_scalar(value):
    """A scalar in YAML notation."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
