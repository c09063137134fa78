"""Type checks of configuration values against annotations and docstrings.

Supported are `int`, `float`, `str`, `bool`, `list[...]`, `tuple[...]`, `dict[...]`, `None`, `Literal[...]`,
`{'a', 'b'}`, unions by `|` or `or`, and names of classes, which stand for a node with a `type`.
Any other type accepts every value.
"""

import ast
import functools
import math
import re

LISTS = {"list", "tuple", "List", "Tuple", "Sequence", "Iterable", "set"}
MAPPINGS = {"dict", "Dict", "Mapping"}
STRINGS = {"str", "string", "Path", "path"}
ANYTHING = {"Any", "any", "object", "callable", "Callable", "Tensor", "ndarray", "array", "function", "node", "type"}


@functools.cache
def parse(text):
    """Parses a type to an expression; None if it is not valid."""
    text = re.sub(r",\s*(optional|default\b.*)$", "", text.strip())
    text = re.sub(r"\b(list|tuple|sequence)s? of (\w+?)s?\b", r"list[\2]", text)
    text = re.sub(r"\s+or\s+", " | ", text)
    try:
        return ast.parse(text, mode="eval").body if text else None
    except SyntaxError:
        return None


def type_of_default(value):
    """The type inferred from a default value; empty for None. An integer default accepts any number."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "float"
    if isinstance(value, str):
        return "str"
    if isinstance(value, list | tuple):
        kinds = {type_of_default(item) for item in value}
        return f"list[{kinds.pop()}]" if len(kinds) == 1 and "" not in kinds else "list"
    return "dict" if isinstance(value, dict) else ""


def fits(value, kind):
    """True if a value (numbers, strings, dicts, lists) is of the type `kind`, an expression made by `parse`."""
    if kind is None:
        return True
    if isinstance(kind, ast.Name | ast.Attribute):
        return _fits_name(value, kind.id if isinstance(kind, ast.Name) else kind.attr)
    if isinstance(kind, ast.Constant):
        return type(value) is type(kind.value) and value == kind.value
    if isinstance(kind, ast.BinOp):
        return fits(value, kind.left) or fits(value, kind.right)
    if isinstance(kind, ast.Set):
        return any(fits(value, item) for item in kind.elts)
    if isinstance(kind, ast.Subscript):
        return _fits_subscript(value, kind)
    return True


def _fits_name(value, name):
    if name in ANYTHING:
        return True
    if name == "bool":
        return isinstance(value, bool)
    if name == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if name in ("float", "number"):
        return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
    if name in STRINGS:
        return isinstance(value, str)
    if name in LISTS:
        return isinstance(value, list | tuple)
    if name in MAPPINGS:
        return isinstance(value, dict)
    if name == "None":
        return value is None
    return not names_a_component(name) or (isinstance(value, dict) and "type" in value)


def _fits_subscript(value, kind):
    name = kind.value.id if isinstance(kind.value, ast.Name) else getattr(kind.value, "attr", "")
    inner = list(kind.slice.elts) if isinstance(kind.slice, ast.Tuple) else [kind.slice]
    if name == "Literal" or name == "Union":
        return any(fits(value, item) for item in inner)
    if name == "Optional":
        return value is None or fits(value, inner[0])
    if name in LISTS:
        if not isinstance(value, list | tuple):
            return False
        inner = [item for item in inner if not (isinstance(item, ast.Constant) and item.value is Ellipsis)]
        return all(any(fits(item, one) for one in inner) for item in value)
    if name in MAPPINGS:
        return isinstance(value, dict) and all(fits(item, inner[-1]) for item in value.values())
    return True


def names_a_component(name):
    """True for a capitalized name that is not a known type: it stands for an object built from a node."""
    known = LISTS | MAPPINGS | STRINGS | ANYTHING | {"None", "Literal", "Union", "Optional"}
    return name[:1].isupper() and name not in known


def wants_component(kind):
    """True if only a node with a `type` (or null) fits."""
    if isinstance(kind, ast.BinOp):
        sides = [s for s in (kind.left, kind.right) if not (isinstance(s, ast.Constant) and s.value is None)]
        return bool(sides) and all(wants_component(s) for s in sides)
    name = kind.id if isinstance(kind, ast.Name) else kind.attr if isinstance(kind, ast.Attribute) else ""
    return names_a_component(name) if name else False


def advice(value, text):
    """The suffix of a message that suggests a value for the type written as `text`; may be empty."""
    words = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
    if isinstance(value, str) and ("bool" in text or "False" in text) and value.lower() in words:
        right = words[value.lower()]
        return f"; in YAML 1.2 {value} is a string, write {right}"
    if isinstance(value, bool | int | float) and "str" in text:
        return f"; put it in quotes: '{str(value).lower() if isinstance(value, bool) else value}'"
    if isinstance(value, float) and "int" in text and math.isfinite(value) and value == int(value):
        return f"; write {int(value)}"
    if isinstance(value, int | float | str) and text.startswith(("list[", "tuple[")):
        return f"; write a list, such as [{value}]"
    return ""


WORDS = {"int": "an integer", "float": "a number", "number": "a number", "bool": "true or false", "None": "null"}
SEVERAL = {"int": "integers", "float": "numbers", "number": "numbers", "bool": "booleans", "dict": "mappings"}


def type_in_words(text):
    """A type as words for a message: `list[str] | None` -> `a list of texts or null`; other texts as they are."""
    kind = parse(text)
    return text if kind is None else _words(kind)


def _words(kind, several=False):
    """The words for a type, or for several values of it, as in `lists of integers`."""
    if isinstance(kind, ast.BinOp):
        return f"{_words(kind.left, several)} or {_words(kind.right, several)}"
    if isinstance(kind, ast.Set):
        return "one of " + ", ".join(_words(item) for item in kind.elts)
    if isinstance(kind, ast.Constant):
        return "null" if kind.value is None else str(kind.value)
    if isinstance(kind, ast.Subscript):
        return _words_of_subscript(kind, several)
    name = getattr(kind, "id", None) or getattr(kind, "attr", None) or ast.unparse(kind)
    if name in STRINGS:
        return "texts" if several else "a text"
    if name in LISTS:
        return "lists" if several else "a list"
    if name in MAPPINGS and not several:
        return "a mapping"
    return (SEVERAL if several else WORDS).get(name, SEVERAL["dict"] if name in MAPPINGS else name)


def _words_of_subscript(kind, several):
    name = getattr(kind.value, "id", None) or getattr(kind.value, "attr", "")
    inner = list(kind.slice.elts) if isinstance(kind.slice, ast.Tuple) else [kind.slice]
    inner = [item for item in inner if not (isinstance(item, ast.Constant) and item.value is Ellipsis)]
    if name == "Literal":
        return "one of " + ", ".join(_words(item) for item in inner)
    if name in ("Union", "Optional"):
        return " or ".join([*(_words(item, several) for item in inner), *(["null"] if name == "Optional" else [])])
    if name in LISTS:
        same = len({ast.unparse(item) for item in inner}) == 1
        number = f"{len(inner)} " if len(inner) > 1 else ""
        what = _words(inner[0], True) if same else " and ".join(_words(item) for item in inner)
        return f"{'lists' if several else 'a list'} of {number if same else ''}{what}"
    if name in MAPPINGS:
        return f"{'mappings' if several else 'a mapping'} from names to {_words(inner[-1], True)}"
    return ast.unparse(kind)


def first_unfit(value, kind):
    """(index, item, its type as text) of the scalar that keeps a list from fitting a list type, or None."""
    if isinstance(kind, ast.BinOp):
        return first_unfit(value, kind.left) or first_unfit(value, kind.right)
    if not isinstance(value, list | tuple) or not isinstance(kind, ast.Subscript):
        return None
    if getattr(kind.value, "id", "") not in LISTS or isinstance(kind.slice, ast.Tuple):
        return None
    wanted = ast.unparse(kind.slice)
    bad = ((number, item, wanted) for number, item in enumerate(value) if not fits(item, kind.slice))
    return next((found for found in bad if not isinstance(found[1], list | tuple)), None)


def describe_value(value):
    """The type of a value in words."""
    if value is None:
        return "null"
    for kind, word in ((bool, "a boolean"), (int, "an integer"), (float, "a number"), (str, "a string")):
        if isinstance(value, kind):
            return word
    return "a mapping" if isinstance(value, dict) else "a list"


def show_value(value):
    """A value with its type in words; of null, lists and mappings the type alone."""
    words = describe_value(value)
    return words if value is None or isinstance(value, list | tuple | dict) else f"{value!r}, {words}"
