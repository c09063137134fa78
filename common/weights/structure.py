"""The structure of a compressed model: the steps that turn the model of a configuration into that of its weights.

A step is `{"type": NAME, ...}`: a function `NAME(model, ...)` of the kit PaddleSlim, called with the step's other keys,
which modifies a newly built model in place without data. Checkpoints and exports contain them in `structure.json`.
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
    """The compression methods applied to a model and their steps.

    Args:
        methods (tuple[dict]): the completed `slim:` section of each run that modified the model, in order.
        steps (tuple[dict]): the steps of all methods, in order.
    """

    methods: tuple = ()
    steps: tuple = ()

    def extend(self, method, steps):
        """A new structure with one more method (dict) and its steps appended."""
        return Structure((*self.methods, method), (*self.steps, *steps))

    def encode(self):
        """The content of the file (bytes)."""
        text = json.dumps({"format": 1, "methods": self.methods, "steps": self.steps}, indent=1)
        return text.encode()


def structure_files(model):
    """{name: bytes} of the structure file for the folder of a model's weights; empty for an uncompressed model."""
    structure = getattr(model, "structure", None)
    return {FILE: structure.encode()} if structure else {}


def write_structure(model, folder):
    """Writes the structure file of a compressed model to a folder (Path)."""
    for name, content in structure_files(model).items():
        (folder / name).write_bytes(content)


def read_structure(path):
    """Reads the structure beside the weights at a path, or None.

    Args:
        path (str | Path): a checkpoint, a run folder, or a file in one.

    Raises:
        CheckpointError: the file is damaged or written by a newer version.
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
            raise CheckpointError(f"{folder / FILE}: format {content['format']} is not supported by this version")
        return Structure(tuple(content["methods"]), tuple(content["steps"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / FILE}: not a model structure: {error}") from error


def structure_of(config, path):
    """The structure of the weights at a path or with a published name, or None."""
    if not path or find_published(config.kit, path) is not None:
        return None
    return read_structure(path)


def restore_structure(model, config, path):
    """Applies the structure of the weights at a path, if they have one, to a newly built model."""
    structure = structure_of(config, path)
    if structure is None:
        return
    try:
        apply_steps(model, structure.steps, config.methods)
    except (CheckpointError, EnvironmentProblem) as error:
        raise type(error)(f"{path}: {error}") from error
    model.structure = structure


def apply_steps(model, steps, namespace):
    """Applies compression steps to a newly built model, in place.

    Args:
        model (nn.Layer): as built from its configuration.
        steps (list[dict]): as returned by :meth:`Compression.compress`.
        namespace (Namespace): resolves their types.

    Raises:
        CheckpointError: a step is unknown or does not fit the model.
    """
    for number, step in enumerate(steps, 1):
        arguments = {key: value for key, value in step.items() if key != "type"}
        name = step.get("type")
        definition = namespace.find(name, "def") if isinstance(name, str) else None
        names = namespace.signature(definition).names if definition else []
        if names[:1] != ["model"]:
            raise CheckpointError(f"step {number} of its structure has the unknown type '{name}'")
        try:
            namespace.resolve(name, "def")(model, **arguments)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(
                f"step {number} of its structure ({name}) does not fit {type(model).__name__}: {error}\n"
                "  fix: use the configuration that the weights were trained with"
            ) from error


def slim_section(config):
    """The completed `slim:` section of a configuration (dict), or None."""
    return config.to_dict().get("slim")


def check_agreement(config, structure, source):
    """Refuses weights that were compressed with another `slim:` section than the configuration's.

    Args:
        config (Config): without `slim:` it accepts every structure.
        structure (Structure | None): the structure of the weights.
        source (str): the origin of the weights, for the message.

    Raises:
        ConfigError: with the difference.
    """
    if config.get("slim", None) is None:
        return
    here, fix = slim_section(config), "fix: use the weights' own with -o slim=null, or train with this slim first"
    there = structure.methods[-1] if structure and structure.methods else None
    if there is None:
        raise ConfigError(
            f"{config.place('slim')}: slim is {here['type']}, but {source} was trained without slim\n  {fix}"
        )
    other = [key for key in here if key != "kit" and key in there and here[key] != there[key]]
    if here["type"] != there["type"] or other:
        key = "type" if here["type"] != there["type"] else other[0]
        raise ConfigError(
            f"{config.place(f'slim.{key}')}: slim.{key} is {here[key]!r}, "
            f"but {source} was trained with {there[key]!r}\n  {fix}"
        )
