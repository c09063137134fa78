"""Instantiation of configuration nodes, and completion of a configuration with all defaults."""

from pathlib import Path

from common.config import kits as kit
from common.config import sections as settings
from common.config import signature
from common.config.check import GIVEN, SAMPLER_GIVEN, SPLIT_KEYS, SPLITS, TRAINER_GIVEN, task_name
from common.config.tree import Items, Node, children, to_plain
from common.errors import ConfigError

LONGEST_MESSAGE = 800
CLASSES = ("num_classes", "labels")


class Builder:
    """Instantiates nodes, and passes the program's values to each constructor that takes them.

    Args:
        namespace (Namespace): of the kit.
        given (dict): argument name -> value from the program.
    """

    def __init__(self, namespace, given):
        self.namespace, self.given = namespace, given

    def build(self, node, ignore=(), **more):
        """Instantiates a node; a list of nodes gives a list, null gives None, any other value is returned as is.

        `more` is passed to this node only, not to those inside it.
        """
        if isinstance(node, list | tuple):
            return [self.build(item, ignore, **more) for item in node]
        if not isinstance(node, dict):
            return node
        place = getattr(node, "place", "")
        if "type" not in node:
            raise ConfigError(f"{place}: {getattr(node, 'path', 'a node')} has no 'type', the name of what to build")
        name = node["type"]
        definition = self.namespace.find(name)
        if definition is None:
            self.namespace.resolve(name)
        keys = self.namespace.signature(definition)
        target = self.namespace.resolve(name)
        arguments = self._arguments(node, keys, {**self.given, **more}, ignore)
        lacking = [p.name for p in keys.parameters if p.required and p.name not in arguments]
        if lacking:
            raise ConfigError(f"{place}: {name} needs {', '.join(lacking)}, which the program does not provide here")
        try:
            if keys.assembly:
                return target.from_config(**arguments, build=self.build)
            return target(**arguments)
        except (ValueError, TypeError) as error:
            text = str(error).strip()[:LONGEST_MESSAGE]
            text = text if text.startswith(name) else f"{name}: {text}"
            raise ConfigError(f"{place}: {text}") from error
        except ArithmeticError as error:
            hint = "is one of them 0, or a width too small for a single channel?"
            raise ConfigError(f"{place}: {name} cannot be built from these values ({error}); {hint}") from error

    def _arguments(self, node, keys, given, ignore):
        """The keyword arguments of the component's constructor."""
        result = {}
        skipped = {"type", *ignore}
        if _is_split(node):
            skipped |= {key for key in SPLIT_KEYS if key not in keys.names}
        for key, value in node.items():
            if key in skipped:
                continue
            if key in CLASSES and given.get(key) is not None and not _agree(value, given[key]):
                place = node.places[key] if isinstance(node, Node) else ""
                raise ConfigError(
                    f"{place}: {key} is {to_plain(value)!r}, but the data have {given[key]!r}; remove the key"
                )
            result[key] = value if keys.assembly else self._value(value)
            if key in keys.names and isinstance(value, list) and _takes_tuple(keys[key]):
                result[key] = tuple(result[key])
        for key in keys.names:
            if key in given and key not in result:
                result[key] = given[key]
        return result

    def _value(self, value):
        """A plain value, the nodes inside it built."""
        if isinstance(value, dict):
            return self.build(value) if "type" in value else {key: self._value(item) for key, item in value.items()}
        return [self._value(item) for item in value] if isinstance(value, list) else value


def _agree(written, given):
    """True unless a number or a list of classes differs; null and a file name agree with everything."""
    return written is None or isinstance(written, str) or to_plain(written) == to_plain(given)


def _is_split(node):
    """True for a split such as data.train, whose transforms and sampler are not arguments of the dataset."""
    head, _, tail = getattr(node, "path", "").partition(".")
    return head == "data" and tail in SPLITS


