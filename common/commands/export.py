"""`tools/export.py`: writes a model for inference and proves that it answers as the trained one does."""

import argparse
import sys
from pathlib import Path

from common.commands.main import add_config_arguments, open_config, run
from common.commands.parser import Parser

EXAMPLES = """examples:
  python tools/export.py -c configs/yolov3.yml -o weights=output/yolov3/best        # to output/yolov3/export
  python tools/export.py -c configs/yolov3.yml -o weights=output/yolov3/best --onnx
"""


def parser():
    """The options of the command."""
    options = Parser(
        prog="export.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, weights=True)
    options.add_argument("--out", metavar="DIR", help="where to write (default: output/<config>/export)")
    options.add_argument(
        "--onnx",
        action="store_true",
        help="write model.onnx too, compared the same way (needs paddle2onnx, onnxruntime)",
    )
    return options


def main(default_kit=None, argv=None):
    """Runs the command; ends the process."""
    run(parser(), lambda args: write(args, default_kit), argv)


def write(args, default_kit):
    """What the command does."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.system import runtime

    runtime.prepare(load=False)
    from common.build.model import build_model, labels_of, load_weights, read_weights
    from common.export.write import example_inputs, export, refuse_other
    from common.system.device import select_device

    folder = Path(args.out or Path(config.get("output_dir")) / config.name / "export")
    refuse_other(folder)
    arrays = read_weights(config)
    labels = labels_of(config)
    if labels is not None:
        config.fix(labels=labels, num_classes=len(labels))
    runtime.prepare()
    select_device(config.get("device"))
    model = build_model(config, labels)
    load_weights(model, arrays, config)
    model.eval()
    onnx = args.onnx or config.settings("export").engine != "paddle"
    export(model, config, labels, example_inputs(model, config), folder, onnx=onnx)
    sys.stdout.write(f"{folder}\n")
    return 0
