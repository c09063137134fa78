"""`tools/serve.py`: predictions of exported models over HTTP.

A model is the folder that `export` wrote, or a folder of versions (`yolov3/1`, `yolov3/2`); where a link `current`
leads to one of them, it is followed.  A page at / tries them; /openapi.json describes the requests.  SIGTERM answers
what was requested and ends; SIGHUP loads new versions.  With KIT_API_KEY in the environment, requests must carry that
key.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import importlib.util
import os
import signal
import socket

from common.commands.main import run_command
from common.commands.parser import Parser
from common.errors import ConfigError, EnvironmentProblem
from common.log import logger
from deploy.serving.options import add_server_options, check_ranges

EXAMPLES = """examples:
  python tools/serve.py --model output/yolov3/export
  python tools/serve.py --model digits=output/digits/export --model output/yolov3/export --port 8866 --max-batch 16
  curl --data-binary @street.jpg -H "Content-Type: image/jpeg" http://127.0.0.1:8866/v1/models/yolov3:predict
"""
NEEDED = {"starlette": "starlette", "uvicorn": "uvicorn", "prometheus_client": "prometheus-client"}
NEEDED |= {"python_multipart": "python-multipart"}


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="serve.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--model", action="append", required=True, metavar="[NAME=]DIR", help="an exported model, or its versions"
    )
    add_server_options(options)
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), serve, argv)


def serve(args):
    """Runs the command."""
    check_ranges(args)
    refuse_lacking()
    from deploy.serving.models import name_models

    return serve_models(args, name_models(args.model))


def serve_models(args, folders, batches=None, started=None):
    """Serves models until a signal ends it; returns 0.

    Args:
        args (Namespace): of :func:`deploy.serving.options.add_server_options`.
        folders (dict[str, Path]): name -> the export, or the folder of its versions.
        batches (dict[str, int] | None): name -> samples run together, where it is not `args.max_batch`.
        started (Callable | None): called with the port once every model is loaded.

    Raises:
        KitError: an option is out of its range, a package is missing, the port is taken, or a model cannot be loaded.
    """
    check_ranges(args)
    key = os.environ.get("KIT_API_KEY", "")
    if "KIT_API_KEY" in os.environ and not (key.isascii() and key.isprintable() and len(key.split()) == 1):
        raise ConfigError("KIT_API_KEY is set, but is no word of printable ASCII; unset it to ask for no key")
    refuse_lacking()
    from common.system import runtime

    if not args.threads and "KIT_THREADS" not in os.environ:
        args.threads = max(1, runtime.usable_cores() // args.workers)
    with listening(args.host, args.port) as listener:
        if not key and not listener.getsockname()[0].startswith("127."):
            logger.warning("%s can be reached from other machines and KIT_API_KEY is not set", args.host)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serving(args, models_of(args, folders, batches or {}), listener, key, started))
    return 0


def models_of(args, folders, batches):
    """The models that are served, not loaded yet: (models by name, their metrics, their settings)."""
    from deploy.serving.metrics import Metrics
    from deploy.serving.models import Model, Settings

    settings = Settings(
        **{name: getattr(args, name) for name in ("workers", "threads", "max_batch", "queue", "deadline")},
        max_wait=args.max_wait_ms / 1000,
        keep=args.keep_versions,
    )
    models = {}
    metrics = Metrics(lambda: models)
    for name, folder in folders.items():
        own = dataclasses.replace(settings, max_batch=batches.get(name, settings.max_batch))
        models[name] = Model(name, folder, own, metrics)
    return models, metrics, settings


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


async def serving(args, loaded, listener, key, started=None):
    """Loads the models, answers until a signal, answers what is still asked, and ends."""
    import uvicorn

    from deploy.serving.app import Server
    from deploy.serving.connections import protocol
    from deploy.serving.hosts import Hosts
    from deploy.serving.models import follow, reload

    models, metrics, settings = loaded
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
        if args.watch:
            tasks.add(loop.create_task(follow(models, args.watch)))
        host, port = listener.getsockname()[:2]
        listed = ", ".join(f"{model.name} (version {model.newest.version})" for model in models.values())
        logger.info("serving %s at http://%s:%d", listed, f"[{host}]" if ":" in host else host, port)
        if started:
            started(port)
        http.capture_signals = contextlib.nullcontext  # an orderly end has the exit code 0
        await http.serve(sockets=[listener])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*(model.close() for model in models.values()))
    logger.info("all that was asked is answered")
