"""`tools/infer.py`: answers for pictures, texts or recordings, with an exported model or a checkpoint.

Pictures: a file, a folder, a video, or `-` for standard input (a picture, or one path a line); with the answers drawn
they go to --out.  Texts: a file with one a line, --text, or standard input.  Recordings: a file, a folder, or `-`.
--json writes one JSON object a sample.
"""

import argparse

from common.commands.main import ENGINES, add_config_arguments, open_config, run
from common.commands.parser import Parser

EXAMPLES = """examples:
  python tools/infer.py --model output/yolov3/export --image street.jpg --json
  python tools/infer.py -c configs/yolov3.yml -o weights=output/yolov3/best --image pictures/ --out drawn
  echo 百度是一家高科技公司 | python tools/infer.py -c configs/lac.yml
  python tools/infer.py -c configs/resnet50.yml --weights output/resnet50/best picture.jpg
  python tools/infer.py --model output/deepspeech2/export speech.wav
  cat street.jpg | python tools/infer.py --model output/yolov3/export --image - --json
"""


def parser():
    """The options of the command."""
    options = Parser(
        prog="infer.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options, required=False, weights=True)
    options.add_argument("--model", metavar="DIR", help="an exported model (or -c with -o weights=...)")
    options.add_argument("--input", metavar="PATH", help="a file, a folder, a video, or - (texts: the default)")
    options.add_argument("--image", dest="input", metavar="PATH", help="the same, for pictures")
    options.add_argument("path", nargs="?", help="the same, at the end of the command")
    options.add_argument("--text", metavar="TEXT", help="one text, instead of --input")
    options.add_argument("--json", action="store_true", help="one JSON object a sample on standard output")
    options.add_argument("--out", metavar="DIR", help="write the pictures (or the video) with the answers drawn")
    options.add_argument(
        "--threshold",
        type=float,
        help="leave out answers that score less (default 0.5; 0 for the classes of a picture)",
    )
    options.add_argument("--batch", type=int, help="samples at a time (default: 1 picture or recording, 32 texts)")
    options.add_argument("--threads", type=int, default=0, help="threads of --model (default: chosen for the machine)")
    options.add_argument("--engine", choices=ENGINES, help="what runs --model (default: what its infer.yml says)")
    return options


def main(default_kit=None, argv=None):
    """Runs the command; ends the process."""
    run(parser(), lambda args: infer(args, default_kit), argv)


def infer(args, default_kit):
    """What the command does."""
    from common.errors import ConfigError

    if bool(args.model) == bool(args.config):
        raise ConfigError("infer.py takes either --model EXPORTED_DIR, or -c CONFIG with -o weights=CHECKPOINT")
    if args.input is not None and args.path is not None:
        raise ConfigError("infer.py takes one --input PATH: a file, a folder, a video, or - for standard input")
    if args.weights and args.model:
        raise ConfigError("infer.py takes --weights with -c; --model is an exported model with its own")
    if args.model and (args.override or args.print_config):
        raise ConfigError("infer.py takes -o and --print-config with -c; --model has no configuration to change")
    if args.config and (args.engine or args.threads):
        raise ConfigError("--engine and --threads are for --model; a checkpoint in memory takes KIT_THREADS threads")
    args.input = args.path if args.input is None else args.input
    for name, right, allowed in (
        ("threshold", args.threshold is None or 0 <= args.threshold <= 1, "0 to 1"),
        ("batch", args.batch is None or args.batch >= 1, "1 or more"),
        ("threads", args.threads >= 0, "0 or more"),
    ):
        if not right:
            raise ConfigError(f"--{name} is {getattr(args, name)}; allowed: {allowed}")
    config = open_config(args, default_kit) if args.config else None
    if args.config and config is None:
        return 0
    from common.system import runtime

    runtime.prepare(load=False)
    from common.inference.predictor import ModelInMemory, Predictor
    from common.inference.run_samples import run_inference
    from common.inference.sources import open_source

    task = task_of(args, config)
    reads_rows = getattr(task, "INPUT", "") == "table"
    if reads_rows and args.input is None:
        raise ConfigError("--input: write which file of rows, .csv or .jsonl")
    if reads_rows and (args.out or args.text is not None):
        raise ConfigError("this model takes rows by --input; --out draws on pictures, and --text is for texts")
    source = None if reads_rows else open_source(args.input, task, args.text)
    model = Predictor(args.model, args.threads, args.engine) if args.model else ModelInMemory.from_config(config)
    if reads_rows:
        from common.inference.run_tables import run_tables

        return run_tables(model, args.input, args)
    return run_inference(model, source, args)


def task_of(args, config):
    """The module of `common.tasks` of the model, found without loading the model; None where only loading can tell."""
    import importlib
    from pathlib import Path

    import yaml

    from common.inference.predictor import refuse_other

    if config is not None:
        definition = config.namespace.find(config.get("model.type"))
        name = config.namespace.constant_of(definition, "task")
    else:
        if args.input is None:
            refuse_other(Path(args.model))
        try:
            about = yaml.safe_load((Path(args.model) / "infer.yml").read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            return None
        name = about.get("task") if isinstance(about, dict) else None
    try:
        return importlib.import_module(f"common.inference.tasks.{name}") if name else None
    except ModuleNotFoundError:
        return None
