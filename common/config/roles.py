"""Roles of the components, and the role that each place of a configuration takes; nothing is imported."""

import ast
import dataclasses

from common.config import types as config_types

# role -> (one of them, all of them, what makes a class one)
ROLES = {
    "layer": ("a model or a part of one", "models and their parts", "derive from paddle.nn.Layer"),
    "dataset": ("a dataset", "datasets", "have __len__ and __getitem__, or iterate"),
    "transform": ("a transform", "transforms", "derive from common.data.transform.Transform"),
    "sampler": ("a sampler", "samplers", "have batches or in_step"),
    "metric": ("a metric", "metrics", "have update and compute"),
    "task": ("a task", "tasks", "derive from common.inference.task.Task"),
    "optimizer": ("an optimizer", "optimizers", "have build(model), and leave nothing to subclasses"),
    "schedule": ("a schedule", "schedules", "derive from common.optim.schedules.Schedule"),
    "trainer": ("a trainer", "trainers", "derive from common.training.trainer.Trainer"),
    "method": ("a compression method", "compression methods", "derive from common.training.compression.Compression"),
    "strategy": ("a search strategy", "search strategies", "derive from common.search.strategies.Strategy"),
    "space": ("a search space", "search spaces", "have overrides(values) and set dimensions"),
}
# Base classes and words in the type of an argument -> the role that it takes
BASES = {
    "Layer": "layer",
    "Transform": "transform",
    "Task": "task",
    "Schedule": "schedule",
    "Trainer": "trainer",
    "Compression": "method",
    "Strategy": "strategy",
}
WORDS = BASES | {"Dataset": "dataset", "Metric": "metric", "Sampler": "sampler", "Optimizer": "optimizer"}
CONTAINERS = {"Sequential", "LayerList", "LayerDict", "Embedding", "Linear", "Conv2D"}  # of paddle.nn, imported by name


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The classes that a place takes.

    Args:
        roles (frozenset[str]): keys of ROLES.
        classes (frozenset[str]): these classes and those derived from them.
        helpers (str): part of a kit such as `PaddleCV.models`, whose classes without a role are taken too.
    """

    roles: frozenset = frozenset()
    classes: frozenset = frozenset()
    helpers: str = ""

    def takes(self, definition, namespace):
        """True if a class may be named here."""
        role = role_of(definition, namespace)
        family = {definition.name} | namespace.traits(definition)[0]
        helps = not role and bool(self.helpers) and self.helpers == _part(definition)
        return role in self.roles or bool(family & self.classes) or helps

    def __str__(self):
        return " or ".join([*(ROLES[role][1] for role in sorted(self.roles)), *sorted(self.classes)]) or "no component"


def role_of(definition, namespace):
    """The role of a class (str), a key of ROLES; empty for a class that is no component by itself."""
    bases, methods = namespace.traits(definition)
    if any(base in CONTAINERS or base == "Layer" for base in bases) and not bases & {"PyLayer", "Task"}:
        return "layer"
    for base, role in BASES.items():
        if base in bases or (base, definition.name) == ("Trainer", "Trainer"):
            return role
    if "Optimizer" in bases or definition.part == "optim":
        return "optimizer" if is_optimizer(definition, namespace) else ""
    if ".models." in definition.module:
        return "space" if "overrides" in methods else ""
    if is_sampler(methods):
        return "sampler"
    if {"update", "compute"} <= methods:
        return "metric"
    parameters = {p.name for p in namespace.signature(definition).parameters}
    reads = {"__len__", "__getitem__"} <= methods or "iterate" in methods
    return "dataset" if reads and not parameters & {"dataset", "pipeline"} else ""


def wanted_by(parameter, owner, namespace):
    """The classes that an argument of a component takes (Wanted): those in its type, else those of the owner's role.

    Args:
        parameter (Parameter): the argument.
        owner (Definition | None): the component; None for one that is not known.
        namespace (Namespace): of both.
    """
    kind = config_types.parse(parameter.type)
    names = {n for n in map(_name, ast.walk(kind)) if config_types.names_a_component(n)} if kind is not None else set()
    roles = frozenset(WORDS[name] for name in names & set(WORDS))
    classes = frozenset(name for name in names - set(WORDS) if namespace.knows(name))
    if roles or classes or owner is None:
        return Wanted(roles, classes)
    role = role_of(owner, namespace)
    return Wanted(frozenset({role} if role else ()), helpers=_part(owner))


def is_optimizer(definition, namespace):
    """True for a class with `build(model)` that leaves nothing to subclasses."""
    return "build" in namespace.traits(definition)[1] and not namespace.is_abstract(definition)


def is_sampler(methods):
    """True if a class with these methods is a batch sampler."""
    return "batches" in methods or "in_step" in methods


def _part(definition):
    """The kit and its folder, such as `PaddleCV.models`; nothing for the machinery of common."""
    return "" if definition.module.startswith("common.") else ".".join(definition.module.split(".")[:2])


def _name(node):
    return getattr(node, "id", None) or getattr(node, "attr", None) or ""
