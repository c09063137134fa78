"""`tools/convert.py`: makes a file of weights under our names from one that another program wrote."""

import os
import sys
from pathlib import Path

from common.commands.main import add_config_arguments, open_config, run
from common.commands.parser import Parser
from common.errors import ConfigError, EnvironmentProblem
from common.log import logger

EXAMPLES = """examples:
  python tools/convert.py -c configs/resnet50.yml --source torchvision resnet50.pth --out weights.safetensors
  python tools/convert.py -c configs/efficientnet_b0.yml --source timm model.safetensors --out weights.safetensors
  python tools/convert.py -c configs/vgg19.yml --source paddleclas VGG19_pretrained.pdparams --out weights.safetensors

Then say -o weights=weights.safetensors, or pretrained=weights.safetensors for other classes.
"""


def parser():
    """The options of the command."""
    options = Parser(prog="convert.py", description=__doc__, epilog=EXAMPLES)
    options.add_argument("state", metavar="FILE", help="a state dictionary: .pth or .pt, .safetensors, or .pdparams")
    add_config_arguments(options)
    options.add_argument(
        "--source",
        required=True,
        help="whose names are in it: torchvision, timm (and its files on Hugging Face), paddleclas",
    )
    options.add_argument("--out", required=True, metavar="FILE", help="where to, a new .safetensors file")
    return options


def main(default_kit=None, argv=None):
    """Runs the command; ends the process."""
    run(parser(), lambda args: convert(args, default_kit), argv)


def convert(args, default_kit=None):
    """What the command does; all refusals but those of shapes come before PaddlePaddle is imported."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    out = Path(args.out)
    refuse(out)
    if config.namespace.find("ForeignNames") is None:
        raise ConfigError(f"{config.kit.name} knows the names of no other program")
    names = config.namespace.resolve("ForeignNames")
    network = config.get("model.backbone.type", None)
    names.check(args.source, network)
    arrays = {name: as_float32(array) for name, array in read(Path(args.state)).items()}
    try:
        known = names(args.source, network, arrays)
        last = arrays[known.order.sort_names(arrays)[-1]]
        arrays = known.order.rename(arrays, shapes(config, len(last)))
    except ConfigError as error:
        raise ConfigError(f"{args.state}: not the weights of {args.config}: {error}") from error
    if known.note:
        logger.warning("%s", known.note)
    write(out, arrays)
    sys.stdout.write(f"{out}: {len(arrays)} arrays, {sum(array.size for array in arrays.values()):,} numbers\n")
    return 0


def refuse(out):
    """Refuses a name under which nothing can be written.

    Raises:
        ConfigError: it is not .safetensors, is there already, or its folder is not there.
    """
    if out.suffix != ".safetensors":
        raise ConfigError(f"--out {out}: the name of a file of weights ends in .safetensors")
    if out.exists():
        raise ConfigError(f"--out {out}: the file exists; give another name")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")


def read(path):
    """Name -> array of a state dictionary, its kind told by its suffix.

    Raises:
        ConfigError: there is no such file, or its suffix is another.
        EnvironmentProblem: it cannot be read.
        UnsafeFile: it wants to run code.
    """
    from common.weights import checkpoint
    from common.weights.torch_file import read_torch_file

    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file")
    if path.suffix in (".pth", ".pt", ".bin", ".tar"):
        return read_torch_file(path)
    if path.suffix in (".safetensors", ".pdparams"):
        return checkpoint.read_weights(path)
    raise ConfigError(f"{path}: a state dictionary is a .pth, .pt, .bin, .safetensors or .pdparams file")


def as_float32(array):
    """An array of numbers of any precision in ours; others as they are."""
    from common.weights.pretrained import widen_bfloat16

    array = widen_bfloat16(array)
    return array.astype("float32") if array.dtype.kind == "f" else array


def shapes(config, classes):
    """The arrays of the configuration's model for this many classes: name -> shape, in order."""
    from common.system import runtime

    runtime.prepare()
    import paddle

    with paddle.LazyGuard(), paddle.utils.unique_name.guard():
        model = config.build("model", labels=[str(number) for number in range(classes)], num_classes=classes)
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def write(path, arrays):
    """Writes a safetensors file in one step.

    Raises:
        EnvironmentProblem: it cannot be written; nothing of it is left.
    """
    from common.weights.safetensors import encode_arrays

    draft = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        with open(draft, "wb") as file:
            for piece in encode_arrays(arrays):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        raise EnvironmentProblem(f"{path}: could not be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
