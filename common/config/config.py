"""Configuration of a run: read from a YAML file, merged with its bases and with `-o`, validated, and instantiated.

config = load_config("configs/yolov3.yml", ["train.epochs=1"])
config.check()                                    # ConfigError: all problems, each with file and line
model = config.build("model", num_classes=80)
"""

import functools
from pathlib import Path

from common.config import build as config_build
from common.config import check as config_check
from common.config import kits as kit
from common.config import sections as settings
from common.config.bases import kits_of, name_methods, read_with_bases
from common.config.namespace import namespace_of
from common.config.tree import Items, Node, Resolver, locate, put, to_plain
from common.config.yaml import display_path, dump_yaml, read_text
from common.errors import ConfigError, EnvironmentProblem

_ABSENT = object()


def load_config(path, overrides=(), default_kit=None):
    """Reads a configuration with its bases and the overrides of the command line; does not validate it yet.

    Args:
        path (str | Path | dict): as :func:`common.config.kits.find_config` takes it; or the keys themselves, whose
            paths are relative to the current folder and whose run is called `run` unless they hold a `name`.
        overrides (list[str]): `key.path=value`, each value read as YAML.
        default_kit (str | Path): the kit of a file outside every kit, such as the kit of the running script.

    Returns:
        Config: merged, with every reference resolved.

    Raises:
        ConfigError: the file is missing or not YAML, or a base, an override or a reference is wrong.
    """
    given = config_build.to_tree(path, "the dict") if isinstance(path, dict) else None
    file = kit.find_config(path, default_kit) if given is None else Path.cwd() / "run"
    tree, used = read_with_bases(file, default_kit, given)
    for key, value, place in _parse_overrides(overrides or ()):
        put(tree, key, value, place)
    if isinstance(tree.get("labels"), str):
        tree.set("labels", _names(tree["labels"], tree.places["labels"], kits_of(tree, file)), tree.places["labels"])
    if kit.is_tiny(file):
        _keep_apart(tree, display_path(file))
    resolver = Resolver(tree)
    resolved = locate(resolver.resolve())
    if resolver.problems:
        raise ConfigError("\n".join(resolver.problems[:10]))
    named = resolved.get("kit")
    folder = kit.named_kit(named, resolved.places["kit"]) if named else kit.kit_of(file, default_kit)
    name_methods(resolved, kit.kit_above(file), folder)
    return Config(file, folder, resolved, used | resolver.used, overrides or ())


def _keep_apart(tree, place):
    """Moves the output of a tiny configuration to `tiny/` in `output_dir`: the full-size one may share its name."""
    folder = tree.get("output_dir", settings.Runtime.output_dir)
    if isinstance(folder, str) and "tiny" not in Path(folder).parts:
        tree.set("output_dir", str(Path(folder) / "tiny"), tree.places.get("output_dir", place))


def _names(text, place, folders):
    """The lines of the file that `labels:` names, from the current folder or that of a kit.

    Raises:
        ConfigError: there is no such file, it cannot be read, or a line before its end is blank.
    """
    found = next((path for path in (Path(text), *(folder / text for folder in folders)) if path.is_file()), None)
    if found is None:
        raise ConfigError(
            f"{place}: labels is '{text}': no such file; it takes a list of names, or a file with one name per line"
        )
    names = Items(place)
    try:
        lines = found.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8; save the file in that encoding"
        raise ConfigError(f"{place}: labels: {display_path(found)}: {reason}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise ConfigError(
                f"{display_path(found)}:{number}: the line is blank, and the number of a line is that of its class"
                "\n  fix: remove the line, or name its class"
            )
        names.add(line.strip(), f"{display_path(found)}:{number}")
    return names


def _parse_overrides(overrides):
    """(key path, value, place) of each `-o`; overrides of a `type` come first."""
    found = []
    for text in overrides:
        place = f"-o {text}"
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"{place}: write key=value, such as -o train.epochs=10")
        found.append((key.strip(), read_text(value, lambda line, place=place: place), place))
    return sorted(found, key=lambda item: not item[0].endswith(".type"))


