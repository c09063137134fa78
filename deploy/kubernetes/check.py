"""Checks manifests against the schemas of their kinds, and against each other."""

import functools
import itertools
import json
import re
from pathlib import Path

from common.errors import EnvironmentProblem
from deploy.kubernetes.options import QUANTITY, amount

SCHEMAS = Path(__file__).resolve().parent / "schemas"
RAY = ("RayJob", "RayCluster")
WORDS = {  # that the definitions of KubeRay leave open, by the last key
    "submissionMode": ("K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode"),
    "upscalingMode": ("Default", "Aggressive", "Conservative"),
}
TEMPLATES = ("template", "submitterPodTemplate")
SECRET = re.compile(r"(?i)(key|secret|token|password|passwd|ugi)$")


def check_manifests(documents):
    """Lists the problems of manifests that are applied together (list[str]), each with file and place.

    Args:
        documents (dict[str, dict]): by the names of their files.

    Raises:
        EnvironmentProblem: jsonschema is not installed.
    """
    found, known = [], read_schema("core")["definitions"]
    for file, document in documents.items():
        kind = document.get("kind") if isinstance(document, dict) else None
        if kind not in RAY and kind not in known:
            found.append(f"{file}: kind is {kind!r}, which no manifest here has")
            continue
        parts = [("", document, kind)]
        parts += [(place, pod, "podTemplate") for place, pod in templates(document) if kind in RAY]
        for place, value, name in parts:
            for error in sorted(validator(name).iter_errors(value), key=lambda error: list(map(str, error.path))):
                where = ".".join([*([place] if place else []), *map(str, error.absolute_path)]) or "the document"
                found.append(f"{file}: {where}: {error.message[:160]}")
        found += [f"{file}: {problem}" for problem in words_and_numbers(document)]
    return found or relations(documents)


@functools.cache
def validator(name):
    """The validator of a kind, or of a definition of core.json; raises EnvironmentProblem without jsonschema."""
    try:
        from jsonschema import Draft7Validator
    except ImportError:
        raise EnvironmentProblem(
            "manifests are checked by jsonschema, which is not installed\n  fix: pip install jsonschema"
        ) from None
    if name in RAY:
        return Draft7Validator(read_schema(f"ray.io_v1_{name}"))
    return Draft7Validator({**read_schema("core"), "$ref": f"#/definitions/{name}"})


@functools.cache
def read_schema(name):
    """A schema of the folder."""
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


def walk(value, place=""):
    """Yields (place, key, value) of everything in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        where = f"{place}.{key}" if place else str(key)
        yield where, key, inner
        yield from walk(inner, where)


def templates(document):
    """Yields (place, pod template) of a document."""
    yield from ((place, value) for place, key, value in walk(document) if key in TEMPLATES and isinstance(value, dict))


def words_and_numbers(document):
    """Yields what schemas cannot say: fixed words, resources in JSON, limits below requests, secrets as text."""
    if document["kind"] == "RayJob" and not {"entrypoint", "rayClusterSpec"} <= set(document.get("spec") or {}):
        yield "spec: entrypoint or rayClusterSpec is missing"
    for place, key, value in walk(document):
        if key in WORDS and value not in WORDS[key]:
            yield f"{place}: {value!r} is not one of {', '.join(WORDS[key])}"
        if (
            key == "rayStartParams"
            and isinstance(value, dict)
            and "resources" in value
            and not is_resources(value["resources"])
        ):
            yield f"{place}.resources: {value['resources']!r} is no quoted JSON of names and numbers"
        if key == "resources" and isinstance(value, dict):
            asked, most = (value.get(name) or {} for name in ("requests", "limits"))
            for unit in set(asked) & set(most) if isinstance(asked, dict) and isinstance(most, dict) else ():
                texts = (str(asked[unit]), str(most[unit]))
                if all(map(QUANTITY.fullmatch, texts)) and amount(texts[0]) > amount(texts[1]):
                    yield f"{place}: requests {unit} {texts[0]}, above its limit {texts[1]}"
        if key == "env" and isinstance(value, list):
            for entry in value:
                if isinstance(entry, dict) and "value" in entry and SECRET.search(str(entry.get("name"))):
                    yield f"{place}: {entry.get('name')} is written out; refer to a Secret by valueFrom.secretKeyRef"
        if key in ("minReplicas", "minimum") and isinstance(value, int):
            parent = at(document, place.rpartition(".")[0])
            high, now = parent.get("maxReplicas", value), parent.get("replicas", value)
            if not value <= now <= high:
                yield f"{place}: {value} to {high} replicas, and {now} now"


def at(document, place):
    """The value at a place of :func:`walk`."""
    for key in place.split(".") if place else ():
        document = document[int(key) if isinstance(document, list) else key]
    return document


def is_resources(text):
    """True for resources as `ray start` reads them from a shell: JSON in quotes."""
    try:
        found = json.loads(json.loads(text))
    except (TypeError, ValueError):
        return False
    return isinstance(found, dict) and all(isinstance(number, int | float) for number in found.values())


def relations(documents):
    """Lists the references between manifests that lead nowhere (list[str])."""
    found, names = [], {}
    for file, document in documents.items():
        pair = (document["kind"], document["metadata"]["name"])
        if pair in names:
            found.append(f"{file}: {' '.join(pair)} is in {names[pair]} too")
        names[pair] = file
    pods = [pod["metadata"]["labels"] for document in documents.values() for _, pod in templates(document)]
    for file, document in documents.items():
        for place, pod in templates(document):
            volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
            for container in itertools.chain(pod["spec"].get("initContainers", []), pod["spec"]["containers"]):
                for mount in container.get("volumeMounts", []):
                    if mount["name"] not in volumes:
                        found.append(
                            f"{file}: {place}: {container['name']} mounts '{mount['name']}', which is no volume"
                        )
            for volume in volumes.values():
                name = volume.get("configMap", {}).get("name")
                if name is not None and ("ConfigMap", name) not in names:
                    found.append(f"{file}: {place}: volume {volume['name']}: there is no ConfigMap {name}")
        spec = document.get("spec", {})
        if document["kind"] == "Service" and not any(spec["selector"].items() <= pod.items() for pod in pods):
            found.append(f"{file}: spec.selector: no pod has these labels")
        if document["kind"] == "Deployment":
            labels = spec["template"]["metadata"]["labels"]
            if not spec["selector"].get("matchLabels", {}).items() <= labels.items():
                found.append(f"{file}: spec.selector: its own pods have other labels")
        target = spec.get("scaleTargetRef")
        if target and (target["kind"], target["name"]) not in names:
            found.append(f"{file}: spec.scaleTargetRef: there is no {target['kind']} {target['name']}")
        if target and target["kind"] in RAY:
            found.append(
                f"{file}: spec.scaleTargetRef: only serving is scaled by load; a {target['kind']} scales itself"
            )
    return found
