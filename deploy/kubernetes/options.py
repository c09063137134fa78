"""The options of a deployment on Kubernetes: one YAML file, checked by key, type and range.

name: elastic-ctr
image: registry.example/paddle-kits:1.0
workers: {count: 2, most: 8, cpu: "4", memory: 8Gi}
serving: {replicas: 2, most: 6, key_secret: serving-key}
"""

import dataclasses
import re
from pathlib import Path

import yaml

from common.errors import ConfigError
from common.suggest import did_you_mean

NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")  # leaves room for what the operator appends
QUANTITY = re.compile(r"([0-9]+(\.[0-9]+)?)(m|[KMGT]i?|k)?")
UNITS = {"m": 1e-3, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
UNITS |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
KINDS = ("RayJob", "RayCluster")


@dataclasses.dataclass
class Pods:
    """A group of pods of a kind: how many, and what each may use."""

    count: int = 1
    most: int = 0
    cpu: str = "2"
    memory: str = "4Gi"


@dataclasses.dataclass
class Storage:
    """The volume of commits and published versions; `claim` names one that is there, else one is made."""

    claim: str = ""
    size: str = "100Gi"
    storage_class: str = ""


@dataclasses.dataclass
class Serving:
    """The pods that answer requests; `key_secret` names a Secret whose entry `key` is the API key."""

    replicas: int = 1
    most: int = 0
    cpu: str = "2"
    memory: str = "4Gi"
    processes: int = 1
    target_cpu: int = 70
    key_secret: str = ""


@dataclasses.dataclass
class Options:
    """A deployment; `data_claim` names the volume with the hours of data, at /data in the pods."""

    name: str = "elastic-ctr"
    image: str = ""
    kind: str = "RayJob"
    retries: int = 3
    data_claim: str = ""
    pull_secret: str = ""
    operator_namespace: str = "kuberay-system"
    head: Pods = dataclasses.field(default_factory=Pods)
    workers: Pods = dataclasses.field(default_factory=lambda: Pods(2, 0, "4", "8Gi"))
    shards: Pods = dataclasses.field(default_factory=lambda: Pods(1, 0, "2", "16Gi"))
    storage: Storage = dataclasses.field(default_factory=Storage)
    serving: Serving | None = dataclasses.field(default_factory=Serving)


def read_options(path):
    """The options of a file (Options); all defaults for None.

    Raises:
        ConfigError: the file is missing or no YAML, or a key, a type or a value is wrong.
    """
    if path is None:
        return Options()
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{place}: no YAML: {getattr(error, 'problem', None) or error}") from None
    return fill(Options(), {} if tree is None else tree, str(path), "")


def fill(options, tree, path, place):
    """The options with the values of a mapping, nested ones too; raises ConfigError."""
    where = f"{path}: {place or 'the file'}"
    if not isinstance(tree, dict):
        raise ConfigError(f"{where} is {tree!r}; it takes keys with values")
    fields = {field.name: field for field in dataclasses.fields(options)}
    for key, value in tree.items():
        if key not in fields:
            raise ConfigError(f"{where}: there is no '{key}'{did_you_mean(str(key), list(fields))}")
        now = getattr(options, key)
        inside = f"{place}.{key}" if place else key
        if dataclasses.is_dataclass(now) and not (key == "serving" and value is None):
            value = fill(now, value, path, inside)
        elif isinstance(now, str) and isinstance(value, int | float) and key in ("cpu", "memory", "size"):
            value = f"{value:g}"
        elif key != "serving" and type(value) is not type(now):
            raise ConfigError(f"{path}: {inside} is {value!r}; it takes {'a number' if type(now) is int else 'a text'}")
        setattr(options, key, value)
    return options


def check_options(options, path="the options"):
    """Refuses values out of their ranges; raises ConfigError with the key."""
    if not options.image:
        raise ConfigError(f"{path}: image is missing; build deploy/kubernetes/Dockerfile, push it, and name it here")
    for key, value in {"name": options.name, "operator_namespace": options.operator_namespace}.items():
        if not NAME.fullmatch(value):
            raise ConfigError(f"{path}: {key} is {value!r}; it takes up to 40 letters a-z, digits and - ")
    if options.kind not in KINDS:
        raise ConfigError(f"{path}: kind is {options.kind!r}; it takes {' or '.join(KINDS)}")
    quantities = {"storage.size": options.storage.size}
    counts = {"retries": (options.retries, 0, 100)}
    groups = {"head": options.head, "workers": options.workers, "shards": options.shards}
    if options.serving is not None:
        groups["serving"] = options.serving
        counts["serving.processes"] = (options.serving.processes, 1, 64)
        counts["serving.target_cpu"] = (options.serving.target_cpu, 1, 100)
    for name, pods in groups.items():
        count = pods.replicas if name == "serving" else pods.count
        counts[f"{name}.{'replicas' if name == 'serving' else 'count'}"] = (count, 1, 10000)
        if pods.most:
            counts[f"{name}.most"] = (pods.most, count, 10000)
        quantities |= {f"{name}.cpu": pods.cpu, f"{name}.memory": pods.memory}
    for name in ("head", "shards"):
        if groups[name].most or (name == "head" and groups[name].count != 1):
            raise ConfigError(f"{path}: {name} has a fixed number of pods; leave {name}.most out, and head.count 1")
    for key, (value, low, high) in counts.items():
        if not low <= value <= high:
            raise ConfigError(f"{path}: {key} is {value}; allowed: {low} to {high}")
    for key, text in quantities.items():
        if not QUANTITY.fullmatch(text) or not amount(text):
            raise ConfigError(f"{path}: {key} is {text!r}; it takes a quantity such as 2, 500m or 8Gi")
    return options


def amount(text):
    """A quantity of Kubernetes as a number: 500m is 0.5, 8Gi is 8589934592."""
    number, _, unit = QUANTITY.fullmatch(text).groups()
    return float(number) * UNITS.get(unit, 1.0)
