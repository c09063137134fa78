"""How every command starts and ends: arguments, messages, exit codes."""

import sys
import traceback

from common.errors import EnvironmentProblem, KitError
from common.log import logger, set_up_logging

ENGINES = ("paddle", "onnxruntime", "openvino")


def run_command(parser, command, argv=None):
    """Parses the arguments, runs `command(args)`, and ends the process with its exit code.

    A user's mistake gets one message on standard error and no traceback (`--debug` shows it); a bug gets both.

    Args:
        parser (Parser): of the command; `--debug` is added to it.
        command (Callable): returns an exit code or None.
        argv (list[str]): the arguments; those of the process when None.
    """
    parser.add_argument("--debug", action="store_true", help="show the traceback of a refusal")
    args = parser.parse_args(argv)
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
    except (OSError, MemoryError) as error:  # that no closer place has explained
        if args.debug:
            traceback.print_exc()
        print_error(environment_error(error))
        code = EnvironmentProblem.exit_code
    sys.exit(code)


def environment_error(error):
    """What the machine refused, in words."""
    if isinstance(error, MemoryError):
        return EnvironmentProblem(
            "the memory does not suffice\n"
            "  fix: a smaller train.batch_size (train.accumulate keeps the total), smaller pictures, or fewer workers"
        )
    where = f"{error.filename}: " if error.filename else ""
    return EnvironmentProblem(f"{where}{error.strerror or error} (--debug shows where this happened)")


def print_error(error, most=12):
    """Writes an error's message to standard error, at most twelve lines."""
    lines = str(error).splitlines() or [type(error).__name__]
    if len(lines) > most:
        lines = [*lines[: most - 1], f"... and {len(lines) - most + 1} lines more (--debug shows all)"]
    if not lines[0].startswith(("error", "warning")):
        lines[0] = "error: " + lines[0]
    for handler in logger.handlers:
        handler.flush()
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()


def add_config_arguments(parser, required=True, weights=False):
    """`-c` and `-o`, as every command has them; `--weights` where a command takes a checkpoint."""
    parser.add_argument(
        "-c", "--config", required=required, metavar="FILE", help="the configuration, such as configs/yolov3.yml"
    )
    parser.add_argument(
        "-o",
        "--override",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="change keys of the configuration: -o train.epochs=2 seed=1",
    )
    if weights:
        parser.add_argument("--weights", metavar="PATH", help="a checkpoint; short for -o weights=PATH")
    parser.add_argument("--print-config", action="store_true", help="print the completed configuration and end")


def open_config(args, default_kit):
    """The checked configuration of `-c` and `-o`; None after `--print-config` has printed it."""
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
