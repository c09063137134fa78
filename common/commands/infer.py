"""`tools/infer.py`: predictions for images, texts, recordings or rows, by an exported model or a checkpoint.

Images: a file, a folder, a video, or `-` for standard input (an image, or one path a line); with the predictions drawn
they go to --out.  Texts: a file with one a line, --text, or standard input.  Recordings: a file, a folder, or `-`.
Rows of tables: a .csv or .jsonl file.  --json writes one JSON object a sample.
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
    options.add_argument("--image", dest="input", metavar="PATH", help="the same, for images")
    options.add_argument("path", nargs="?", help="the same, at the end of the command")
    options.add_argument("--text", metavar="TEXT", help="one text, instead of --input")
    options.add_argument("--json", action="store_true", help="one JSON object a sample on standard output")
    options.add_argument("--out", metavar="DIR", help="write the images (or the video) with the predictions drawn")
    options.add_argument(
        "--threshold",
        type=float,
        help="leave out predictions that score less (default: the task's, see postprocess: in the configuration)",
    )
    options.add_argument("--batch", type=int, help="samples at a time (default: 1 image or recording, 32 texts)")
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
    from common.inference.exported import Exported
    from common.inference.predictor import ModelInMemory, Predictor
    from common.inference.run import run_inference
    from common.inference.task import task_of

    task = Exported(args.model).task() if args.model else task_of(config)
    source = None if task is None else open_input(args, task)  # before the model is loaded, which takes seconds
    model = Predictor(args.model, args.threads, args.engine) if args.model else ModelInMemory.from_config(config)
    return run_inference(model, open_input(args, model.task) if source is None else source, args)


def open_input(args, task):
    """The source that the command line names; refuses --out for a task that does not draw."""
    from common.errors import ConfigError
    from common.inference.sources import open_source

    source = open_source(args.input, task, args.text)
    if args.out and not (task.draws and hasattr(source, "drawing")):
        raise ConfigError(f"--out draws on images; the predictions of {task.name} go to standard output")
    return source
