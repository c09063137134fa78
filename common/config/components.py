"""The kind of each component, for `configure.py list` and for generated configurations."""

from common.config.roles import ROLES, role_of

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
    parameters = namespace.signature(definition).parameters
    if any(not p.type or (p.required and p.type == "Callable") for p in parameters):
        return ""
    if namespace.is_abstract(definition) or namespace.signature(definition).summary.startswith("Base class"):
        return ""
    role = role_of(definition, namespace)
    if ".models." in definition.module:
        part = "layers" if definition.part == "models" else definition.part
        return part if role == "layer" else ""
    if role in ("layer", "strategy"):
        return ""
    _, methods = namespace.traits(definition)
    if (role == "transform" and "__call__" not in methods) or (role == "dataset" and "__init__" not in methods):
        return ""
    return ROLES[role][1] if role else ""
