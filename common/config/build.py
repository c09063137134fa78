"""Turns the nodes of a configuration into objects, and the configuration into one that says everything."""

from pathlib import Path

from common.config import kits as kit
from common.config import sections as settings
from common.config import signature
from common.config.check import GIVEN, SAMPLER_GIVEN, SPLIT_KEYS, SPLITS, TRAINER_GIVEN, task_name
from common.config.tree import Items, Node, children, plain
from common.errors import ConfigError

LONGEST_MESSAGE = 800
CLASSES = ("num_classes", "labels")


class Builder:
    """Builds nodes; what the program gives reaches every one of them.

    Args:
        namespace (Namespace): of the kit.
        given (dict): values by the name of the argument they are for.
    """

    def __init__(self, namespace, given):
        self.namespace, self.given = namespace, given

    def build(self, node, ignore=(), **more):
        """The object of a node; a list of nodes gives a list, null gives None, what is no node is returned.

        `more` is given to this node alone, not to those inside it.
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
            raise ConfigError(f"{place}: {name} needs {', '.join(lacking)}, which nothing gives")
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
            raise ConfigError(f"{place}: {name} cannot be built of these numbers ({error}); {hint}") from error

    def _arguments(self, node, keys, given, ignore):
        """What the component is called with."""
        result = {}
        skipped = {"type", *ignore}
        if _is_split(node):
            skipped |= {key for key in SPLIT_KEYS if key not in keys.names}
        for key, value in node.items():
            if key in skipped:
                continue
            if key in CLASSES and given.get(key) is not None and not _agree(value, given[key]):
                place = node.places[key] if isinstance(node, Node) else ""
                raise ConfigError(f"{place}: {key} is {plain(value)!r}, but the data give {given[key]!r}; take it out")
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
    """True unless a number or list of classes differs; null and the name of a file agree with all."""
    return written is None or isinstance(written, str) or plain(written) == plain(given)


def _is_split(node):
    """True for data.train and its like, whose transforms and sampler are not arguments of the data set."""
    head, _, tail = getattr(node, "path", "").partition(".")
    return head == "data" and tail in SPLITS


def _given_to(node):
    """The names of what the program gives to a node, which no configuration writes."""
    parts = getattr(node, "path", "").split(".")
    sampler = len(parts) == 3 and parts[0] == "data" and parts[1] in SPLITS and parts[2] == "sampler"
    return GIVEN | (SAMPLER_GIVEN if sampler else TRAINER_GIVEN if parts == ["trainer"] else frozenset())


def _takes_tuple(parameter):
    known, default = parameter.literal
    return isinstance(default, tuple) if known and default is not None else parameter.type.startswith("tuple")


def as_tree(value, place):
    """Plain dicts and lists as a tree whose every key has the same place."""
    if isinstance(value, dict):
        node = Node(place)
        for key, item in value.items():
            node.set(key, as_tree(item, place), place)
        return node
    if isinstance(value, list | tuple):
        items = Items(place)
        for item in value:
            items.add(as_tree(item, place), place)
        return items
    return value


def completed(config):
    """See :meth:`Config.completed`."""
    folder = config.kit
    result = {"kit": folder.name if folder.parent == kit.ROOT else str(folder), "name": config.name}
    tree = config.tree
    for key in ("model", "data", "optimizer", "trainer"):
        if tree.get(key) is not None:
            result[key] = _filled(tree[key], config.namespace)
    name = task_name(tree, config.namespace)
    if name:
        arguments = completed_task(config, name)
        if "type" not in (tree.get("postprocess") or {}):
            del arguments["type"]
        result |= {"postprocess": arguments} if arguments else {}
    if tree.get("slim") is not None:
        result["slim"] = {"kit": kit.METHODS} | _filled(tree["slim"], config.methods)
    for key, kind in settings.SECTIONS.items():
        values = plain(tree.get(key) or {})
        if key == "train" and not values:
            continue
        if key == "eval":
            train = plain(tree.get("train") or {})
            values = {k: train[k] for k in settings.EVAL_FROM_TRAIN if k in train} | values
        result[key] = _section(kind, values)
    top = _section(settings.Runtime, {k: v for k, v in plain(tree).items() if k not in result})
    return result | {key: value for key, value in top.items() if key not in result}


def completed_task(config, name):
    """The node of a task, `type` and all arguments: those of `postprocess:` and the defaults of the others.

    Args:
        config (Config): checked.
        name (str): the class of the task.
    """
    return _filled(task_node(config, name), config.namespace.tasks)


def task_node(config, name):
    """`postprocess:` as a Node with the type `name`, which knows its places."""
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
            result[key] = plain(parameter.literal[1])
    return result


def _filled(tree, namespace):
    """A tree as plain values in which every node has the defaults of its type."""
    if isinstance(tree, Items):
        return [_filled(item, namespace) for item in tree]
    if not isinstance(tree, Node):
        return tree
    result = {key: _filled(value, namespace) for key, value, _ in children(tree) if value is not None or "type" in tree}
    if "type" not in tree:
        return result
    definition = namespace.find(tree["type"])
    keys = namespace.signature(definition) if definition else signature.Signature()
    given = _given_to(tree)
    for parameter in keys.parameters:
        known, default = parameter.literal
        if known and parameter.name not in result and parameter.name not in given:
            result[parameter.name] = plain(default)
    late = {key: result.pop(key) for key in SPLIT_KEYS if _is_split(tree) and key in result}
    return {"type": result.pop("type")} | result | late


def escaped(value):
    """The value with every `${` written so that it is read as itself."""
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value.replace("${", "$${") if isinstance(value, str) else value
