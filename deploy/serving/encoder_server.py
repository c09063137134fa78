"""Runs the encoder service: vectors of texts and of their tokens over HTTP, and over ZeroMQ in frames.

A model is what PaddleNLP/tools/export_encoder.py wrote, or what that takes: a checkpoint, a configuration, or a folder
with vocab.txt and weights; it is then exported once, with the layers that --layer names. The first layer is that of
requests that name none.  /openapi.json and the other addresses are those of tools/serve.py; KIT_API_KEY asks for a key.
"""

import argparse
import atexit
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError, EnvironmentProblem, KitError  # noqa: E402
from common.log import logger  # noqa: E402
from deploy.serving.command import refuse_lacking, serve_models  # noqa: E402
from deploy.serving.options import add_server_options, check_ranges  # noqa: E402

EXAMPLES = """examples:
  python deploy/serving/encoder_server.py --model output/ernie_chnsenticorp/best --port 8888 --layer pooler
  python deploy/serving/encoder_server.py --model PaddleNLP/configs/minilm_sentence.yml --layer embedding --layer tokens
  curl -d '{"texts": ["hello"]}' -H "Content-Type: application/json" http://127.0.0.1:8888/v1/models/minilm_sentence:encode
"""
EXPORTER = "PaddleNLP/tools/export_encoder.py"
DEFAULTS = {"port": 8888, "max_batch": 64, "max_wait_ms": 2, "queue": 4096}


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="encoder_server.py", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    options.add_argument(
        "--model", action="append", required=True, metavar="[NAME=]PLACE", help="export, or what is exported"
    )
    options.add_argument(
        "--layer", action="append", metavar="NAME",
        help="pooler, cls, mean, max or tokens, with :N for another layer than the last; or the scores of a classifier "
        "(default pooler); may be repeated",
    )  # fmt: skip
    options.add_argument("--max-length", type=int, metavar="T", help="pieces of a text at most (that of the model)")
    options.add_argument(
        "--binary-port",
        type=int,
        metavar="PORT",
        help="of binary requests over ZeroMQ; 0 for a free one (default none)",
    )
    add_server_options(options)
    options.set_defaults(**DEFAULTS)
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), serve, argv)


def serve(args):
    """Runs the command."""
    check_ranges(args)
    if args.binary_port is not None and not 0 <= args.binary_port <= 65535:
        raise ConfigError(f"--binary-port is {args.binary_port}; allowed: 0 to 65535")
    refuse_lacking()
    if args.binary_port is not None and importlib.util.find_spec("zmq") is None:
        raise EnvironmentProblem("--binary-port needs the package pyzmq, which is not installed: pip install pyzmq")
    from deploy.serving.encoder_app import EncoderServer
    from deploy.serving.models import name_models

    scratch = pathlib.Path(tempfile.mkdtemp(prefix="kit-encoder-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    return serve_models(args, name_models([exported(text, args, scratch) for text in args.model]), kind=EncoderServer)


def exported(argument, args, scratch):
    """A `--model` argument with an export in the place of what it names, exported now where it is not one.

    Args:
        argument (str): [NAME=]PLACE.
        args (Namespace): `layer`, `max_length`.
        scratch (Path): to write to.

    Raises:
        KitError: it cannot be exported, as the exporter has reported.
    """
    name, equals, place = argument.partition("=") if "=" in argument else ("", "", argument)
    folder = pathlib.Path(place)
    numbered = folder.is_dir() and any((path / "infer.yml").is_file() for path in folder.iterdir() if path.is_dir())
    if (folder / "infer.yml").is_file() or (numbered and not (folder / "config.yml").is_file()):
        if args.layer or args.max_length:
            logger.warning("--layer and --max-length are those of the export %s; what is given here is not used", place)
        return argument
    out = scratch / (name or f"model{len(list(scratch.iterdir()))}")
    layers = [word for layer in args.layer or ["pooler"] for word in ("--layer", layer)]
    length = ["--max-length", str(args.max_length)] if args.max_length else []
    logger.info("%s is exported, with %s", place, ", ".join(args.layer or ["pooler"]))
    command = [sys.executable, ROOT / EXPORTER, "--model", place, "--out", out, *layers, *length]
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if done.returncode:
        error = KitError(f"--model {argument}: not exported, see above")
        error.exit_code = done.returncode
        raise error
    return f"{name}{equals}{out}"


if __name__ == "__main__":
    main()
