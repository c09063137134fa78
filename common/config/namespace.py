"""Index of the components that a configuration can name as `type`, built by parsing sources without importing them.

A kit's own `models/`, `data/`, `metrics/`, `tasks/` and `training/` come first, then the shared ones of `common/`.
"""

import ast
import copy
import dataclasses
import functools
import importlib
import os
import re
import sys
from pathlib import Path

from common.config import signature
from common.errors import ConfigError, EnvironmentProblem
from common.suggest import did_you_mean

COMMON = Path(__file__).resolve().parents[1]
KIT_PARTS = ("models", "data", "metrics", "tasks", "training")
COMMON_PARTS = re.compile(
    r"(data|vision|text|audio|table|layers|optim)/|inference/(tasks/|metrics\.py)|training/\w*trainer\.py"
    r"|search/strategies\.py$"
)
DEFINITION = re.compile(r"^(class|def)[ \t]+([A-Za-z]\w*)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Definition:
    """The definition of a class or function.

    Args:
        name (str): of the class or function.
        file (Path): its source.
        line (int): counted from 1.
        what (str): class or def.
        module (str): dotted, such as `PaddleCV.models.layers`.
        part (str): the folder it is in, such as `backbones`, or the file for one directly in common.
    """

    name: str
    file: Path
    line: int
    what: str
    module: str
    part: str


class Namespace:
    """The components of one kit and of `common/`.

    Args:
        kit (Path | None): the kit's folder; None for those of common alone.
        after (Namespace | None): of another kit, whose own names come after those of this one.
    """

    def __init__(self, kit=None, after=None):
        self.kit = Path(kit).resolve() if kit else None
        self.own = self._scan(self._kit_files(), self.kit.parent) if self.kit else {}
        self.shared = self._scan([f for f in COMMON.rglob("*.py") if _is_shared(f)], COMMON.parent)
        self.levels = (self.own, *([after.own] if after else ()), self.shared)
        self._trees, self._signatures, self._traits = {}, {}, {}

    @functools.cached_property
    def _machinery(self):
        """The other classes of common: not usable as `type`, but possible base classes of components."""
        return self._scan([f for f in COMMON.rglob("*.py") if not _is_shared(f)], COMMON.parent)

    @functools.cached_property
    def tasks(self):
        """The same index with the `tasks/` folders first, as a model may have the name of its task."""
        twin = copy.copy(self)
        twin.levels = (*(_tasks(level) for level in self.levels), *self.levels)
        return twin

    def _kit_files(self):
        return [f for part in KIT_PARTS for f in (self.kit / part).rglob("*.py")]

    @staticmethod
    def _scan(files, root):
        found = {}
        for file in sorted(files):
            for definition in _definitions(file, root, _version(file)):
                found.setdefault(definition.name, []).append(definition)
        return found

    @property
    def names(self):
        """All names that can be a `type`: of classes, never of functions."""
        return sorted({name for level in self.levels for name, found in level.items() if _of_kind(found, "class")})

    def find(self, name, what="class"):
        """The definition of a class, or None; with `what="def"` of a function, which no configuration can name.

        Raises:
            ConfigError: two files of the kit, or two of common, define it.
        """
        for level in self.levels:
            found = _of_kind(level.get(name, []), what)
            if len(found) > 1:
                places = " and ".join(f"{d.file}:{d.line}" for d in found)
                raise ConfigError(f"'{name}' is defined twice, in {places}; rename one of them")
            if found:
                return found[0]
        return None

    def components(self):
        """The definitions that can be a `type`: public classes, the kit's before those of common."""
        seen = {}
        for level in reversed(self.levels):
            first = {name: found[0] for name, every in level.items() if (found := _of_kind(every, "class"))}
            seen |= {name: d for name, d in first.items() if name[0].isupper()}
        return sorted(seen.values(), key=lambda d: (d.part, d.name))

    # Arguments of a component ----------------------------------------------------------------------------------------

    def signature(self, definition):
        """The arguments of a component: of `from_config` if it has one, else of `__init__`, own or inherited."""
        key = (definition.file, definition.name)
        if key not in self._signatures:
            self._signatures[key] = self._taken(definition)
        return self._signatures[key]

    def _with_constants(self, parameters, file):
        """The parameters, with defaults that name a module constant replaced by its value."""
        found = []
        for p in parameters:
            named = p.default.isidentifier() and p.default not in ("None", "True", "False")
            value = self._constant(p.default, file) if named else None
            found.append(p if value is None else dataclasses.replace(p, default=ast.unparse(value)))
        return tuple(found)

    def _constant(self, name, file, depth=0):
        """The expression that a module assigns to a name, also in a module that it imports from; None if unknown."""
        for item in self._tree(file).body:
            if isinstance(item, ast.Assign) and any(getattr(t, "id", None) == name for t in item.targets):
                return item.value
            if isinstance(item, ast.ImportFrom) and depth < 3:
                source = next((a.name for a in item.names if (a.asname or a.name) == name), None)
                root = file.parents[item.level - 1] if item.level else COMMON.parent
                other = root.joinpath(*(item.module or "").split(".")).with_suffix(".py")
                if source and other.is_file():
                    return self._constant(source, other, depth + 1)
        return None

    def _taken(self, definition):
        node = self._node(definition)
        if node is None:
            return signature.Signature()
        text = ast.get_docstring(node)
        if isinstance(node, ast.FunctionDef):
            keys = self._with_constants(signature.parameters_of_function(node), definition.file)
            return signature.Signature(keys, summary=signature.first_paragraph(text))
        family = self._family(definition)
        docs = {}
        for _, member in reversed(family):
            docs.update(signature.parse_arguments(ast.get_docstring(member)))
        about = signature.first_paragraph(text)
        for owner, member in family:
            factory = next((f for f in member.body if _is_function(f, "from_config")), None)
            if factory is not None:
                built, given = signature.parts_of(factory)
                keys = signature.parameters_of_function(factory, skip=("cls", "build"), slots=built, docs=docs)
                return signature.Signature(self._with_constants(keys, owner.file), given, True, about)
        for owner, member in family:
            function = next((f for f in member.body if _is_function(f, "__init__")), None)
            if function is not None:
                keys = signature.parameters_of_function(function, skip=("self",), docs=docs)
                return signature.Signature(self._with_constants(keys, owner.file), summary=about)
            if _is_dataclass(member):
                keys = self._fields(owner, docs).values()
                return signature.Signature(tuple(p for p in keys if p is not None), summary=about)
        return signature.Signature(summary=about)

    def _fields(self, definition, docs, below=()):
        """{name: Parameter, None for fields that are no arguments} of a dataclass; fields of bases come first."""
        (owner, member), *bases = self._family(definition)
        found = {}
        for base, node in reversed(bases):
            if _is_dataclass(node) and base not in below:
                found |= self._fields(base, docs, (*below, definition))
        own = signature.parameters_of_fields(member, docs)
        return found | {name: p and self._with_constants([p], owner.file)[0] for name, p in own.items()}

    def _tree(self, file):
        if file not in self._trees:
            self._trees[file] = _parsed(file, _version(file))
        return self._trees[file]

    def _node(self, definition):
        kinds = ast.ClassDef | ast.FunctionDef
        body = self._tree(definition.file).body
        return next((n for n in body if isinstance(n, kinds) and n.name == definition.name), None)

    def _family(self, definition):
        """(definition, class) of a class and of its indexed bases, in method resolution order."""
        found = list(self._ancestry(definition, ()))
        return list(dict.fromkeys(reversed(found)))[::-1]  # a base that occurs twice keeps its last position

    def _ancestry(self, definition, below):
        """The same, depth first; a shared base is repeated for each subclass."""
        node = self._node(definition)
        if not isinstance(node, ast.ClassDef) or definition in below:
            return
        yield definition, node
        for base in node.bases:
            parent = self._base(definition, base)
            if parent is not None:
                yield from self._ancestry(parent, (*below, definition))

    def _base(self, definition, base):
        """The definition of a base class: from the same file, the imported module, or the only class of that name."""
        name, module = getattr(base, "id", None), None
        if isinstance(base, ast.Attribute):
            name, module = base.attr, ast.unparse(base.value)
        stem = module and module.rsplit(".", 1)[-1]
        for item in self._tree(definition.file).body:
            for alias in item.names if isinstance(item, ast.Import | ast.ImportFrom) else ():
                if (alias.asname or alias.name) == module:
                    stem = alias.name.rsplit(".", 1)[-1]
                elif module is None and isinstance(item, ast.ImportFrom) and (alias.asname or alias.name) == name:
                    name, stem = alias.name, (item.module or "").rsplit(".", 1)[-1]
        found = [d for level in self.levels for d in level.get(name, []) if d.what == "class" and d != definition]
        if stem is not None:
            found = [d for d in found if d.file.stem == stem] or self._machinery.get(name, [])
            return next((d for d in found if d.file.stem == stem), None)
        own = [d for d in found if d.file == definition.file]
        return next(iter(own or found), None)

    def is_abstract(self, definition):
        """True for a class with an `abstractmethod` that is not implemented."""
        left = set()
        for _, node in reversed(self._family(definition)):
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    marked = any("abstractmethod" in ast.unparse(d) for d in item.decorator_list)
                    (left.add if marked else left.discard)(item.name)
        return bool(left)

    def knows(self, name):
        """True if there is a class of this name, be it a component or a part of common's machinery."""
        return any(_of_kind(level.get(name, []), "class") for level in (*self.levels, self._machinery))

    def traits(self, definition):
        """(names of all base classes, names of all methods) of a class, own and inherited."""
        if definition not in self._traits:
            bases, methods = set(), set()
            for _, node in self._family(definition):
                bases.update(ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases)
                methods.update(item.name for item in node.body if isinstance(item, ast.FunctionDef))
            self._traits[definition] = frozenset(bases), frozenset(methods)
        return self._traits[definition]

    def constant_of(self, definition, name):
        """The constant that the body of a class, or of one of its bases, assigns to a name; None without one."""
        for _, node in self._family(definition):
            for item in node.body:
                if isinstance(item, ast.Assign) and any(getattr(t, "id", None) == name for t in item.targets):
                    return getattr(item.value, "value", None)
        return None

    # The object itself -----------------------------------------------------------------------------------------------

    def resolve(self, name, what="class"):
        """Imports the class of this name; with `what="def"` the function.

        Raises:
            ConfigError: the name is unknown, or another package shadows the kit.
            EnvironmentProblem: its module needs a package that is not installed.
        """
        definition = self.find(name, what)
        if definition is None:
            raise ConfigError(f"there is no '{name}'{did_you_mean(name, self.names)}")
        root = definition.file.parents[len(definition.module.split(".")) - 1]
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))
        top = definition.module.split(".")[0]
        try:
            module = importlib.import_module(definition.module)
        except ModuleNotFoundError as error:
            if error.name and error.name.split(".")[0] == top:
                raise ConfigError(f"{definition.file}: cannot be imported: {error}") from error
            raise EnvironmentProblem(f"{name} needs the package {error.name}: pip install {error.name}") from error
        if Path(module.__file__).resolve() != definition.file.resolve():
            raise ConfigError(f"{definition.file} is shadowed by {module.__file__}; rename the kit's folder")
        return getattr(module, name)


