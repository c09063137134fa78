"""`hub config` and `hub help VERB`, and the options that commands of the hub share with PaddleHub 1.x."""

import argparse
import dataclasses
import os
import sys
from pathlib import Path

from common.errors import ConfigError
from common.log import logger
from common.suggest import did_you_mean

LIST_SUFFIXES = (".txt", ".lst", ".list", ".tsv", "")  # of an --input_file that is a list of paths


def as_bool(text):
    """The truth value of `True`, `false`, `1`, `no`, ...; raises ValueError."""
    if text.lower() in ("true", "1", "yes", "on"):
        return True
    if text.lower() in ("false", "0", "no", "off"):
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def add_flag(parser, name, help):
    """Adds a flag that may be written `--name`, `--name True` or `--name False`."""
    parser.add_argument(name, nargs="?", const=True, default=False, type=as_bool, metavar="BOOL", help=help)


def run_config(args, options):
    """Prints the settings, after changing them by `reset` or `KEY==VALUE`."""
    from common.hub.settings import change_settings

    for key, value in dataclasses.asdict(change_settings(args.words)).items():
        sys.stdout.write(f"{key}=={value}\n")
    return 0


def run_help(args, options):
    """Prints the help of the command, or of one of its verbs.

    Raises:
        ConfigError: there is no such verb.
    """
    if args.of is None:
        options.print_help()
        return 0
    (verbs,) = [action for action in options._actions if isinstance(action, argparse._SubParsersAction)]
    if args.of not in verbs.choices:
        raise ConfigError(f"there is no command '{args.of}'{did_you_mean(args.of, verbs.choices)}")
    verbs.choices[args.of].print_help()
    return 0


def apply_settings(args):
    """Logs from the level that is set on, and puts the index that is set in the place of a missing `--index`."""
    from common.hub.settings import LEVELS, read_settings

    if args.verb == "config":
        return
    settings = read_settings()
    logger.setLevel(LEVELS[settings.log])
    if hasattr(args, "index") and args.index is None:
        args.index = settings.server or None


def pattern_of(words):
    """The pattern of `hub search`: one word; of several, the files that a shell puts in the place of `*`, all modules.

    Raises:
        ConfigError: several words that are no files.
    """
    if len(words) == 1 and words[0] != "*" and not os.path.lexists(words[0]):
        return words[0]
    if all(os.path.lexists(word) for word in words if word != "*"):
        if len(words) > 1:
            logger.warning("the names of %d files were given, which shells write for *: all modules", len(words))
        return words[0] if len(words) == 1 and words[0] != "*" else ""
    raise ConfigError(f"search takes one pattern, not {len(words)}; put it in quotes: '{' '.join(words)[:80]}'")


def warn_of_gpu(args):
    """Warns where `--use_gpu` is given."""
    if args.use_gpu:
        logger.warning("use_gpu: exported models predict on the CPU")


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
