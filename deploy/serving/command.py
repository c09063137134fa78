"""`tools/serve.py`: predictions of exported models over HTTP.

A model is the folder that `export` wrote, or a folder of versions (`yolov3/1`, `yolov3/2`).  A page at / tries them;
/openapi.json describes the requests.  SIGTERM answers what was requested and ends; SIGHUP loads new versions.  With
KIT_API_KEY in the environment, requests must carry that key.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import os
import signal
import socket

from common.commands.main import run_command
from common.commands.parser import Parser
from common.errors import ConfigError, EnvironmentProblem
from common.log import logger

EXAMPLES = """examples:
  python tools/serve.py --model output/yolov3/export
  python tools/serve.py --model digits=output/digits/export --model output/yolov3/export --port 8866 --max-batch 16
  curl --data-binary @street.jpg -H "Content-Type: image/jpeg" http://127.0.0.1:8866/v1/models/yolov3:predict
"""
NEEDED = {"starlette": "starlette", "uvicorn": "uvicorn", "prometheus_client": "prometheus-client"}
NEEDED |= {"python_multipart": "python-multipart"}
RANGES = {
    "port": (0, 65535),
    "workers": (1, 64),
    "max_batch": (1, 256),
    "max_wait_ms": (0, 10_000),
    "queue": (1, 100_000),
    "deadline": (0.1, 3600),
    "threads": (0, 1024),
    "keep_versions": (1, 16),
    "connections": (1, 100_000),
    "connections_per_client": (1, 100_000),
}


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="serve.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = options.add_argument
    add("--model", action="append", required=True, metavar="[NAME=]DIR", help="an exported model, or its versions")
    add("--host", default="127.0.0.1", help="where to listen (default 127.0.0.1: this machine alone)")
    add("--port", type=int, default=8866, help="where to listen (default 8866; 0 for a free one)")
    add("--workers", type=int, default=1, help="processes for each model (default 1)")
    add("--threads", type=int, default=0, help="threads of the math library in each (default: chosen for the machine)")
    add("--max-batch", type=int, default=8, help="samples run together (default 8)")
    add("--max-wait-ms", type=float, default=5, help="how long a sample waits for others (default 5)")
    add("--queue", type=int, default=64, help="samples that may wait; more are answered with 503 (default 64)")
    add("--deadline", type=float, default=30, help="seconds after which a request is answered with 504 (default 30)")
    add("--keep-versions", type=int, default=1, help="newest versions that stay loaded (default 1)")
    add(
        "--connections", type=int, default=1000, help="connections at a time; more are answered with 503 (default 1000)"
    )
    add(
        "--connections-per-client", type=int, default=200, help="those of one address; behind a proxy all (default 200)"
    )
    add(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that clients may call this server by, beside localhost, the address and the machine's name",
    )
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), serve, argv)


def serve(args):
    """Runs the command."""
    for name, (low, high) in RANGES.items():
        if not low <= getattr(args, name) <= high:
            option = "--" + name.replace("_", "-")
            raise ConfigError(f"{option} is {getattr(args, name):g}; allowed: {low:g} to {high:g}")
    key = os.environ.get("KIT_API_KEY", "")
    if "KIT_API_KEY" in os.environ and not (key.isascii() and key.isprintable() and len(key.split()) == 1):
        raise ConfigError("KIT_API_KEY is set, but is no word of printable ASCII; unset it to ask for no key")
    refuse_lacking()
    from common.system import runtime
    from deploy.serving.models import name_models

    folders = name_models(args.model)
    if not args.threads and "KIT_THREADS" not in os.environ:
        args.threads = max(1, runtime.usable_cores() // args.workers)
    with listening(args.host, args.port) as listener:
        if not key and not listener.getsockname()[0].startswith("127."):
            logger.warning("%s can be reached from other machines and KIT_API_KEY is not set", args.host)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serving(args, folders, listener, key))
    return 0


def loop_factory():
    """uvloop's event loop where it is installed, else None for Python's own."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    return uvloop.new_event_loop


def refuse_lacking():
    """Names what is not installed; raises EnvironmentProblem."""
    for module, package in NEEDED.items():
        if importlib.util.find_spec(module) is None:
            raise EnvironmentProblem(
                f"serving needs the package {package}, which is not installed: "
                "pip install -r deploy/serving/requirements.txt"
            )


def listening(host, port):
    """A socket on an address.

    Raises:
        EnvironmentProblem: it is in use (with the next one that is free), or is not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except (socket.gaierror, UnicodeError) as error:
        raise ConfigError(f"--host {host}: no such address") from error
    for offered in range(port, min(port + 100, 65536)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, offered))
            listener.listen(1024)
        except OSError as error:
            listener.close()
            if error.errno != 98:
                raise EnvironmentProblem(f"--host {host} --port {offered}: {error.strerror}") from error
            continue
        if offered == port:
            return listener
        listener.close()
        raise EnvironmentProblem(f"--port {port} is in use on {host}; free: --port {offered}")
    raise EnvironmentProblem(f"--port {port} is in use on {host}, and so are those after it")


async def serving(args, folders, listener, key):
    """Loads the models, answers until a signal, answers what is still asked, and ends."""
    import uvicorn

    from deploy.serving.app import Server
    from deploy.serving.connections import protocol
    from deploy.serving.hosts import Hosts
    from deploy.serving.metrics import Metrics
    from deploy.serving.models import Model, Settings, reload

    settings = Settings(
        **{name: getattr(args, name) for name in ("workers", "threads", "max_batch", "queue", "deadline")},
        max_wait=args.max_wait_ms / 1000,
        keep=args.keep_versions,
    )
    models = {}
    metrics = Metrics(lambda: models)
    models |= {name: Model(name, folder, settings, metrics) for name, folder in folders.items()}
    server = Server(models, metrics, settings)
    config = uvicorn.Config(
        server.application(key, Hosts([args.host, *args.allow_host])),
        http=protocol(args.connections, args.connections_per_client),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(args.deadline) + 5,
        ws="none",
    )
    http, loop, tasks = uvicorn.Server(config), asyncio.get_running_loop(), set()

    def again():
        task = loop.create_task(reload(models))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def end():
        server.closing = http.should_exit = True

    try:
        for model in models.values():
            await model.load()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, end)
        loop.add_signal_handler(signal.SIGHUP, again)
        host, port = listener.getsockname()[:2]
        listed = ", ".join(f"{model.name} (version {model.newest.version})" for model in models.values())
        logger.info("serving %s at http://%s:%d", listed, f"[{host}]" if ":" in host else host, port)
        http.capture_signals = contextlib.nullcontext  # an orderly end has the exit code 0
        await http.serve(sockets=[listener])
    finally:
        await asyncio.gather(*(model.close() for model in models.values()))
    logger.info("all that was asked is answered")