class Config:
    """A configuration, loaded by :func:`load_config`.

    Args:
        path (Path): the file.
        kit (Path): the folder of its kit.
        tree (Node): merged and resolved.
        used (set[str]): top-level keys that a reference names.
        overrides (list[str]): `key=value` arguments of `-o`, as typed.
    """

    def __init__(self, path, kit, tree, used=(), overrides=()):
        self.path, self.kit, self.tree, self.used = Path(path), Path(kit), tree, set(used)
        self.overrides = list(overrides)
        self.namespace = namespace_of(self.kit)

    @property
    def name(self):
        """The name of the run: `name:`, or the file's name without its suffix."""
        return str(self.tree.get("name") or self.path.stem)

    @property
    def run_folder(self):
        """The output folder of the run (Path): `output_dir/name`; `output_dir/tiny/name` for `configs/tiny/`."""
        return Path(self.get("output_dir")) / self.name

    @functools.cached_property
    def methods(self):
        """The namespace of `slim:` and `search.space`: that of `slim.kit`, else of PaddleSlim; then the own kit.

        Raises:
            ConfigError: there is no kit that `slim.kit` names.
            EnvironmentProblem: PaddleSlim is not installed beside common.
        """
        slim = self.tree.get("slim")
        named = slim.get("kit") if isinstance(slim, Node) else None
        if not named and not kit.is_kit(kit.ROOT / kit.METHODS):
            raise EnvironmentProblem(
                f"{self.place('slim')}: compression methods are in the kit {kit.METHODS}, which is not beside "
                f"common/\n  fix: copy the folder {kit.METHODS} to {kit.ROOT}"
            )
        return namespace_of(kit.named_kit(named or kit.METHODS, self.place("slim.kit")), after=self.namespace)

    def check(self):
        """Checks every key and value without importing a component.

        Raises:
            ConfigError: lists all problems, each with its place.
        """
        self.checker().run()

    def checker(self):
        """The validator of this configuration, which collects the problems."""
        methods = self.methods if self.tree.get("slim") is not None or self.get("search.space.type", None) else None
        return config_check.Checker(self.tree, self.used, self.namespace, methods)

    def get(self, path, default=_ABSENT):
        """The value at a dotted path, as plain dicts and lists; if absent, `default` or that of its section."""
        holder = self.tree
        for key in path.split("."):
            if isinstance(holder, Items) and key.isdigit() and int(key) < len(holder):
                holder = holder[int(key)]
            elif isinstance(holder, Node) and key in holder:
                holder = holder[key]
            else:
                return self._default(path) if default is _ABSENT else default
        return to_plain(holder)

    @staticmethod
    def _default(path):
        section, _, key = path.rpartition(".")
        known = settings.SECTIONS.get(section) if section else settings.Runtime
        parameter = settings.setting_parameters(known).get(key) if known else None
        return parameter[0].literal[1] if parameter else None

    def node(self, path):
        """The mapping, list or value at a dotted path; mappings and lists carry their places.

        Raises:
            ConfigError: there is nothing at this path.
        """
        holder = self.tree
        for key in path.split("."):
            try:
                holder = holder[int(key) if isinstance(holder, Items) else key]
            except (KeyError, IndexError, TypeError, ValueError):
                raise ConfigError(f"{display_path(self.path)}: there is no '{path}'") from None
        return holder

    def place(self, path):
        """The place of the value at a dotted path: `file:line` or `-o ...`; the file if the value is absent."""
        above, _, key = path.rpartition(".")
        try:
            holder = self.node(above) if above else self.tree
            return holder.places[int(key) if isinstance(holder, Items) else key]
        except (ConfigError, KeyError, IndexError, ValueError, AttributeError):
            return display_path(self.path)

    def settings(self, section):
        """The section train, eval or export with defaults; keys absent from eval are taken from train.

        Raises:
            ConfigError: a required value is missing.
        """
        kind = settings.SECTIONS[section]
        values = to_plain(self.tree.get(section) or {})
        if section == "eval":
            train = to_plain(self.tree.get("train") or {})
            values = {k: train[k] for k in settings.EVAL_FROM_TRAIN if k in train} | values
        keys = settings.setting_parameters(kind)
        lacking = [k for k, (parameter, _) in keys.items() if parameter.required and k not in values]
        if lacking:
            raise ConfigError(f"{self.place(section)}: {section} needs {', '.join(lacking)}")
        return kind(**values)

    def fix(self, **values):
        """Stores values that the data determine, such as labels and num_classes, in the configuration that is saved."""
        for key, value in values.items():
            self.set(key, value, "the data")

    def set(self, path, value, place="the program"):
        """Sets a plain value at a dotted path; messages about it name `place`."""
        put(self.tree, path, config_build.to_tree(value, place), place)
        locate(self.tree)

    def build(self, what, ignore=(), **given):
        """Imports and instantiates the component of a node.

        Args:
            what (str | Node): dotted path, or a node; a list of nodes gives a list.
            ignore (tuple[str]): keys of the node that are not arguments.
            given (object): passed to every component built here whose signature has the name.

        Raises:
            ConfigError: the component rejects its arguments; names the place of the node.
        """
        node = self.node(what) if isinstance(what, str) else what
        namespace = self.methods if what in ("slim", "search.space") else self.namespace
        return config_build.Builder(namespace, given).build(node, ignore=ignore)

    def to_dict(self):
        """The complete configuration as plain values, with all defaults filled in and all references resolved."""
        return config_build.complete(self)

    def dump(self):
        """YAML of the complete configuration, which loads as the same configuration from any folder."""
        return dump_yaml(config_build.escape_references(self.to_dict()))
