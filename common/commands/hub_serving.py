"""`hub serving start|stop`: installed modules over HTTP, by the server of `deploy/serving`."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

from common.commands.hub_config import add_flag
from common.commands.hub_run import warn_of_gpu
from common.errors import ConfigError, EnvironmentProblem
from common.log import logger
from common.suggest import did_you_mean

KEYS = ("modules_info", "port", "use_gpu", "use_multiprocess", "workers", "host")  # of config.json
MODULE_KEYS = ("module", "version", "batch_size", "init_args", "predict_args")
MOST_WORKERS = 4  # processes for each module with --use_multiprocess
STOP_SECONDS = 60


def add_serving(parser):
    """Adds the arguments of `serving` to its parser."""
    from deploy.serving.options import add_server_options

    parser.add_argument("action", choices=("start", "stop"), help="start, or stop the server on --port")
    parser.add_argument("-m", "--modules", nargs="+", default=[], metavar="NAME", help="NAME or NAME==VERSION")
    parser.add_argument("-c", "--config", metavar="FILE", help="config.json with modules_info, port, ...")
    add_flag(parser, "--use_multiprocess", f"up to {MOST_WORKERS} processes for each module")
    add_flag(parser, "--use_gpu", "accepted; exported models predict on the CPU")
    add_server_options(parser)


def run_serving(args, options):
    """Starts a server and stays until it ends, or stops the one on a port."""
    return {"start": start, "stop": stop}[args.action](args)


def start(args):
    """Serves modules until a signal ends it, or `hub serving stop`.

    Raises:
        ConfigError: no module is given, or one that is not installed; config.json is wrong.
    """
    if args.config:
        read_serving_config(Path(args.config), args)
    if not args.modules:
        raise ConfigError("which modules? hub serving start -m NAME [NAME ...], or -c config.json")
    folders, batches = served_modules(args.modules)
    warn_of_gpu(args)
    from common.system import runtime
    from deploy.serving.command import serve_models

    if args.use_multiprocess and args.workers == 1:
        args.workers = max(1, min(MOST_WORKERS, runtime.usable_cores()))
    with contextlib.ExitStack() as ended:

        def started(port):
            ended.callback(pid_file(port).unlink, missing_ok=True)
            write_pid(port, sorted(folders))

        return serve_models(args, folders, batches, started)


def served_modules(modules):
    """The modules as the server takes them: ({name: folder}, {name: samples run together}).

    Without a version the folder of all versions is served, of which the newest is loaded, and a newer one by `:reload`.
    A module that is called by another name that people know is served by that name.

    Args:
        modules (list[str | tuple[str, int | None]]): `NAME` or `NAME==VERSION`, perhaps with a batch size.

    Raises:
        ConfigError: one is not installed, or is given twice.
    """
    from common.hub.catalog import ALIASES
    from common.hub.home import Home, split_reference

    folders, batches = {}, {}
    for item in modules:
        reference, batch = item if isinstance(item, tuple) else (item, None)
        name, version = split_reference(reference)
        if name in folders:
            raise ConfigError(f"{reference}: {name} is given twice; a server has one version of a module")
        ours = ALIASES.get(name, name)
        folder = Home().find(f"{ours}=={version}" if version else ours)
        folders[name] = folder if version else folder.parent
        batches |= {name: batch} if batch else {}
    return folders, batches


def read_serving_config(path, args):
    """Puts what a config.json says into the arguments; options of the command line come first.

    Two forms of `modules_info` are read: a list of {module, version, batch_size}, and an object of name -> {init_args:
    {version}, predict_args: {batch_size}}.

    Raises:
        ConfigError: it cannot be read, or has another key or kind of value; names it.
    """
    from common.files import parse_json
    from common.regular import check_regular

    try:
        check_regular(path)
        found = parse_json(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: an object with modules_info, port, use_gpu, use_multiprocess is wanted")
    check_keys(path, found, KEYS)
    kinds = {"port": int, "workers": int, "host": str, "use_gpu": bool, "use_multiprocess": bool}
    defaults = {"port": 8866, "workers": 1, "host": "127.0.0.1", "use_gpu": False, "use_multiprocess": False}
    for key, kind in kinds.items():
        if key in found:
            if type(found[key]) is not kind:
                raise ConfigError(f"{path}: {key} is {json.dumps(found[key])}; it takes {KIND_NAMES[kind]}")
            if getattr(args, key) == defaults[key]:
                setattr(args, key, found[key])
    args.modules = args.modules or list(modules_of(path, found.get("modules_info")))


KIND_NAMES = {int: "a whole number", str: "a text", bool: "true or false"}


def modules_of(path, modules):
    """(reference, batch size or None) of each module of `modules_info`; raises ConfigError."""
    if isinstance(modules, dict):
        modules = [{"module": name, **(value if isinstance(value, dict) else {"": value})}
                   for name, value in modules.items()]  # fmt: skip
    if not isinstance(modules, list) or not modules:
        raise ConfigError(f'{path}: modules_info is a list such as [{{"module": "lac", "version": "2.1.2"}}]')
    for number, entry in enumerate(modules, 1):
        place = f"{path}: modules_info, entry {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("module"), str):
            raise ConfigError(f"{place}: 'module', the name, is missing")
        check_keys(place, entry, MODULE_KEYS)
        flat = dict(entry)
        for key in ("init_args", "predict_args"):
            if not isinstance(entry.get(key, {}), dict):
                raise ConfigError(f"{place}: {key} is an object, not {json.dumps(entry[key])[:80]}")
            flat |= entry.get(key, {})
        version, batch = flat.get("version"), flat.get("batch_size")
        if not isinstance(version, str | None):
            raise ConfigError(f"{place}: version is a text such as '1.0.0', not {json.dumps(version)}")
        if batch is not None and (type(batch) is not int or not 1 <= batch <= 256):
            raise ConfigError(f"{place}: batch_size is {json.dumps(batch)}; allowed: 1 to 256")
        yield f"{entry['module']}=={version}" if version else entry["module"], batch


def check_keys(place, given, known):
    """Refuses keys that are not known; raises ConfigError."""
    for key in given:
        if key not in known:
            raise ConfigError(f"{place}: '{key}' is not a key of it{did_you_mean(key, known)}")


def pid_file(port):
    """The file that names the process of the server on a port (Path)."""
    from common.hub.home import Home

    return Home().root / "conf" / f"serving_{port}.json"


def write_pid(port, modules):
    """Writes the file of this process, with its start so that another process of the number is not taken for it."""
    path = pid_file(port)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"pid": os.getpid(), "port": port, "start": start_of(os.getpid()), "modules": modules}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content) + "\n", encoding="utf-8")
    draft.replace(path)


def start_of(pid):
    """When a process started, in clock ticks after the machine did (int); None where there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def stop(args):
    """Stops the server that `hub serving start` started on a port: it answers what was asked, then ends.

    Raises:
        ConfigError: there is no such server.
        EnvironmentProblem: it does not end.
    """
    path = pid_file(args.port)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        pid, began = found["pid"], found["start"]
    except FileNotFoundError:
        raise ConfigError(f"no server that 'hub serving start' started is on port {args.port}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EnvironmentProblem(f"{path}: damaged: {error}\n  fix: end the server by its process, delete it") from None
    if type(pid) is not int or pid < 2 or began is None or start_of(pid) != began:
        path.unlink(missing_ok=True)
        raise ConfigError(f"the server on port {args.port} has ended already, without removing {path}: removed now")
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while start_of(pid) == began:
        if time.monotonic() > end:
            raise EnvironmentProblem(f"the server on port {args.port}, process {pid}, answers still; look at its log")
        time.sleep(0.05)
    logger.info("the server on port %d has ended", args.port)
    return 0
