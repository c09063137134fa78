"""Exports the encoder of a model of texts, with the layers whose vectors are wanted.

python tools/export_encoder.py --model output/ernie_lcqmc/best --layer pooler --layer mean:-2 --out output/encoder
python tools/export_encoder.py --model pretrained/ernie_1.0_base_zh --layer cls --out output/encoder

A model is a checkpoint, a configuration (.yml) whose `weights:` or `pretrained:` are here, or a folder with vocab.txt
and weights of BERT or ERNIE. A layer is pooler, cls, mean, max or tokens, with :N for another layer than the last
(mean:-2), or the scores of a classifier. The service is deploy/serving/encoder_server.py.
"""

import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.config import load_config  # noqa: E402
from common.errors import ConfigError  # noqa: E402

MAX_LENGTH = 128  # of folders that do not say one


def parser():
    """The command-line parser."""
    lines = __doc__.splitlines()
    options = Parser(prog="export_encoder.py", description=lines[0], epilog="\n".join(lines[2:]))
    options.add_argument("--model", required=True, metavar="PLACE", help="checkpoint, configuration or folder")
    options.add_argument("--layer", action="append", metavar="NAME", help="output; may be repeated (default pooler)")
    options.add_argument("--max-length", type=int, metavar="T", help="pieces of a text at most (that of the model)")
    options.add_argument("--out", required=True, metavar="DIR", help="output folder")
    return options


def loaded(place, max_length=None):
    """A model of texts on its weights, and the configuration of its pre-processing (model, Config, labels or None).

    Args:
        place (Path): checkpoint, configuration or folder with vocab.txt.
        max_length (int | None): pieces of a text at most; that of the model when None.

    Raises:
        ConfigError: there is no such model at the place, or it has no such length.
    """
    from common.build.model import fix_classes, trained_model
    from common.hub.encoders import is_encoder_folder

    own = [] if max_length is None else [f"max_length={max_length}"]
    if place.is_dir() and is_encoder_folder(place):
        return of_folder(place, max_length or MAX_LENGTH)
    if place.suffix == ".yml":
        config = load_config(place, [*own, "postprocess=null"], default_kit=KIT)
    elif (place / "config.yml").is_file():
        config = load_config(place / "config.yml", [*own, f"weights={place}", "postprocess=null"], default_kit=KIT)
    else:
        better = next((f": {place / name}" for name in ("best", "last") if (place / name).is_dir()), "")
        raise ConfigError(
            f"--model {place}: no checkpoint (config.yml), no configuration and no folder with vocab.txt and weights"
            + better
        )
    config.check()
    model, labels = trained_model(config)
    fix_classes(config, labels)
    return model, config, labels


def of_folder(folder, max_length):
    """The encoder of a folder with vocab.txt and weights, see :func:`loaded`."""
    from common.build.model import build_model
    from common.hub.encoders import VOCABULARY, encoder_node, read_settings, weight_file
    from common.system import runtime
    from common.weights import pretrained
    from common.weights.checkpoint import read_weights

    file, settings = weight_file(folder), read_settings(folder)
    arrays = read_weights(file)
    words = {"type": "WordPiece", "vocab": str(folder / VOCABULARY), "max_length": max_length}
    words["lowercase"] = settings.get("do_lower_case", True)
    data = {"type": "LabeledTexts", "root": str(folder), "file": "none.tsv", "transforms": [words, {"type": "PadText"}]}
    model = {"type": "SentenceEncoder", "encoder": encoder_node(arrays, settings, file)}
    config = load_config(
        {"kit": str(KIT), "name": folder.name, "model": model, "data": {"eval": data}, "labels": ["0", "1"]}
    )
    config.check()
    runtime.prepare()
    built = build_model(config, ["0", "1"])
    report = pretrained.load_arrays(built, arrays, str(file), strict=False)
    lacking = [name for name in report.missing if ".pooler." not in name] + [name for name, _, _ in report.mismatched]
    if lacking:
        raise ConfigError(f"{file}: has no array for {', '.join(lacking[:3])}{' ...' if len(lacking) > 3 else ''}")
    built.without_pooler = any(".pooler." in name for name in report.missing)
    built.eval()
    return built, config, None


def export_encoder(args):
    """Loads the model, writes the export."""
    from common.export.example import example_inputs
    from common.export.write import export, refuse_other

    out, layers = pathlib.Path(args.out), args.layer or ["pooler"]
    refuse_other(out)
    model, config, labels = loaded(pathlib.Path(args.model), args.max_length)
    if getattr(model, "without_pooler", False) and "pooler" in layers:
        raise ConfigError(f"--layer pooler: {args.model} has no weights of a pooler; take cls, mean or max")
    outputs = config.namespace.resolve("EncoderOutputs")(model, layers)
    outputs.eval()
    export(outputs, config, labels, example_inputs(outputs, config), out)
    sys.stdout.write(f"{out}\n")


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), export_encoder, argv)


if __name__ == "__main__":
    main()
