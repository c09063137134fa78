"""Files that give the inputs of a model their meaning: vocabularies, dictionaries, tokenizers, fitted statistics.

Transforms and tasks name them in the arguments that their class lists as `files`. Every checkpoint has a copy of those
of `data.train` and `files.json`, which holds for each role, such as `LookUp.vocab`, the name of the copy, the original
path and its SHA-256. Weights are used with these files only: resuming and distillation refuse others; evaluation,
inference and export use the copies, with a warning. The files of the task, such as a language model, may be replaced.
"""

import hashlib
import json
from pathlib import Path

import yaml

from common.config.build import complete_task
from common.config.check import task_name
from common.errors import ConfigError
from common.files import find_file
from common.log import logger
from common.weights import checkpoint

SPLITS = ("train", "eval", "test", "infer")
RECORD = "files.json"
TASK = "postprocess"


def file_arguments(kind, node):
    """The arguments in a node of a class that are files, which a checkpoint or an export carries (list of names)."""
    return [key for key in getattr(kind, "files", ()) if node.get(key)]


def files_of(config, part):
    """The files that a part of the configuration names: {role: (dotted path, path)}.

    Args:
        config (Config): checked.
        part (str): train, eval, test or infer for the transforms of that split; `postprocess` for the task.
    """
    if part == TASK:
        name = task_name(config.tree, config.namespace)
        node = complete_task(config, name) if name else {}
        found = list(files_in(node, TASK, config.namespace.tasks))
    else:
        nodes = config.to_dict()["data"][part].get("transforms") if config.get(f"data.{part}", None) else None
        found = list(files_in(nodes, f"data.{part}.transforms", config.namespace))
    return number_roles(found)


def files_in(value, path, namespace):
    """(role, dotted path, file) of each file that the nodes inside a value name."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from files_in(item, f"{path}.{key}", namespace)
    if isinstance(value, dict) and "type" in value:
        for key in file_arguments(namespace.resolve(value["type"]), value):
            yield f"{value['type']}.{key}", f"{path}.{key}", value[key]


def number_roles(found):
    """{role: rest} of tuples (role, *rest); a role that occurs again is `role#2`."""
    numbered, counts = {}, {}
    for role, *rest in found:
        counts[role] = counts.get(role, 0) + 1
        numbered[role if counts[role] == 1 else f"{role}#{counts[role]}"] = tuple(rest)
    return numbered


def collect_files(config):
    """The files of a checkpoint: copies of those of `data.train`, and the record ({name: bytes})."""
    copies, record = {}, {}
    for role, (_, text) in files_of(config, "train").items():
        path = find_file(text)
        if path.is_file():
            content, name, number = path.read_bytes(), path.name, 1
            while copies.get(name, content) != content:
                name, number = f"{path.stem}_{number}{path.suffix}", number + 1
            copies[name] = content
            record[role] = {"name": name, "path": str(text), "sha256": digest_of(content)}
    for role, (_, text) in files_of(config, TASK).items():
        record[role] = {"path": str(text), "sha256": digest_of(find_file(text).read_bytes())}
    return copies | ({RECORD: json.dumps(record, indent=1).encode()} if record else {})


def digest_of(content):
    """The SHA-256 of bytes, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read_record(folder):
    """The record of a checkpoint or of an exported model: role -> {name, path, sha256}; empty if it has none."""
    if (folder / "infer.yml").is_file():
        about = yaml.safe_load((folder / "infer.yml").read_text(encoding="utf-8"))
        found = number_roles(_carried(about.get("preprocess"), folder))
        return {
            role: {"name": name, "path": name, "sha256": digest_of((folder / name).read_bytes())}
            for role, (name,) in found.items()
        }
    return json.loads((folder / RECORD).read_text(encoding="utf-8")) if (folder / RECORD).is_file() else {}


