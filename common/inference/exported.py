"""An exported folder: what its infer.yml says, and the transforms and the task that are built from it.

Both are classes of `common`, or of the kit that infer.yml names; an export that uses nothing of a kit names none.
"""

import functools
from pathlib import Path

import yaml

from common.build.learned_files import file_arguments
from common.config.build import Builder, complete_task, to_tree
from common.config.check import Checker, format_problems, task_name
from common.config.kits import ROOT, is_kit
from common.config.namespace import namespace_of
from common.data.transform import Transform
from common.errors import ConfigError, DataError, EnvironmentProblem
from common.files import find_file
from common.inference.about import find_wrong
from common.inference.task import Task, task_of
from common.log import logger
from common.suggest import nearest
from common.table.lookups import LookUps
from common.table.versions import CURRENT, current_version
from common.weights.manifest import read_checked, read_manifest

FORMAT = 2
AGAIN = "export the model again: python tools/export.py -c CONFIG -o weights=CHECKPOINT"
KEYS = ("name", "task", "postprocess", "inputs", "outputs", "labels", "preprocess")


class Exported:
    """The contents of infer.yml of an exported folder; no weights are loaded.

    Args:
        folder (str | Path): what `export` wrote.

    Raises:
        ConfigError: the folder is not there, or holds no export.
        EnvironmentProblem: infer.yml is not as it was written, damaged or of another version.
    """

    def __init__(self, folder):
        self.folder = served_folder(folder)
        refuse_other(self.folder, Path(folder))
        self.file = self.folder / "infer.yml"
        read_checked(self.folder, self.file.name, read_manifest(self.folder)["files"])  # before it is parsed, as in C++
        self.about = read_about(self.file)

    def transforms(self):
        """The pre-processing (list[Transform]).

        Raises:
            EnvironmentProblem: an entry is no transform, needs a file outside the folder, or a kit that is not here.
        """
        return [self.build(node, self.namespace, Transform) for node in self.about["preprocess"]]

    def task(self):
        """The task with the arguments of `postprocess`; raises as :meth:`transforms`."""
        node = {"type": self.about["task"], **(self.about["postprocess"] or {})}
        return self.build(node, self.namespace.tasks, Task)

    def lookups(self):
        """The tables that ids are looked up in (LookUps); raises EnvironmentProblem."""
        return LookUps(self.file, self.about.get("tables") or [], self.about["inputs"])

    @functools.cached_property
    def namespace(self):
        """The components of common, after those of the kit that infer.yml names.

        Raises:
            EnvironmentProblem: the kit is not here.
        """
        name = self.about.get("kit")
        if name is None:
            return namespace_of()
        path = Path(str(name))  # relative paths are not followed: an export may come from anywhere
        places = [path, ROOT / path.name] if path.is_absolute() else [ROOT / path.name]
        found = next((place for place in places if is_kit(place)), None)
        if found is None:
            classes = " and ".join(self.about.get("kit_classes", ["classes"]))
            raise EnvironmentProblem(
                f"{self.file}: uses {classes} of the kit {name}, which is not here\n"
                f"  fix: put the folder of the kit beside common/, as {places[-1]}"
            )
        return namespace_of(found)

    def build(self, node, namespace, base):
        """The object of a node whose class derives from `base`; nodes inside it are transforms or parts of the task."""
        labels = self.about["labels"]
        given = {} if labels is None else {"labels": labels, "num_classes": len(labels)}
        tree = to_tree({"it": self.admit(node, namespace, (base,))}, str(self.file))["it"]
        checker = Checker(tree, (), namespace)
        checker.node(tree, str(self.file), "postprocess" if base is Task else "preprocess")
        if checker.problems:
            raise ConfigError(format_problems(checker.problems))
        return Builder(namespace, given).build(tree)

    def admit(self, value, namespace, bases):
        """The value with the files of its nodes in the folder.

        Raises:
            EnvironmentProblem: a node has a class that does not derive from one of `bases`, or a file that the folder
                does not carry: an export may come from anywhere.
        """
        if isinstance(value, list):
            return [self.admit(item, namespace, bases) for item in value]
        if not isinstance(value, dict):
            return value
        kind, inner = None, bases
        if "type" in value:
            kind = namespace.resolve(str(value["type"]))
            if not (isinstance(kind, type) and issubclass(kind, bases)):
                names = " or ".join("transform" if base is Transform else base.__name__ for base in bases)
                raise EnvironmentProblem(f"{self.file}: '{value['type']}' is no {names}")
            inner = (Transform, *getattr(kind, "parts", ()))
        found = {key: self.admit(item, namespace, inner) for key, item in value.items()}
        return found | {key: self.carried(value[key]) for key in file_arguments(kind, value)}

    def carried(self, name):
        """The path of a file that the folder carries."""
        path = self.folder / str(name)
        if path.parent != self.folder:
            raise EnvironmentProblem(f"{self.file}: {path} is outside of the folder")
        return str(path)


