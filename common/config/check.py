"""Validation of a configuration against the signatures of its components; reports all problems at once."""

import dataclasses
import re

from common.config import sections as settings
from common.config import types as config_types
from common.config.namespace import in_tasks
from common.config.roles import ROLES, Wanted, role_of, wanted_by
from common.config.sections import setting_parameters
from common.config.tree import Items, Node, children
from common.errors import ConfigError
from common.suggest import did_you_mean, nearest

# Arguments that the program passes to a component whose constructor takes them.
GIVEN = frozenset(
    {"num_classes", "labels", "dataset", "task", "seed", "in_channels", "out_channels", "strides", "input_channels"}
)
NODES = {"model": "layer", "optimizer": "optimizer", "trainer": "trainer"}  # nodes at the top -> their roles
MAX_LINES = 10  # of an error message
SHOWN = 6  # components that fit a place are named, if they are this few
METHODS = {"slim": "method", "search": "strategy"}  # sections of another kit's types -> the roles of those
SPLITS = ("train", "eval", "test", "infer")
SPLIT_KEYS = ("transforms", "sampler")
MOVED = {  # keys of earlier versions -> where they went
    (
        "export",
        "nms",
    ): "is not supported: NMS is part of the model; write model.nms: {type: MulticlassNMS, score: 0.01}",
}
TRAINER_GIVEN = frozenset({"run"})
SAMPLER_GIVEN = frozenset({"length", "dataset", "batch_size", "seed", "rank", "world"})
DEVICE = re.compile(r"auto|cpu|gpu(:\d+)?")