# Sources that did not change are read once per process, however many configurations are loaded.

_namespaces = {}  # (kit, kit of `after`) -> (versions of the sources, after, the namespace)


def namespace_of(kit=None, after=None):
    """The namespace of a kit; one that was made before, with all that it has parsed, while no source has changed.

    Args:
        kit (Path | None): as of :class:`Namespace`.
        after (Namespace | None): as of :class:`Namespace`.
    """
    key = kit and str(kit), after and after.kit
    versions = [_versions(COMMON), *(_versions(Path(kit).resolve() / part) for part in KIT_PARTS if kit)]
    known = _namespaces.get(key)
    if known is None or known[0] != versions or known[1] is not after:
        known = _namespaces[key] = (versions, after, Namespace(kit, after))
    return known[2]


def _versions(folder):
    """{path: version} of the Python files below a folder."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(place, name)
                status = os.stat(path)
                found[path] = status.st_mtime_ns, status.st_size, status.st_ino
    return found


def _version(file):
    """Changes when a file is written again."""
    status = file.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


@functools.lru_cache(maxsize=4096)
def _definitions(file, root, _):
    """The definitions at the top of a source file below a folder, found without parsing it."""
    parts = file.relative_to(root).with_suffix("").parts
    if parts[-1] == "__init__" or "tests" in parts:
        return ()
    text = file.read_text(encoding="utf-8", errors="replace")
    part, module = parts[-2] if len(parts) > 2 else parts[-1], ".".join(parts)
    found = ((match, text.count("\n", 0, match.start()) + 1) for match in DEFINITION.finditer(text))
    return tuple(Definition(match[2], file, line, match[1], module, part) for match, line in found)


@functools.lru_cache(maxsize=1024)
def _parsed(file, _):
    """The syntax tree of a source file; not to be changed."""
    try:
        return ast.parse(file.read_text(encoding="utf-8"), str(file))
    except SyntaxError as error:
        raise ConfigError(f"{file}:{error.lineno}: this is not Python: {error.msg}") from error


@functools.lru_cache(maxsize=4096)
def _is_shared(file):
    return COMMON_PARTS.match(file.relative_to(COMMON).as_posix())


def _of_kind(found, what):
    return [definition for definition in found if definition.what == what]


def _tasks(level):
    """The definitions of a level that are in a folder `tasks/`."""
    kept = {name: [d for d in found if in_tasks(d)] for name, found in level.items()}
    return {name: found for name, found in kept.items() if found}


def in_tasks(definition):
    """True if a definition is in the folder `tasks/` of a kit or of common."""
    parts = definition.module.split(".")
    return parts[1] == "tasks" or parts[:3] == ["common", "inference", "tasks"]


def _is_function(node, name):
    return isinstance(node, ast.FunctionDef) and node.name == name


def _is_dataclass(node):
    return any("dataclass" in ast.unparse(d) for d in node.decorator_list)
