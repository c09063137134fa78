"""The structure of a compressed model: the steps from what its configuration builds to what its weights are for.

A step is `{"type": NAME, ...}`: a function `NAME(model, ...)` of the kit PaddleSlim, called with the step's other keys,
which changes a freshly built model in place and needs no data. Checkpoints and exports carry them as `structure.json`.
"""

import dataclasses
import json

from common.errors import ConfigError, EnvironmentProblem
from common.weights import checkpoint
from common.weights.manifest import MANIFEST, CheckpointError, read_checked, read_manifest
from common.weights.published import find_published

FILE = "structure.json"


@dataclasses.dataclass(frozen=True)
class Structure:
    """What was done to a model.

    Args:
        methods (tuple[dict]): the completed `slim:` of each run that changed it, in order.
        steps (tuple[dict]): what they did, in order.
    """

    methods: tuple = ()
    steps: tuple = ()

    def after(self, method, steps):
        """This structure, changed by one more method (dict) in these steps."""
        return Structure((*self.methods, method), (*self.steps, *steps))

    def encoded(self):
        """The content of the file (bytes)."""
        text = json.dumps({"format": 1, "methods": self.methods, "steps": self.steps}, indent=1)
        return text.encode()


def files_of(model):
    """{name: bytes} of the file that must lie beside a model's weights; nothing for one that is as it was built."""
    structure = getattr(model, "structure", None)
    return {FILE: structure.encoded()} if structure else {}


def write_structure(model, folder):
    """Writes the file into a folder (Path), where the model has a structure of its own."""
    for name, content in files_of(model).items():
        (folder / name).write_bytes(content)


def read_structure(path):
    """The structure beside the weights that a path names, or None.

    Args:
        path (str | Path): a checkpoint, a run's folder, or a file in one.

    Raises:
        CheckpointError: it is damaged, or written by a newer version.
    """
    if checkpoint.named_weights(path) is not None:
        return None
    found = checkpoint.find_weights(path)
    folder = found.parent if found.is_file() else found
    if not (folder / FILE).is_file():
        return None
    try:
        listed = read_manifest(folder)["files"] if (folder / MANIFEST).is_file() else {}
        text = read_checked(folder, FILE, listed) if FILE in listed else (folder / FILE).read_bytes()
        content = json.loads(text)
        if content["format"] != 1:
            raise CheckpointError(f"{folder / FILE}: of format {content['format']}, which this version does not know")
        return Structure(tuple(content["methods"]), tuple(content["steps"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / FILE}: is no structure of a model: {error}") from error


def structure_of(config, path):
    """The structure of the weights at a path or of a published name, or None."""
    if not path or find_published(config.kit, path) is not None:
        return None
    return read_structure(path)


def rebuild(model, config, path):
    """Gives a freshly built model the structure of the weights at a path, where they have one."""
    structure = structure_of(config, path)
    if structure is None:
        return
    try:
        change(model, structure.steps, config.methods)
    except (CheckpointError, EnvironmentProblem) as error:
        raise type(error)(f"{path}: {error}") from error
    model.structure = structure


def change(model, steps, namespace):
    """Changes a freshly built model by steps.

    Args:
        model (nn.Layer): as its configuration builds it.
        steps (list[dict]): what :meth:`Compression.compress` answered.
        namespace (Namespace): where their types are found.

    Raises:
        CheckpointError: a step is unknown, or does not fit the model.
    """
    for number, step in enumerate(steps, 1):
        arguments = {key: value for key, value in step.items() if key != "type"}
        name = step.get("type")
        definition = namespace.find(name) if isinstance(name, str) else None
        names = namespace.signature(definition).names if definition and definition.what == "def" else []
        if names[:1] != ["model"]:
            raise CheckpointError(f"step {number} of its structure is '{name}', which this program does not know")
        try:
            namespace.resolve(name)(model, **arguments)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(
                f"step {number} of its structure ({name}) does not fit {type(model).__name__}: {error}\n"
                "  fix: the configuration that the weights were made with"
            ) from error


def settled(config):
    """The completed `slim:` of a configuration (dict), None where it has none."""
    return config.completed().get("slim")


def check_agreement(config, structure, source):
    """Refuses weights whose structure was made by another `slim:` than the configuration's.

    Args:
        config (Config): without `slim:` it agrees with every structure.
        structure (Structure | None): of the weights.
        source (str): of the weights, for the message.

    Raises:
        ConfigError: with what differs.
    """
    if config.get("slim", None) is None:
        return
    here, fix = settled(config), "fix: leave it to the weights with -o slim=null, or train with this slim first"
    there = structure.methods[-1] if structure and structure.methods else None
    if there is None:
        raise ConfigError(
            f"{config.place('slim')}: slim is {here['type']}, but {source} was made without slim\n  {fix}"
        )
    other = [key for key in here if key != "kit" and key in there and here[key] != there[key]]
    if here["type"] != there["type"] or other:
        key = "type" if here["type"] != there["type"] else other[0]
        raise ConfigError(
            f"{config.place(f'slim.{key}')}: slim.{key} is {here[key]!r}, but {source} was made with {there[key]!r}\n"
            f"  {fix}"
        )
