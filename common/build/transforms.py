"""From the pre-processing of an exported folder to its transforms, those nested in one another included."""

from common.config.build import Builder, as_tree
from common.data.transform import Transform
from common.errors import EnvironmentProblem


def build_transform(entry, namespace, source):
    """The transform of a node of infer.yml, whose arguments are complete.

    Args:
        entry (dict): `type`, and its arguments.
        namespace (Namespace): where types are found.
        source (str | Path): the file it is from, for messages.

    Raises:
        ConfigError: there is no such type, or it refuses its arguments.
        EnvironmentProblem: the type of this node, or of one nested in it, is no transform: an export may come from
            anywhere, and nothing else is built from it.
    """
    for name in types_in(entry):
        kind = namespace.resolve(name)
        if not (isinstance(kind, type) and issubclass(kind, Transform)):
            raise EnvironmentProblem(f"{source}: '{name}' is no transform")
    return Builder(namespace, {}).build(as_tree(entry, str(source)))


def types_in(value):
    """The types of all nodes in a value (list[str])."""
    if isinstance(value, dict):
        found = [str(value["type"])] if "type" in value else []
        return found + [name for item in value.values() for name in types_in(item)]
    return [name for item in value for name in types_in(item)] if isinstance(value, list) else []