def served_folder(folder):
    """The folder of an export; of published versions the current one, which a new one cannot take away halfway."""
    folder = Path(folder)
    if current_version(folder) is not None and not (folder / "infer.yml").is_file():
        folder = folder / CURRENT
    return folder.resolve() if folder.is_symlink() else folder


def read_about(file):
    """The keys of infer.yml.

    Raises:
        EnvironmentProblem: it is damaged, or an earlier or a newer version wrote it.
    """
    try:
        about = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise EnvironmentProblem(f"{file}: damaged; {AGAIN}") from error
    version = about.get("format") if isinstance(about, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise EnvironmentProblem(f"{file}: format {version}, which a newer version wrote; this one reads {FORMAT}")
    if version != FORMAT:
        raise EnvironmentProblem(f"{file}: format {version}, which an earlier version wrote; {AGAIN}")
    if missing := [key for key in KEYS if key not in about]:
        raise EnvironmentProblem(f"{file}: there is no '{missing[0]}'; {AGAIN}")
    if (wrong := find_wrong(about)) is not None:
        key, value, right = wrong
        raise EnvironmentProblem(f"{file}: {key} is {repr(value)[:80]}; it takes {right}; {AGAIN}")
    if "category_ids" in about and len(about["category_ids"]) != len(about["labels"] or ()):
        raise EnvironmentProblem(f"{file}: category_ids has not as many ids as labels has names; {AGAIN}")
    return about


def types_in(value):
    """The types of all nodes in a value, in their order, each once (list[str])."""
    if isinstance(value, list):
        return list(dict.fromkeys(name for item in value for name in types_in(item)))
    if not isinstance(value, dict):
        return []
    own = [str(value["type"])] if "type" in value else []
    return list(dict.fromkeys([*own, *types_in(list(value.values()))]))


def refuse_other(folder, given=None):
    """Refuses a path that is no exported folder, and says what it is.

    Args:
        folder (Path): see :func:`served_folder`.
        given (Path | None): by the caller, for the messages; the folder itself when None.
    """
    if (folder / "infer.yml").is_file():
        return
    folder = given or folder
    for link in (folder, folder / CURRENT):
        if link.is_symlink() and not link.exists():
            raise EnvironmentProblem(
                f"--model {link}: it points to {link.readlink()}, which is not there; publish it again"
            )
    if not folder.exists():
        raise ConfigError(f"--model {folder}: there is no such folder{nearest_name(folder)}")
    if (folder / "model.safetensors").exists() or folder.suffix in (".safetensors", ".pdparams"):
        raise ConfigError(
            f"--model {folder}: weights of training, not an exported model; export them with tools/export.py, "
            f"or give -c CONFIG -o weights={folder}"
        )
    if (folder / "manifest.json").exists():
        raise EnvironmentProblem(f"{folder}: infer.yml is missing, the export is not complete; export it again")
    raise ConfigError(f"--model {folder}: no exported model; give the folder that tools/export.py wrote")


def nearest_name(folder):
    """Suggests the folder beside a missing one that was probably meant."""
    beside = folder.parent.iterdir() if folder.parent.is_dir() else ()
    near = nearest(folder.name, [path.name for path in beside if path.is_dir()])
    return f"; did you mean '{folder.parent / near[0]}'?" if near else ""


def refuse_missing_files(value, namespace, place):
    """Refuses a value with nodes that name files which are not there; raises DataError."""
    if isinstance(value, dict):
        for key in file_arguments(namespace.resolve(value["type"]), value) if "type" in value else ():
            if not find_file(value[key]).is_file():
                raise DataError(f"error[D104] {place}: {value['type']}: {key} is {value[key]}: no such file")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        refuse_missing_files(item, namespace, place)


def inference_split(config):
    """The part of `data:` whose transforms prepare the samples of an inference; warns where it is that of training.

    Raises:
        ConfigError: it is that of training, and a transform is random.
    """
    split = split_of_inferences(config)
    if split == "train" and config.get("data.train"):
        for number, node in enumerate(config.get("data.train.transforms", None) or []):
            for name in types_in(node):
                if config.namespace.resolve(name).augments:
                    raise ConfigError(
                        f"{config.place(f'data.train.transforms.{number}')}: {name} is random, and there is no "
                        "data.eval, data.test or data.infer to prepare samples for inference as"
                        "\n  fix: give data.infer its transforms, without random ones"
                    )
        logger.warning("there is neither data.eval nor data.test: samples are prepared as for training")
    return split


def split_of_inferences(config):
    """`infer`, `eval` or `test`, the first that the configuration has, else `train`."""
    return next((s for s in ("infer", "eval", "test") if config.get(f"data.{s}")), "train")


def limits_of(config):
    """The lengths to which the reader of the training data cuts sequences, by column (dict[str, int]).

    A number n is the first n values, -n the last n. Readers name them in the attribute `limits`: (parameter, 1 or -1,
    columns).
    """
    data, found = config.to_dict().get("data") or {}, {}
    nodes = [data[split] for split in ("train", split_of_inferences(config)) if data.get(split)][:1]
    while nodes:
        node = nodes.pop()
        nodes += [value for value in node.values() if isinstance(value, dict) and "type" in value]  # a nested reader
        for parameter, sign, columns in getattr(config.namespace.resolve(node["type"]), "limits", ()):
            found |= dict.fromkeys(columns, sign * node[parameter])
    return found


def check_exportable(config):
    """Refuses a configuration whose transforms or task no exported model could have, before anything is trained.

    Args:
        config (Config): checked.

    Raises:
        ConfigError: a transform of the split that prepares inferences, or the task, is of another class, refuses its
            arguments, or needs the dataset.
        DataError: a file that the task reads is missing or damaged.
    """
    name = task_name(config.tree, config.namespace)
    if name is not None:
        task_of(config)
        refuse_missing_files(complete_task(config, name), config.namespace.tasks, config.place("postprocess"))
    split = split_of_inferences(config)
    for number, node in enumerate(config.get(f"data.{split}.transforms", None) or []):
        place = config.place(f"data.{split}.transforms.{number}")
        for name in types_in(node):
            kind = config.namespace.resolve(name)
            if not (isinstance(kind, type) and issubclass(kind, Transform)):
                raise ConfigError(f"{place}: {name} does not derive from {Transform.__module__}.Transform")
            taken = config.namespace.signature(config.namespace.find(name)).parameters
            if any(parameter.name == "dataset" and parameter.required for parameter in taken):
                raise ConfigError(
                    f"{place}: {name} needs the dataset, which an exported model does not have: no export could "
                    f"prepare its inputs as data.{split} does; give what it learns from the data as an argument"
                )
