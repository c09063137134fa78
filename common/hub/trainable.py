"""The part of a model that others are built on, kept in a module to be fine-tuned: an encoder of texts, a backbone.

module/trainable/
    trainable.yml        its kit, its node in a configuration, the transforms of its inputs
    model.safetensors    the weights of this part alone
    vocab.txt ...        files of the transforms
"""

from pathlib import Path

from common.config.kits import ROOT, is_kit
from common.config.tree import to_plain
from common.config.yaml import display_path, dump_yaml, read_file
from common.errors import ConfigError, EnvironmentProblem

FOLDER = "trainable"
FILE = "trainable.yml"
WEIGHTS = "model.safetensors"
PARTS = ("encoder", "backbone")
KEYS = {"kit": str, "part": str, "node": dict, "transforms": list}


class Trainable:
    """The part of a module that is fine-tuned.

    Args:
        folder (str | Path): `trainable/` of a module.

    Raises:
        ConfigError: it is not there, or trainable.yml is not as it is written here.
        EnvironmentProblem: it names a kit or a file that is not there.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        file = self.folder / FILE
        if not file.is_file():
            raise ConfigError(f"{display_path(file)}: no such file; the module has no weights to fine-tune")
        about = to_plain(read_file(file))
        wrong = [key for key, kind in KEYS.items() if not isinstance(about.get(key), kind)]
        if wrong or set(about) != set(KEYS) or about["part"] not in PARTS:
            raise ConfigError(f"{display_path(file)}: {', '.join(wrong) or 'a key'} is not as it was written")
        if about["kit"] not in [path.name for path in ROOT.iterdir() if is_kit(path)]:
            raise EnvironmentProblem(f"{file}: its kit {about['kit']} is not beside common")
        self.kit, self.part, self.node = about["kit"], about["part"], about["node"]
        self.transforms = [self._with_files(node) for node in about["transforms"]]

    @property
    def weights(self):
        """The file of weights (Path)."""
        return self.folder / WEIGHTS

    def parameter_names(self):
        """The names of the weights (list[str]), such as `encoder.embedding.weight`."""
        from common.weights.checkpoint import read_weights

        return list(read_weights(self.weights))

    def find(self, *types):
        """The first transform of these types (dict); None without one."""
        return next((node for node in self.transforms if node["type"] in types), None)

    def _with_files(self, node):
        """A transform with the paths of its files, which lie in the folder."""
        if not isinstance(node, dict) or not isinstance(node.get("type"), str):
            raise ConfigError(f"{display_path(self.folder / FILE)}: a transform is a mapping with a type")
        found = dict(node)
        for key in files_of_transform(self.kit, node):
            name = str(node[key])
            if Path(name).name != name or not (self.folder / name).is_file():
                raise EnvironmentProblem(f"{self.folder / FILE}: the file {name!r} of {node['type']} is not beside it")
            found[key] = str(self.folder / name)
        return found


def files_of_transform(kit, node):
    """The arguments of a transform that name files (list of names)."""
    from common.build.learned_files import file_arguments
    from common.config.namespace import Namespace

    return file_arguments(Namespace(ROOT / kit).resolve(node["type"]), node)


def part_of_model(config):
    """`encoder` or `backbone`, whichever the model of a configuration has.

    Raises:
        ConfigError: it has neither.
    """
    for part in PARTS:
        if isinstance(config.get(f"model.{part}", None), dict):
            return part
    raise ConfigError(f"{config.place('model')}: the model has no encoder and no backbone that others are built on")


def write_trainable(config, model, folder):
    """Writes the part of a trained model that others are built on.

    Args:
        config (Config): checked; of the model.
        model (nn.Layer): with its weights.
        folder (str | Path): of the module; `trainable` is made in it.

    Raises:
        ConfigError: the model has no such part, or its kit is not beside common.
    """
    from common.inference.exported import inference_split

    part, completed = part_of_model(config), config.to_dict()
    prefix = f"{part}."
    arrays = {name: value.numpy() for name, value in model.state_dict().items() if name.startswith(prefix)}
    transforms = completed["data"][inference_split(config)].get("transforms", [])
    write_part(folder, completed["kit"], part, completed["model"][part], transforms, arrays)


def write_part(folder, kit, part, node, transforms, arrays):
    """Writes `trainable/` of a module.

    Args:
        folder (str | Path): of the module.
        kit (str): name of the kit, beside common.
        part (str): encoder or backbone.
        node (dict): its node in a configuration.
        transforms (list[dict]): of its inputs; the files that they name are copied.
        arrays (dict[str, ndarray]): its weights by name.

    Raises:
        ConfigError: the kit is not beside common.
    """
    from common.files import find_file
    from common.weights.safetensors import encode_arrays, write_atomically

    if not is_kit(ROOT / kit):
        raise ConfigError(f"the kit {kit} is not beside common: a module that is fine-tuned needs it there")
    folder = Path(folder) / FOLDER
    folder.mkdir(parents=True)
    kept = []
    for transform in transforms:
        changed = {key: value for key, value in transform.items() if value is not None}
        for key in files_of_transform(kit, transform):
            source = find_file(transform[key])
            changed[key] = f"{len(kept)}_{source.name}"
            (folder / changed[key]).write_bytes(source.read_bytes())
        kept.append(changed)
    about = {"kit": kit, "part": part, "node": node, "transforms": kept}
    (folder / FILE).write_text(dump_yaml(about), encoding="utf-8")
    write_atomically(folder / WEIGHTS, encode_arrays(arrays))


def export_module(config, folder, trainable=False):
    """Exports a configuration with its weights to the folder of a module.

    Args:
        config (Config): with `weights`.
        folder (str | Path): of the module, to be made.
        trainable (bool): adds the part that others are built on.
    """
    from common.build.model import trained_model
    from common.training.run import Run

    Run(config).export(folder)
    if trainable:
        write_trainable(config, trained_model(config)[0], folder)
