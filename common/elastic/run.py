"""Starts a run of several processes from its configuration, as `tools/elastic.py up` does."""

import json
import time
from pathlib import Path

from common.elastic.settings import build_optimizers, check_elastic
from common.elastic.supervisor import Supervisor, remove_run
from common.errors import ConfigError, EnvironmentProblem
from common.log import logger
from common.optim.row_rules import row_rule
from common.system import runtime
from common.training.options import RunOptions
from common.training.preflight import prepare_training, require_section
from common.weights.run_folder import lock_run_folder
from common.weights.safetensors import write_atomically

STALE = 30.0  # seconds after which a status is of a run that is gone


def prepare_elastic(config, overwrite=False):
    """Checks everything that can be checked before a process is started, and writes the configuration for them.

    Args:
        config (Config): checked.
        overwrite (bool): remove an earlier run first.

    Returns:
        tuple[Path, dict]: the configuration that the members read, and what the shards hold.

    Raises:
        ConfigError: a setting means nothing here, or the model does not name what it looks up.
    """
    runtime.prepare(load=False)
    from common.elastic.model import RemoteModel

    check_elastic(config)
    require_section(config, "data.metric", "elastic training")
    prepared = prepare_training(config, RunOptions(overwrite=overwrite))
    row_rule(build_optimizers(config).sparse)
    if not hasattr(prepared.train, "iterate"):
        kind = type(prepared.train).__name__
        raise ConfigError(f"{config.place('data.train')}: {kind} is no stream of rows, which elastic training needs")
    tables = RemoteModel(config, prepared.train).tables()
    if overwrite:
        remove_run(config.run_folder)
    path = Path(config.run_folder).resolve() / "elastic" / "config.yml"
    write_atomically(path, [config.dump().encode()])
    return path, tables


def run_elastic(config, make_cluster, workers=None, shards=None, overwrite=False):
    """Trains by several processes until the stream ends or the run is stopped. Returns the reason (str).

    Args:
        config (Config): checked.
        make_cluster (Callable): from the folder of the run to a cluster, see `common.elastic.cluster`.
        workers (int): those of the configuration when None.
        shards (int): those of the configuration when None.
        overwrite (bool): remove an earlier run first; else it is resumed.
    """
    settings, folder = config.settings("elastic"), Path(config.run_folder).resolve()
    with lock_run_folder(folder):
        path, tables = prepare_elastic(config, overwrite)
        from common.system.signals import GracefulStop

        cluster = make_cluster(folder)
        counts = workers or settings.workers, shards or settings.shards
        supervisor = Supervisor(config, path, tables, cluster, *counts)
        with GracefulStop() as stop:
            supervisor.should_stop = lambda: stop.requested
            reason = supervisor.run()
    logger.info("%s: %s", folder, reason)
    return reason


def read_status(folder):
    """The status of a run (dict), as its supervisor wrote it last; `state` is `gone` if it has not for some time.

    Raises:
        EnvironmentProblem: no run of several processes was started in this folder.
    """
    file = Path(folder) / "elastic" / "status.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise EnvironmentProblem(f"{file}: {error.strerror}; is a run up here?") from None
    except ValueError as error:
        raise EnvironmentProblem(f"{file}: is not JSON ({error}); is a run up here?") from None
    if found["state"] == "running" and time.time() - found["time"] > STALE:
        found["state"] = "gone"
    return found


def wish(folder, **wishes):
    """Asks the supervisor of a run for something: `workers`, `shards`, or `stop`.

    Raises:
        EnvironmentProblem: no run is up in this folder.
    """
    state = read_status(folder)["state"]
    if state != "running":
        raise EnvironmentProblem(f"{folder}: no run is up; the last one {'ended' if state == 'ended' else 'is gone'}")
    write_atomically(Path(folder) / "elastic" / "wanted.json", [json.dumps(wishes).encode()])
