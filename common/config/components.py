"""The kind of each component, for `configure.py list` and for generated configurations."""

from common.config.check import is_sampler, is_trainer

KINDS = ("datasets", "transforms", "samplers", "metrics", "tasks", "optimizers", "schedules", "trainers", "layers")


def components(namespace):
    """{kind: definitions} of all components; the kind of a model part is its folder, such as backbones."""
    found = {}
    for definition in namespace.components():
        kind = kind_of(definition, namespace)
        if kind:
            found.setdefault(kind, []).append(definition)
    first = [kind for kind in found if kind not in KINDS]
    return {kind: found[kind] for kind in (*first, *KINDS) if kind in found}


def kind_of(definition, namespace):
    """The kind of a component; an empty string for a class that a configuration cannot use."""
    bases, methods = namespace.traits(definition)
    parameters = namespace.signature(definition).parameters
    names = {p.name for p in parameters}
    if any(not p.type or (p.required and p.type == "Callable") for p in parameters):
        return ""
    if ".models." in definition.module:
        part = "layers" if definition.part == "models" else definition.part
        return part if "Layer" in bases else ""
    if "Schedule" in bases or "Optimizer" in bases or definition.part == "optim":
        if namespace.is_abstract(definition):
            return ""
        return "schedules" if "Schedule" in bases else "optimizers" if "build" in methods else ""
    if is_trainer(definition, namespace):
        return "trainers"
    if "Task" in bases:
        return "tasks"
    if "Transform" in bases:
        return "transforms" if "__call__" in methods else ""
    if is_sampler(methods):
        return "samplers"
    if {"update", "compute"} <= methods:
        return "metrics"
    reads = {"__len__", "__getitem__"} <= methods or "iterate" in methods
    return "datasets" if reads and "__init__" in methods and not names & {"dataset", "pipeline"} else ""
