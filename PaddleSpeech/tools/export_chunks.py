"""Exports a streaming model that recognizes chunk by chunk: its caches and states are inputs and outputs.

    python tools/export_chunks.py -c configs/deepspeech2_streaming.yml -o weights=output/deepspeech2_streaming/best

`tools/export.py` exports the same model for complete recordings.
"""

import argparse
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import add_config_arguments, open_config, run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config_arguments(options, weights=True)
    options.add_argument("--out", metavar="DIR", help="output folder (default: output/<config>/export_chunks)")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


def write(args):
    """Exports the model of a configuration."""
    config = open_config(args, KIT)
    if config is None:
        return 0
    from common.system import runtime

    runtime.prepare(load=False)
    from common.build.model import build_model, labels_of, load_weights, read_configured_weights
    from common.export.write import export, refuse_other
    from common.system.device import select_device

    folder = pathlib.Path(args.out or config.run_folder / "export_chunks")
    refuse_other(folder)
    arrays = read_configured_weights(config)
    labels = labels_of(config)
    config.fix(labels=labels, num_classes=len(labels))
    runtime.prepare()
    select_device(config.get("device"))
    model = build_model(config, labels)
    load_weights(model, arrays, config)
    chunks = recognizer_of(model, config)
    export(chunks, config, labels, golden_chunk(chunks), folder)
    sys.stdout.write(f"{folder}\n")
    return 0


def recognizer_of(model, config):
    """The ChunkRecognizer of a model.

    Raises:
        ConfigError: the encoder cannot stream.
    """
    chunks = config.namespace.resolve("ChunkRecognizer")
    try:
        chunks = chunks(model.encoder, model.head)
    except ValueError as error:
        raise ConfigError(f"{config.place('model.encoder')}: {error}") from None
    chunks.eval()
    return chunks


def golden_chunk(chunks):
    """The inputs of a first chunk with random features, {name: array}."""
    from common.data.transform import random_for

    count = 2 * chunks.about["first_frames"]
    features = random_for(0).standard_normal((1, count, chunks.encoder.num_features), "float32")
    begin = {name: value.numpy() for name, value in chunks.encoder.begin().items()}
    return {"features": features, "final": random_for(0).integers(0, 1, 1, "int64"), **begin}


if __name__ == "__main__":
    main()
