"""The parameter file of `hub autofinetune`: which hyperparameters are searched, and within which limits.

param_list:                                    # as in PaddleHub
- name: learning_rate
  init_value: 0.001
  type: float                                  # float, int, or choice
  greater_than: 0.00001                        # of PaddleHub's names; both ends are included
  lower_than: 0.05
  scale: log                                   # linear (the default) or log
- {name: activation, type: choice, values: [relu, gelu], init_value: relu}

or the mapping of a section `search.space`, such as `optimizer.lr.base: [1e-4, 1e-1, log]`.
"""

from common.config.tree import Node, children, to_plain
from common.config.yaml import display_path, read_file
from common.errors import ConfigError
from common.search.space import KeySpace, dimension_of
from common.suggest import did_you_mean

KEYS = ("name", "init_value", "type", "lower_than", "greater_than", "scale", "values")
TYPES, SCALES = ("int", "float", "choice"), ("linear", "log")


class Hyperparameters:
    """The searched hyperparameters of a file.

    Args:
        dimensions (list[Choice | Range]): each hyperparameter.
        start (dict | None): name -> initial value; None if the file has none.
    """

    def __init__(self, dimensions, start=None):
        self.dimensions, self.start = dimensions, start

    @staticmethod
    def overrides(values):
        """{name: chosen value}."""
        return dict(values)


def read_hyperparameters(path):
    """Reads a parameter file.

    Args:
        path (str): of the YAML.

    Raises:
        ConfigError: the file is missing, or an entry is invalid; names its line.
    """
    tree = read_file(path)
    if not isinstance(tree, Node):
        raise ConfigError(f"{display_path(path)}: it takes param_list: with the hyperparameters to search")
    if "param_list" not in tree:
        return Hyperparameters(KeySpace(to_plain(tree), tree.places).dimensions)
    found, start = [], {}
    for key, _, place in children(tree):
        if key != "param_list":
            raise ConfigError(f"{place}: '{key}' is not known; beside param_list: there is nothing")
    if not isinstance(tree["param_list"], list) or not tree["param_list"]:
        raise ConfigError(f"{tree.places['param_list']}: param_list is a list of hyperparameters, each with its name:")
    for _, entry, place in children(tree["param_list"]):
        dimension = read_entry(entry, place)
        if dimension.name in {other.name for other in found}:
            raise ConfigError(f"{place}: the hyperparameter '{dimension.name}' is there twice")
        found.append(dimension)
        if "init_value" in entry:
            start[dimension.name] = checked_start(dimension, entry)
    if start and len(start) < len(found):
        missing = next(dimension.name for dimension in found if dimension.name not in start)
        raise ConfigError(f"{display_path(path)}: '{missing}' has no init_value; give all hyperparameters one, or none")
    return Hyperparameters(found, start or None)


def read_entry(entry, place):
    """The dimension of an entry of `param_list`.

    Args:
        entry (Node): the entry.
        place (str): where it is.
    """
    if not isinstance(entry, Node) or not isinstance(entry.get("name"), str) or not entry["name"].strip("-"):
        raise ConfigError(f"{place}: a hyperparameter has a name, such as name: learning_rate")
    name = entry["name"]
    for key in entry:
        if key not in KEYS:
            raise ConfigError(f"{entry.places[key]}: {name}: there is no key '{key}'{did_you_mean(key, KEYS)}")
    kind, scale = entry.get("type", "choice" if "values" in entry else "float"), entry.get("scale", "linear")
    for key, value, known in (("type", kind, TYPES), ("scale", scale, SCALES)):
        if value not in known:
            raise ConfigError(f"{entry.places[key]}: {name}: {key} is {value!r}; allowed: {', '.join(known)}")
    needed = ("values",) if kind == "choice" else ("greater_than", "lower_than")
    for key in needed:
        if key not in entry:
            raise ConfigError(f"{place}: {name}: '{key}' is missing; a hyperparameter of type {kind} has it")
    if kind == "choice":
        return dimension_of(name, to_plain(entry["values"]), place)
    for key in needed:
        if isinstance(entry[key], bool) or not isinstance(entry[key], int | float):
            raise ConfigError(f"{entry.places[key]}: {name}: {key} is {entry[key]!r}; it takes a number")
    words = {
        ("float", "linear"): "linear",
        ("float", "log"): "log",
        ("int", "linear"): "int",
        ("int", "log"): "log_int",
    }
    return dimension_of(name, [entry["greater_than"], entry["lower_than"], words[kind, scale]], place)


def checked_start(dimension, entry):
    """The initial value of an entry."""
    value = to_plain(entry["init_value"])
    try:
        return dimension.value(dimension.token(value))
    except ValueError as error:
        raise ConfigError(f"{entry.places['init_value']}: init_value: {error}") from error