class Checker:
    """Finds the problems of a configuration.

    Args:
        tree (Node): merged and resolved.
        used (set[str]): top-level keys that a reference names.
        namespace (Namespace): of the kit.
        methods (Namespace | None): of what `slim:` names.
    """

    def __init__(self, tree, used, namespace, methods=None):
        self.tree, self.used, self.namespace, self.methods = tree, used, namespace, methods
        self.problems = []

    def run(self):
        """Raises a ConfigError that lists the problems, if there are any."""
        self.top()
        if self.problems:
            raise ConfigError(format_problems(self.problems))

    def say(self, place, message, hint=""):
        """Records a problem; `hint` becomes a second line."""
        self.problems.append((place, message, hint))

    # Sections --------------------------------------------------------------------------------------------------------

    def top(self):
        """Checks the whole configuration."""
        runtime = setting_parameters(settings.Runtime)
        known = [*NODES, *METHODS, "data", "postprocess", *settings.SECTIONS, *runtime]
        if self.tree.get("model") is None and not any(nearest(k, ["model"]) for k in self.tree if k not in known):
            self.say(self.tree.place, "'model:' is missing, the node of the model to build")
        for key, value, place in children(self.tree):
            if key in runtime:
                self.value(value, place, key, *runtime[key])
            elif value is None and key in known:
                continue
            elif key in NODES:
                given = TRAINER_GIVEN if key == "trainer" else frozenset()
                self.node(value, place, key, given, wanted=of_role(NODES[key]))
            elif key == "data":
                self.data(value, place)
            elif key in METHODS:
                self.method(key, value, place)
            elif key in settings.SECTIONS:
                self.section(key, value, place)
            elif key != "postprocess" and key not in self.used:
                self.say(place, f"unknown key '{key}'{did_you_mean(str(key), known)}")
        self.task()
        self.relations()

    def section(self, name, value, place):
        """Checks train, eval or export."""
        if not isinstance(value, Node):
            self.say(place, f"{name} is {value!r}; it takes keys and values")
            return
        keys = setting_parameters(settings.SECTIONS[name])
        moved = {key: text for (section, key), text in MOVED.items() if section == name and key in value}
        for key, text in moved.items():
            self.say(value.places[key], f"{name}.{key} {text}")
        self.unknown(name, value, [p for p, _ in keys.values()], tuple(moved))
        for key, item, at in children(value):
            if key in keys:
                self.value(item, at, f"{name}.{key}", *keys[key])
        self.missing(name, value, place, [p for p, _ in keys.values()])

    def task(self):
        """Checks that the model's task exists, and the arguments that `postprocess:` has for it."""
        value, name = self.tree.get("postprocess"), task_name(self.tree, self.namespace)
        place = self.tree.places.get("postprocess", self.tree.place)
        if value is not None and not isinstance(value, Node):
            self.say(place, f"postprocess is {value!r}; it takes the arguments of the model's task")
        elif name is None:
            if value is not None and self.definition(self.tree.get("model")) is not None:
                self.say(place, "postprocess has no 'type', and the class of the model does not name its task")
        else:
            node = Node(place) if value is None else value
            inner = Checker(self.tree, self.used, self.namespace.tasks, self.methods)
            inner.arguments_of_task(node, place, name)
            self.problems += inner.problems

    def arguments_of_task(self, node, place, name):
        """Checks the name of a task and its arguments."""
        definition = self.definition({"type": name})
        if definition is None or not self.is_task(definition):
            known = [d.name for d in self.namespace.components() if in_tasks(d) and self.is_task(d)]
            hint = did_you_mean(str(name), known) or f"; the tasks are {', '.join(sorted(known))}"
            named = "postprocess" if "type" in node else f"the task of {self.tree['model']['type']}"
            at = node.places["type"] if "type" in node else self.tree["model"].places["type"]
            self.say(at, f"{named} is '{name}': there is no such task{hint}")
        else:
            self.arguments(node, place, name, self.namespace.signature(definition), "postprocess")

    def is_task(self, definition):
        """True if a definition is a subclass of Task."""
        return role_of(definition, self.namespace) == "task"

    def method(self, key, value, place):
        """Checks slim or search, whose types are looked up in another kit first."""
        inner = Checker(self.tree, self.used, self.methods or self.namespace)
        inner.node(value, place, key, extra=("kit",) if key == "slim" else (), wanted=of_role(METHODS[key]))
        self.problems += inner.problems

    def data(self, value, place):
        """Checks the splits, their transforms, and the metric."""
        if not isinstance(value, Node):
            self.say(place, f"data is {value!r}; it takes {', '.join(SPLITS)} and metric")
            return
        for key, item, at in children(value):
            label = f"data.{key}"
            if key == "metric":
                if item is not None:
                    self.node(item, at, label, wanted=of_role("metric"))
            elif key not in SPLITS:
                hint = did_you_mean(str(key), [*SPLITS, "metric"])
                self.say(at, f"data has no key '{key}'{hint}", f"data takes: {', '.join(SPLITS)}, metric")
            elif item is not None:
                if key == "infer" and isinstance(item, Node) and "type" not in item:  # transforms need no dataset
                    for name, _, where in children(item):
                        if name not in SPLIT_KEYS:
                            self.say(where, f"{label} has no key '{name}'{did_you_mean(str(name), SPLIT_KEYS)}")
                else:
                    self.node(item, at, label, extra=SPLIT_KEYS, wanted=of_role("dataset"))
                if isinstance(item, Node):
                    self.transforms(item.get("transforms"), item.places.get("transforms"), f"{label}.transforms")
                    self.sampler(item, label)

    def sampler(self, split, label):
        """Checks the sampler of a split; arguments that the program passes cannot be set."""
        node = split.get("sampler")
        if node is None or "sampler" in self.keys_of(split):
            return
        place, label = split.places["sampler"], f"{label}.sampler"
        self.node(node, place, label, wanted=of_role("sampler"), hidden=SAMPLER_GIVEN)

    def definition(self, node):
        """The definition that the type of a node names, or None."""
        name = node.get("type") if isinstance(node, dict) else None
        try:
            return self.namespace.find(name) if isinstance(name, str) else None
        except ConfigError:  # the name is ambiguous; checking the node itself reports it
            return None

    def keys_of(self, node):
        """The arguments that the type of a node takes, by name."""
        definition = self.definition(node)
        return self.namespace.signature(definition).names if definition else []

    def transforms(self, value, place, label):
        """Checks a list of transforms; null is an empty list."""
        if value is None:
            return
        if isinstance(value, Items):
            for i, item, at in children(value):
                self.node(item, at, f"{label}.{i}", wanted=of_role("transform"))
        else:
            self.say(
                place, f"{label} is {config_types.describe_value(value)}; it takes a list of nodes, each with a 'type'"
            )

    def relations(self):
        """Checks values that depend on one another, and constraints that types cannot express."""
        labels, count = self.tree.get("labels"), self.tree.get("num_classes")
        if isinstance(labels, Items) and isinstance(count, int) and len(labels) != count:
            other = self.tree.places["labels"]
            self.say(
                self.tree.places["num_classes"], f"num_classes is {count}, but labels ({other}) has {len(labels)} names"
            )
        ids = self.tree.get("category_ids")
        if isinstance(labels, Items) and isinstance(ids, Items) and len(ids) != len(labels):
            self.say(self.tree.places["category_ids"], f"category_ids has {len(ids)} ids for {len(labels)} labels")
        if isinstance(labels, Items) and len(set(map(str, labels))) < len(labels):
            twice = next(x for i, x in enumerate(labels) if x in labels[:i])
            self.say(self.tree.places["labels"], f"labels contains '{twice}' twice")
        name = self.tree.get("name")
        if isinstance(name, str) and (not name or set(name) <= {"."} or set("/\\\0") & set(name)):
            self.say(self.tree.places["name"], f"name is {name!r}; it names one folder in output_dir, such as my_run")
        device = self.tree.get("device")
        if isinstance(device, str) and not DEVICE.fullmatch(device):
            right = "it takes auto, cpu, gpu, or a card such as gpu:0"
            self.say(self.tree.places["device"], f"device is '{device}'; {right}")
        optimizer = self.tree.get("optimizer")
        if isinstance(optimizer, Node):
            self.positive(optimizer, "lr", "optimizer.lr")
            if isinstance(optimizer.get("lr"), Node):
                self.positive(optimizer["lr"], "base", "optimizer.lr.base")

    def positive(self, node, key, label):
        """Checks that a learning rate is a finite number above 0."""
        value = node.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value < float("inf"):
            self.say(node.places[key], f"{label} is {value}; allowed: more than 0, and finite")

    # Nodes -----------------------------------------------------------------------------------------------------------

    def node(self, value, place, label, gives=frozenset(), extra=(), wanted=None, hidden=frozenset()):
        """Checks a mapping with a `type` of the role that is wanted, and all inside it; it cannot set `hidden` keys."""
        if not isinstance(value, Node):
            is_now = config_types.describe_value(value) if value is None or isinstance(value, Items) else repr(value)
            self.say(place, f"{label} is {is_now}; it takes a node, such as {{type: Name, key: value}}")
            return
        if "type" not in value:
            near = nearest("type", list(map(str, value)))
            hint = f"; did you mean 'type' instead of '{near[0]}'?" if near else ", the name of the component to build"
            self.say(place, f"{label} has no 'type'{hint}")
            return
        name = value["type"]
        try:
            definition = self.namespace.find(name) if isinstance(name, str) else None
            signature = self.namespace.signature(definition) if definition else None
        except ConfigError as error:
            self.say(value.places["type"], str(error))
            return
        if signature is None:
            known = [d.name for d in self.namespace.components()]
            hint = did_you_mean(str(name), known or self.namespace.names)
            more = "" if hint else "`python tools/configure.py list` lists the components"
            self.say(value.places["type"], f"{label}: there is no '{name}'{hint}", more)
            return
        if wanted is not None and not wanted.takes(definition, self.namespace):
            self.misplaced(value.places["type"], label, definition, wanted)
            return
        if hidden:
            kept = tuple(p for p in signature.parameters if p.name not in hidden)
            signature = dataclasses.replace(signature, parameters=kept)
        self.arguments(value, place, name, signature, label, gives, extra)

    def misplaced(self, place, label, definition, wanted):
        """Reports a class whose role is not that of its place, with what the place takes."""
        role = role_of(definition, self.namespace)
        what = ROLES[role][0] if role else "no component that a configuration can name"
        holder = label.rpartition(".")[0] if label.rpartition(".")[2].isdigit() else label
        fitting = sorted(d.name for d in self.namespace.components() if wanted.takes(d, self.namespace))
        needed = [f"{many} {how}" for _, many, how in (ROLES[one] for one in sorted(wanted.roles))]
        shown = f" ({', '.join(fitting)})" if 0 < len(fitting) <= SHOWN else ""
        hint = "; ".join(needed) or "name one of these classes"
        self.say(place, f"{label}: {definition.name} is {what}; {holder} takes {wanted}{shown}", hint)

    def arguments(self, node, place, name, signature, label, gives=frozenset(), extra=()):
        """Checks the keys of a node against the signature of its type."""
        self.unknown(name, node, signature.parameters, ("type", *extra))
        for key, item, at in children(node):
            if key in signature.names:
                gives_below = signature.gives if signature.assembly else gives
                self.value(item, at, f"{label}.{key}", signature[key], gives=gives_below, owner=name)
        self.missing(name, node, place, signature.parameters, GIVEN | gives)

    def unknown(self, name, node, parameters, extra=()):
        """Reports the keys that `name` does not take."""
        names = [p.name for p in parameters]
        for key, _, place in children(node):
            if key in names or key in extra:
                continue
            shown = [str(p) for p in parameters if not (p.required and p.name in GIVEN)]
            takes = f"{name} takes: {', '.join(shown)}" if shown else f"{name} takes no keys"
            hint = did_you_mean(str(key), [*names, *(e for e in extra if "type" not in node or e != "type")])
            self.say(place, f"{name} has no key '{key}'{hint}", takes if len(takes) <= 230 else f"{takes[:227]}...")

    def missing(self, name, node, place, parameters, given=frozenset()):
        """Reports missing required keys, unless a misspelled key is close to one."""
        names = [p.name for p in parameters]
        meant = {near for key in node if key not in names for near in nearest(str(key), names)}
        for parameter in parameters:
            if parameter.required and parameter.name not in node and parameter.name not in given | meant:
                about = f" ({config_types.type_in_words(parameter.type)})" if parameter.type else ""
                text = f": {parameter.help.rstrip('.')}" if parameter.help else ""
                self.say(getattr(node, "place", place), f"{name} needs '{parameter.name}'{about}{text}")

    # Values ----------------------------------------------------------------------------------------------------------

    def value(self, value, place, label, parameter, limits=None, gives=frozenset(), owner=None):
        """Checks one value against its parameter, and the nodes inside it."""
        known, default = parameter.literal
        if value is None and (not parameter.type or (known and default is None)):
            return
        text = parameter.type or (config_types.type_of_default(default) if known else "")
        kind = config_types.parse(text)
        if parameter.slot or (kind is not None and config_types.wants_component(kind)):
            wanted = self.wanted(parameter, owner, label)
            named = text.startswith("dict[") and isinstance(value, Node) and "type" not in value
            for key, item, at in children(value) if named else [("", value, place)]:
                self.part(item, at, f"{label}.{key}" if named else label, gives, wanted)
            return
        said = f"{owner}: {parameter.name}" if owner else label
        if not config_types.fits(value, kind):
            if (unfit := config_types.first_unfit(value, kind)) is not None:
                number, item, text = unfit
                said, place, value = f"{said}[{number}]", getattr(value, "places", [place] * len(value))[number], item
            right = config_types.advice(value, text)
            wanted = config_types.type_in_words(text)
            self.say(place, f"{said} is {config_types.show_value(value)}; it takes {wanted}{right}")
            return
        if limits and (bad := settings.out_of_range(value, limits)) is not None:
            self.say(place, f"{said} is {bad}; allowed: {settings.format_range(limits)}")
        self.inside(value, place, label, gives, self.wanted(parameter, owner, label))

    def wanted(self, parameter, owner, label):
        """The classes that an argument takes (Wanted); None where it is of no component."""
        if label == "search.space":
            return of_role("space")
        return wanted_by(parameter, self.definition({"type": owner}), self.namespace) if owner else None

    def part(self, value, place, label, gives, wanted):
        """Checks a value that is built into an object: a node, or a list of nodes."""
        if isinstance(value, Items):
            for i, item, at in children(value):
                self.part(item, at, f"{label}.{i}", gives, wanted)
        else:
            self.node(value, place, label, gives, wanted=wanted)

    def inside(self, value, place, label, gives, wanted):
        """Checks the nodes anywhere inside a value."""
        if isinstance(value, Node) and "type" in value:
            self.node(value, place, label, gives, wanted=wanted)
            return
        for key, item, at in children(value):
            self.inside(item, at, f"{label}.{key}", gives, wanted)


