"""`hub config` and `hub help VERB`, and the options that commands of the hub share with PaddleHub 1.x."""

import argparse
import dataclasses
import os
import sys

from common.errors import ConfigError
from common.log import logger
from common.suggest import did_you_mean


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