def _carried(value, folder):
    """(role, name) of the files in the nodes of infer.yml."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _carried(item, folder)
    if isinstance(value, dict) and "type" in value:
        for key, item in value.items():
            if isinstance(item, str) and key != "type" and Path(item).name == item and (folder / item).is_file():
                yield f"{value['type']}.{key}", item


def differing_files(config, record, part="train"):
    """(role, dotted path, path, entry) of the files of a part that differ from the record of the weights."""
    for role, (key, text) in files_of(config, part).items():
        if role in record:
            path = find_file(text)
            if not path.is_file() or digest_of(path.read_bytes()) != record[role]["sha256"]:
                yield role, key, path, record[role]


def check_unchanged(config, folder):
    """Checks that the files of `data.train` equal those of the checkpoint (its folder, a Path) to resume from.

    Raises:
        ConfigError: a file differs, so that ids would have another meaning.
    """
    record = read_record(folder)
    for role, _, path, entry in differing_files(config, record):
        raise ConfigError(
            f"{path}: differs from the file in this run's checkpoint, {folder / entry['name']} ({role})\n"
            "  fix: restore it from the checkpoint, or start over with --overwrite"
        )
    trained = files_of(config, "train")
    missing = [role for role, entry in record.items() if "name" in entry and role not in trained]
    if missing and trained:
        raise ConfigError(
            f"{config.place('data.train.transforms')}: the run's checkpoint {folder} has a file for {missing[0]}, this "
            "configuration has none\n  fix: restore the transforms, or start over with --overwrite"
        )
    warn_of_task_files(config, record, folder)


def check_teacher_files(config, student):
    """Checks that a teacher's weights were trained with the files of its student's `data.train`.

    Args:
        config (Config): of the teacher, with its `weights`.
        student (Config): provides the data.

    Raises:
        ConfigError: a file differs: the teacher would read other words than the student.
    """
    folder = folder_of(config.get("weights"))
    for role, key, path, entry in differing_files(student, read_record(folder)):
        raise ConfigError(
            f"{student.place(key)}: the teacher {config.get('weights')} was trained with {entry['path']} "
            f"({folder / entry['name']}), its student has {path}, which differs ({role})"
        )


def warn_of_changes(config, weights):
    """Warns if training starts from weights (a path) which were trained with other files than those of `data.train`."""
    folder = folder_of(weights)
    for role, _, path, entry in differing_files(config, read_record(folder)):
        logger.warning(
            "%s differs from %s: its ids have another meaning than those that the weights were trained on (%s); "
            "replace the first file by the second to use the same ids",
            *(path, folder / entry["name"], role),
        )


def adopt_files(config, weights):
    """Replaces the files of the transforms that differ by the copies beside the weights (a path), with a warning."""
    folder, reported = folder_of(weights), set()
    record = read_record(folder)
    for split in SPLITS:
        for role, key, path, entry in list(differing_files(config, record, split)):
            beside = folder / entry["name"]
            config.set(key, str(beside), config.place(key))
            if path.is_file() and path not in reported:
                logger.warning(
                    "%s differs from %s, which %s was trained with (%s): %s is used instead",
                    *(path, entry["path"], weights, role, beside),
                )
            reported.add(path)
    warn_of_task_files(config, record, weights)


def warn_of_task_files(config, record, weights):
    """Warns of files of the task, such as a language model, that are others than the record has, or are left out."""
    for role, _, path, entry in differing_files(config, record, TASK):
        logger.warning("%s differs from %s, which %s was trained with (%s)", path, entry["path"], weights, role)
    for role, entry in record.items():
        if "name" not in entry and role not in files_of(config, TASK):
            logger.warning("%s was trained with %s (%s), this configuration has none", weights, entry["path"], role)


def folder_of(weights):
    """The folder (Path) of weights at a path: of a checkpoint, of a file, or of an exported model."""
    if (Path(weights) / "infer.yml").is_file():
        return Path(weights)
    place = checkpoint.find_weights(weights)
    return place.parent if place.is_file() else place