def of_role(role):
    """The classes of one role (Wanted)."""
    return Wanted(frozenset({role}))


def task_name(tree, namespace):
    """The task of a configuration (str): `postprocess.type`, else the `task` of the model's class, else None."""
    node, model = tree.get("postprocess"), tree.get("model")
    if isinstance(node, Node) and "type" in node:
        return node["type"]
    name = model.get("type") if isinstance(model, Node) else None
    try:
        definition = namespace.find(name) if isinstance(name, str) else None
    except ConfigError:
        return None
    return namespace.constant_of(definition, "task") if definition else None


def format_problems(problems, most=MAX_LINES):
    """The problems sorted by file and line, at most `most` lines, and one line that counts the rest."""
    lines, left, hinted = [], 0, set()
    for place, message, hint in sorted(dict.fromkeys(problems), key=lambda p: _order(p[0])):
        new = [f"{place}: {message}"] + ([f"    {hint}"] if hint and hint not in hinted else [])
        if left or len(lines) + len(new) > most:
            left += 1
            continue
        hinted.add(hint)
        lines += new
    return "\n".join(lines + ([f"... and {left} more problem{'s' if left > 1 else ''}"] if left else []))


def _order(place):
    """Sort key: files by name and line, then command-line overrides."""
    file, _, line = place.rpartition(":")
    return (place.startswith("-o "), file, int(line) if line.isdigit() else 0)
