"""`tools/infer.py`: answers for pictures, with an exported model or a checkpoint.

A file, a folder, a video, or `-` for standard input (a picture, or one path a line).  One JSON object a picture goes
to standard output with --json; pictures with the answers drawn go to --out.
"""

import argparse

from common.cli_parser import Parser
from common.commands.main import add_config_arguments, open_config, run

EXAMPLES = """examples:
  python tools/infer.py --model output/yolov3/export --image street.jpg --json
  python tools/infer.py -c configs/yolov3.yml -o weights=output/yolov3/best --image pictures/ --out drawn
  python tools/infer.py -c configs/resnet50.yml --weights output/resnet50/best picture.jpg
  cat street.jpg | python tools/infer.py --model output/yolov3/export --image - --json
"""


def parser():
    """The options of the command."""
    options = Parser(
        prog="infer.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, required=False, weights=True)
    options.add_argument("--model", metavar="DIR", help="an exported model (or -c with -o weights=...)")
    options.add_argument("--image", metavar="PATH", help="a picture, a folder, a video, or -")
    options.add_argument("picture", nargs="?", help="the same, at the end of the command")
    options.add_argument("--json", action="store_true", help="one JSON object a picture on standard output")
    options.add_argument("--out", metavar="DIR", help="write the pictures (or the video) with the answers drawn")
    options.add_argument(
        "--threshold",
        type=float,
        help="leave out answers that score less (default 0.5; 0 for the classes of a picture)",
    )
    options.add_argument("--batch", type=int, default=1, help="pictures at a time (default 1)")
    options.add_argument(
        "--threads", type=int, default=0, help="threads of the math library (default: chosen for the machine)"
    )
    return options


def main(default_kit=None, argv=None):
    """Runs the command; ends the process."""
    run(parser(), lambda args: infer(args, default_kit), argv)


def infer(args, default_kit):
    """What the command does."""
    from common.errors import ConfigError

    if bool(args.model) == bool(args.config):
        raise ConfigError("infer.py takes either --model EXPORTED_DIR, or -c CONFIG with -o weights=CHECKPOINT")
    if bool(args.image) == bool(args.picture):
        raise ConfigError("infer.py takes one --image PATH: a picture, a folder, a video, or - for standard input")
    if args.weights and args.model:
        raise ConfigError("infer.py takes --weights with -c; --model is an exported model with its own")
    args.image = args.image or args.picture
    for name, right, allowed in (
        ("threshold", args.threshold is None or 0 <= args.threshold <= 1, "0 to 1"),
        ("batch", args.batch >= 1, "1 or more"),
        ("threads", args.threads >= 0, "0 or more"),
    ):
        if not right:
            raise ConfigError(f"--{name} is {getattr(args, name)}; allowed: {allowed}")
    config = open_config(args, default_kit) if args.config else None
    if args.config and config is None:
        return 0
    from common import runtime

    runtime.prepare(load=False)
    from common.inference import run_inference
    from common.predictor import ModelInMemory, Predictor
    from common.sources import open_source
    from common.table_sources import is_table

    tables = is_table(args.image)
    source = None if tables else open_source(args.image)
    model = Predictor(args.model, args.threads) if args.model else ModelInMemory.from_config(config)
    if tables:
        from common.table_inference import run_tables

        return run_tables(model, args.image, args)
    return run_inference(model, source, args)