def _given_to(node):
    """Names of the arguments that the program passes to a node; a configuration cannot set them."""
    parts = getattr(node, "path", "").split(".")
    sampler = len(parts) == 3 and parts[0] == "data" and parts[1] in SPLITS and parts[2] == "sampler"
    return GIVEN | (SAMPLER_GIVEN if sampler else TRAINER_GIVEN if parts == ["trainer"] else frozenset())


def _takes_tuple(parameter):
    known, default = parameter.literal
    return isinstance(default, tuple) if known and default is not None else parameter.type.startswith("tuple")


def to_tree(value, place):
    """Converts plain dicts and lists to a tree whose keys all have the same place."""
    if isinstance(value, dict):
        node = Node(place)
        for key, item in value.items():
            node.set(key, to_tree(item, place), place)
        return node
    if isinstance(value, list | tuple):
        items = Items(place)
        for item in value:
            items.add(to_tree(item, place), place)
        return items
    return value


def complete(config):
    """See :meth:`Config.to_dict`."""
    folder = config.kit
    result = {"kit": folder.name if folder.parent == kit.ROOT else str(folder), "name": config.name}
    tree = config.tree
    for key in ("model", "data", "optimizer", "trainer"):
        if tree.get(key) is not None:
            result[key] = _fill_defaults(tree[key], config.namespace)
    name = task_name(tree, config.namespace)
    if name:
        arguments = complete_task(config, name)
        if "type" not in (tree.get("postprocess") or {}):
            del arguments["type"]
        result |= {"postprocess": arguments} if arguments else {}
    if tree.get("slim") is not None:
        result["slim"] = {"kit": kit.METHODS} | _fill_defaults(tree["slim"], config.methods)
    for key, kind in settings.SECTIONS.items():
        values = to_plain(tree.get(key) or {})
        if key in ("train", "elastic") and not values:
            continue
        if key == "eval":
            train = to_plain(tree.get("train") or {})
            values = {k: train[k] for k in settings.EVAL_FROM_TRAIN if k in train} | values
        result[key] = _section(kind, values)
    top = _section(settings.Runtime, {k: v for k, v in to_plain(tree).items() if k not in result})
    return result | {key: value for key, value in top.items() if key not in result}


def complete_task(config, name):
    """The node of a task with its `type` and all arguments: those of `postprocess:`, and defaults for the others.

    Args:
        config (Config): checked.
        name (str): the class of the task.
    """
    return _fill_defaults(task_node(config, name), config.namespace.tasks)


def task_node(config, name):
    """`postprocess:` as a Node with the type `name`, with the place of every key."""
    place = config.place("postprocess")
    node = Node(place, "postprocess")
    node.set("type", name, place)
    for key, value, at in children(config.tree.get("postprocess")):
        if key != "type":
            node.set(key, value, at)
    return node


def _section(kind, values):
    """The values of a section with its defaults, in the order of the section."""
    result = {}
    for key, (parameter, _) in settings.setting_parameters(kind).items():
        if key in values:
            result[key] = values[key]
        elif not parameter.required:
            result[key] = to_plain(parameter.literal[1])
    return result


def _fill_defaults(tree, namespace):
    """A tree as plain values, each node completed with the defaults of its type."""
    if isinstance(tree, Items):
        return [_fill_defaults(item, namespace) for item in tree]
    if not isinstance(tree, Node):
        return tree
    result = {
        key: _fill_defaults(value, namespace) for key, value, _ in children(tree) if value is not None or "type" in tree
    }
    if "type" not in tree:
        return result
    definition = namespace.find(tree["type"])
    keys = namespace.signature(definition) if definition else signature.Signature()
    given = _given_to(tree)
    for parameter in keys.parameters:
        known, default = parameter.literal
        if known and parameter.name not in result and parameter.name not in given:
            result[parameter.name] = to_plain(default)
    late = {key: result.pop(key) for key in SPLIT_KEYS if _is_split(tree) and key in result}
    return {"type": result.pop("type")} | result | late


def escape_references(value):
    """The value with every `${` escaped, so that loading does not take it for a reference."""
    if isinstance(value, dict):
        return {key: escape_references(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escape_references(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value.replace("${", "$${") if isinstance(value, str) else value
