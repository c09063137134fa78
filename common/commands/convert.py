"""`tools/convert.py`: converts the weights of another framework or model collection."""

import sys
from pathlib import Path

from common.commands.main import add_config_arguments, open_config, run_command
from common.commands.parser import Parser
from common.errors import ConfigError, EnvironmentProblem

EXAMPLES = """examples:
  python tools/convert.py -c configs/resnet50.yml --source torchvision resnet50.pth --out weights.safetensors
  python tools/convert.py -c configs/efficientnet_b0.yml --source timm model.safetensors --out weights.safetensors
  python tools/convert.py -c configs/vgg19.yml --source paddleclas VGG19_pretrained.pdparams --out weights.safetensors

Then use -o weights=weights.safetensors, or pretrained=weights.safetensors for other classes.
"""


def parser():
    """The argument parser of the command."""
    options = Parser(prog="convert.py", description=__doc__, epilog=EXAMPLES)
    options.add_argument(
        "state",
        metavar="FILE",
        help="state dictionary to convert: .pth, .pt, .bin, .safetensors, .pdparams, .weights "
        "(Darknet), .json (TensorFlow.js), .onnx or .tflite",
    )
    add_config_arguments(options)
    options.add_argument(
        "--source",
        required=True,
        help="naming scheme of the state dictionary: torchvision, timm (also its files on Hugging Face), "
        "efficientnet_pytorch, paddleclas, paddledetection, paddleseg, darknet, face_api, "
        "mediapipe",
    )
    options.add_argument("--out", required=True, metavar="FILE", help="output file, a new .safetensors file")
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_convert(args, default_kit), argv)


def run_convert(args, default_kit=None):
    """Runs the command; all checks except those of shapes come before PaddlePaddle is imported."""
    from common.build.foreign import foreign_names, rename_foreign
    from common.weights.read_foreign import read_foreign

    config = open_config(args, default_kit)
    if config is None:
        return 0
    out = Path(args.out)
    check_output(out)
    foreign_names(config, args.source)
    arrays = read_foreign(args.state)
    try:
        arrays = rename_foreign(config, args.source, arrays)
    except ConfigError as error:
        raise ConfigError(f"{args.state}: these weights do not fit {args.config}: {error}") from error
    write_safetensors(out, arrays)
    sys.stdout.write(f"{out}: {len(arrays)} arrays, {sum(array.size for array in arrays.values()):,} elements\n")
    return 0


def check_output(out):
    """Checks the path of the output file.

    Raises:
        ConfigError: its suffix is not .safetensors, it exists, or its folder does not exist.
    """
    if out.suffix != ".safetensors":
        raise ConfigError(f"--out {out}: a weights file has the suffix .safetensors")
    if out.exists():
        raise ConfigError(f"--out {out}: the file exists; give another name")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: the folder {out.parent} does not exist")


def write_safetensors(path, arrays):
    """Writes a safetensors file atomically.

    Raises:
        EnvironmentProblem: the file cannot be written; nothing is left behind.
    """
    from common.weights.safetensors import encode_arrays, write_atomically

    try:
        write_atomically(path, encode_arrays(arrays))
    except OSError as error:
        raise EnvironmentProblem(f"{path}: could not be written: {error.strerror}") from error
