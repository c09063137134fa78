"""Signatures of classes and functions, parsed from their source without importing it.

A documented argument is a line `name (type): text` in the `Args:` section of a docstring, continued by lines that
are indented further.
"""

import ast
import dataclasses
import operator
import re

ARGUMENT = re.compile(r"(\w+)\s*(?:\(((?:[^()]|\([^()]*\))*)\))?\s*:\s*(.*)")
REQUIRED = "(required)"
OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def literal_value(node):
    """Evaluates an expression of numbers, strings, lists, dicts and basic arithmetic, such as `1 / 255`.

    Raises:
        ValueError: the expression is anything else.
    """
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        left, right = literal_value(node.left), literal_value(node.right)
        if isinstance(left, int | float) and isinstance(right, int | float):
            return OPERATIONS[type(node.op)](left, right)
        raise ValueError("not a number")
    if isinstance(node, ast.Tuple):
        return tuple(literal_value(item) for item in node.elts)
    if isinstance(node, ast.List):
        return [literal_value(item) for item in node.elts]
    return ast.literal_eval(node)


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One argument of a component.

    Args:
        name (str): as it is written in a configuration.
        default (str): source text of its default; `REQUIRED` without one.
        type (str): its annotation, or else its type in the docstring; may be empty.
        help (str): one line from the docstring; may be empty.
        slot (bool): True for an argument that `from_config` builds from a node.
    """

    name: str
    default: str = REQUIRED
    type: str = ""
    help: str = ""
    slot: bool = False

    @property
    def required(self):
        """True if there is no default."""
        return self.default == REQUIRED

    @property
    def literal(self):
        """(True, default) if its source is a literal, else (False, None)."""
        if self.required:
            return False, None
        try:
            return True, literal_value(ast.parse(self.default, mode="eval").body)
        except (ValueError, SyntaxError, ArithmeticError):
            return False, None

    def __str__(self):
        return self.name if self.required else f"{self.name}={self.default}"


@dataclasses.dataclass(frozen=True)
class Signature:
    """The arguments of a component.

    Args:
        parameters (tuple[Parameter]): in the order of the source.
        gives (frozenset[str]): names of the arguments that `from_config` passes to the parts it builds.
        assembly (bool): True if `from_config` builds the component.
        summary (str): first sentence of the docstring.
    """

    parameters: tuple = ()
    gives: frozenset = frozenset()
    assembly: bool = False
    summary: str = ""

    @property
    def names(self):
        """The keys, in order."""
        return [p.name for p in self.parameters]

    def __getitem__(self, name):
        return next(p for p in self.parameters if p.name == name)


def parse_arguments(docstring):
    """{argument: (type, text)} of the `Args:` section of a docstring."""
    found, name, indent = {}, None, None
    inside = False
    for line in (docstring or "").expandtabs().splitlines():
        text = line.strip()
        depth = len(line) - len(line.lstrip())
        if re.fullmatch(r"(Args|Arguments|Attributes|Parameters):", text):
            inside, name, outer, indent = text != "Attributes:", None, depth, None
            continue
        if not inside or not text:
            continue
        if depth <= outer:
            inside = False
            continue
        indent = depth if indent is None else indent
        match = ARGUMENT.match(text) if depth <= indent else None
        if match:
            name = match[1]
            found[name] = (match[2] or "", match[3])
        elif name:
            kind, words = found[name]
            found[name] = (kind, f"{words} {text}".strip())
    return found


def first_paragraph(docstring):
    """The first paragraph of a docstring on one line."""
    lines = []
    for line in (docstring or "").strip().splitlines():
        if not line.strip():
            break
        lines.append(line.strip())
    return " ".join(lines)


def parameters_of_function(node, skip=(), slots=(), docs=None):
    """Parameters of a `def`.

    Args:
        node (ast.FunctionDef): the function.
        skip (tuple[str]): names that are not keys, such as self.
        slots (set[str]): arguments that the function builds from nodes.
        docs (dict): {argument: (type, text)} from docstrings.
    """
    arguments = node.args
    docs = {**(docs or {}), **parse_arguments(ast.get_docstring(node))}
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    result = []
    for argument, default in [*zip(plain, defaults), *zip(arguments.kwonlyargs, arguments.kw_defaults)]:
        if argument.arg in skip:
            continue
        kind, text = docs.get(argument.arg, ("", ""))
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        source = REQUIRED if default is None else ast.unparse(default)
        result.append(Parameter(argument.arg, source, annotation or kind, text, argument.arg in slots))
    return tuple(result)


def parameters_of_fields(node, docs):
    """Parameters of the annotated fields of one dataclass: {name: Parameter, or None if it is no constructor argument}.

    The default is the assigned value, or the argument of a call such as `field()`: `default=`, `default_factory=` or
    the first one.  Fields with `ClassVar` or `init=False`, also of a base class, are no arguments.
    """
    found = {}
    for item in node.body:
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        name, annotation = item.target.id, ast.unparse(item.annotation)
        if annotation.endswith("KW_ONLY"):
            continue
        kind, text = docs.get(name, ("", ""))
        annotation = re.sub(r"^(?:\w+\.)*InitVar\[(.*)\]$", r"\1", annotation)
        default, argument = _field_default(item.value)
        found[name] = Parameter(name, default, annotation or kind, text)
        if "ClassVar" in annotation or not argument:
            found[name] = None
    return found


def _field_default(value):
    """(source of the default, True if the constructor takes it) of a dataclass field."""
    if not isinstance(value, ast.Call):
        return REQUIRED if value is None else ast.unparse(value), True
    named = {k.arg: ast.unparse(k.value) for k in value.keywords}
    default = ast.unparse(value.args[0]) if value.args else REQUIRED
    if "default_factory" in named:
        default = {"list": "[]", "dict": "{}", "tuple": "()"}.get(named["default_factory"], "...")
    return named.get("default", default), named.get("init") != "False"


def parts_of(factory):
    """(arguments that a `from_config` builds, names that it passes on), from its calls `build(argument, name=...)`."""
    built, given, loops = set(), set(), {}
    for node in ast.walk(factory):
        if isinstance(node, ast.comprehension | ast.For):
            sources = {x.id for x in ast.walk(node.iter) if isinstance(x, ast.Name)}
            loops.update({x.id: sources for x in ast.walk(node.target) if isinstance(x, ast.Name)})
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "build":
            given.update(k.arg for k in node.keywords if k.arg)
            built.update(x.id for argument in node.args[:1] for x in ast.walk(argument) if isinstance(x, ast.Name))
    return built.union(*(loops.get(name, ()) for name in built)), frozenset(given)
