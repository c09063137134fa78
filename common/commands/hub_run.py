"""`tools/hub.py run`: predictions of an installed module."""

from pathlib import Path

from common.commands.hub_config import add_flag
from common.commands.main import ENGINES
from common.commands.parser import positive_int
from common.log import logger

LIST_SUFFIXES = (".txt", ".lst", ".list", ".tsv", "")  # of an --input_file that is a list of paths


def add_run(run):
    """Adds the arguments of `run` to its parser."""
    run.add_argument("--input_text", metavar="TEXT", help="one text")
    run.add_argument("--input_path", metavar="PATH", help="an image, a recording, or a folder of them")
    run.add_argument(
        "--input_file", metavar="FILE", help="texts or paths, one per line, or the rows of a table (.csv, .jsonl)"
    )
    run.add_argument("--json", action="store_true", help="print one JSON object per sample")
    run.add_argument(
        "--out", metavar="PATH", help="write the predictions (.csv, .jsonl, .json) or drawn images (a folder)"
    )
    run.add_argument("--threshold", type=float, help="minimum score of a prediction")
    run.add_argument("--batch_size", type=positive_int, dest="batch", help="samples that are predicted together")
    add_flag(run, "--use_strip", "leave out blanks at both ends of each text")
    add_flag(run, "--use_gpu", "accepted; exported models predict on the CPU")
    run.add_argument("--engine", choices=ENGINES, help="inference engine (default: that of the module)")


def run_module(args, options):
    """Predicts with an installed module."""
    from common.errors import ConfigError
    from common.hub.home import Home

    given = [name for name in ("input_text", "input_path", "input_file") if getattr(args, name) is not None]
    if len(given) > 1:
        raise ConfigError(f"--{given[0]} and --{given[1]}: give one input")
    folder = Home().find(args.module)
    from common.system import runtime

    runtime.prepare(load=False)
    from common.inference.run import run_inference
    from common.inference.text_reader import load_model, task_in

    source = open_run_source(args, task_in(folder))
    return run_inference(load_model(folder, engine=args.engine), source, args)


def open_run_source(args, task):
    """The source of `hub run`: of --input_text, --input_path, or --input_file, a list of texts, of paths, or rows.

    Args:
        args (Namespace): of the command.
        task (Task): of the module.

    Raises:
        ConfigError, DataError: see :func:`common.inference.sources.open_source`.
    """
    from common.inference.sources import open_source

    warn_of_gpu(args)
    if task.input in ("image", "audio") and Path(args.input_file or "a.png").suffix.lower() in LIST_SUFFIXES:
        from common.audio.sources import Recordings
        from common.files import read_lines
        from common.vision.sources import Images

        paths = [line.strip() for line in read_lines(args.input_file) if line.strip()]
        return {"image": Images, "audio": Recordings}[task.input](paths, args.input_file, True)
    text = args.input_text.strip() if args.use_strip and args.input_text else args.input_text
    source = open_source(args.input_path or args.input_file, task, text)
    if args.use_strip and hasattr(source, "lines"):
        source.lines = (line.strip() if isinstance(line, str) else line for line in source.lines)
    return source


def warn_of_gpu(args):
    """Warns where `--use_gpu` is given."""
    if args.use_gpu:
        logger.warning("use_gpu: exported models predict on the CPU")
