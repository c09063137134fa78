"""Common frame of all commands: arguments, error messages, exit codes."""

import sys
import traceback

from common import interpreter
from common.errors import EnvironmentProblem, KitError
from common.log import logger, printable, set_up_logging

ENGINES = ("auto", "paddle", "onnxruntime", "openvino")


def run_command(parser, command, argv=None):
    """Parses the arguments, runs `command(args)`, and ends the process with its exit code.

    An expected error prints one message without traceback (`--debug` shows it); a bug prints its traceback.

    Args:
        parser (Parser): of the command; `--debug` is added to it.
        command (Callable): returns an exit code or None.
        argv (list[str]): arguments; those of the process when None.
    """
    parser.add_argument("--debug", action="store_true", help="show the traceback of errors")
    args = parser.parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # file names that are not UTF-8, consoles that are ASCII
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    set_up_logging()
    try:
        code = command(args) or 0
    except KitError as error:
        if args.debug:
            traceback.print_exc()
        print_error(error)
        code = error.exit_code
    except KeyboardInterrupt:
        print_error("interrupted")
        code = 130
    except BrokenPipeError:
        code = 0
        sys.stdout = None
    except (OSError, MemoryError) as error:  # not handled closer to its cause
        if args.debug:
            traceback.print_exc()
        print_error(environment_error(error))
        code = EnvironmentProblem.exit_code
    sys.exit(code)


def environment_error(error):
    """Converts an OSError or MemoryError to an EnvironmentProblem with a clear message."""
    if isinstance(error, MemoryError):
        return EnvironmentProblem(
            "out of memory\n"
            "  fix: a smaller train.batch_size (train.accumulate keeps the total), smaller images, or fewer workers"
        )
    where = f"{error.filename}: " if error.filename else ""
    return EnvironmentProblem(f"{where}{error.strerror or error} (--debug shows the traceback)")


def print_error(error, most=12):
    """Writes an error's message to standard error, at most twelve lines."""
    lines = printable(interpreter.in_words_of_pip(str(error))).splitlines() or [type(error).__name__]
    if len(lines) > most:
        lines = [*lines[: most - 1], f"... and {len(lines) - most + 1} more lines (--debug shows all)"]
    if not lines[0].startswith(("error", "warning")):
        lines[0] = "error: " + lines[0]
    for handler in logger.handlers:
        handler.flush()
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()


def add_config_arguments(parser, required=True, weights=False):
    """Adds `-c`, `-o` and `--print-config`, and `--weights` for commands that take a checkpoint."""
    parser.add_argument(
        "-c", "--config", required=required, metavar="FILE", help="configuration file, such as configs/yolov3.yml"
    )
    parser.add_argument(
        "-o",
        "--override",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="override keys of the configuration: -o train.epochs=2 seed=1",
    )
    if weights:
        parser.add_argument("--weights", metavar="PATH", help="checkpoint; short for -o weights=PATH")
    parser.add_argument("--print-config", action="store_true", help="print the complete configuration and exit")


def open_config(args, default_kit):
    """Loads and checks the configuration of `-c` and `-o`; None after `--print-config` has printed it."""
    from common.config import load_config

    overrides = [*args.override]
    if getattr(args, "weights", None):
        overrides.append(f"weights={args.weights}")
    config = load_config(args.config, overrides, default_kit=default_kit)
    config.check()
    if args.print_config:
        sys.stdout.write(config.dump())
        return None
    return config
