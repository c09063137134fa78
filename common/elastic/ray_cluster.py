"""The members of a run as actors of Ray (https://docs.ray.io), on this machine or on a cluster that is there.

Locally everything listens on 127.0.0.1 alone: `RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0`, set before `import ray`, is the
setting of Ray 2.60 that does it; `_node_ip_address` does not.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

from common.errors import EnvironmentProblem
from common.interpreter import ROOT
from common.log import logger, set_up_logging

STARTED = "started as process"  # the first line of an actor's log
LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
INLINE = 4 << 20  # bytes of a message that travels without the object store, which is slower below that
STORE = 100 << 20  # bytes of the object store
SETTINGS = {
    "RAY_worker_niceness": "0",  # else actors yield to every other program of the machine
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_max_direct_call_object_size": str(INLINE),
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
ROLES = {"make_worker": "trainer", "make_shard": "shard"}  # resources of a cluster's nodes that take these


def check_ray():
    """Raises EnvironmentProblem if Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise EnvironmentProblem(
            'tools/elastic.py up needs Ray, which is not installed\n  fix: pip install "ray[default]==2.60.0"'
        )


class Host:
    """An actor: builds a member in its process, and passes calls on to it.

    Args:
        make (Callable): of `common.elastic.members`.
        arguments (tuple): of `make`.
        log (str): file of its log lines.
    """

    def __init__(self, make, arguments, log):
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        sys.stderr = open(log, "a", buffering=1, encoding="utf-8")  # noqa: SIM115  for as long as the process lives
        set_up_logging(prefix=f"{Path(log).stem} ")
        logger.info("%s %d", STARTED, os.getpid())
        self.thing = make(*arguments)

    def call(self, name, *arguments):
        """Calls a method of the member."""
        return getattr(self.thing, name)(*arguments)


class Method:
    """A method of an actor's member; `remote` sends the call."""

    def __init__(self, actor, name):
        self.actor, self.name = actor, name

    def remote(self, *arguments):
        """Sends the call; returns Ray's reference to its answer."""
        return self.actor.call.remote(self.name, *arguments)


class ActorMember:
    """A member that is an actor.

    Args:
        actor (ActorHandle): of a :class:`Host`.
    """

    def __init__(self, actor):
        self.actor = actor

    def __getattr__(self, name):
        if name.startswith("_") or name == "actor":
            raise AttributeError(name)
        return Method(self.actor, name)


class RayCluster:
    """Starts, calls and ends actors; see :class:`common.elastic.cluster.InOneProcess`.

    Args:
        folder (str | Path): of the run; logs go to `elastic/logs` in it.
        address (str | None): of a cluster that is there, such as `auto`; None for processes on this machine.
    """

    pause = 0.2

    def __init__(self, folder, address=None):
        check_ray()
        self.folder, self.is_local, self.scratch = str(folder), address is None, None
        os.environ.update({name: value for name, value in SETTINGS.items() if name not in os.environ})
        os.environ["PYTHONPATH"] = os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
        for name in ("KIT_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(name, "1")
        options = {"logging_level": "ERROR", "log_to_driver": False, "include_dashboard": False}
        if self.is_local:
            if "ray" in sys.modules and os.environ.get(LOOPBACK) != "0":
                raise EnvironmentProblem(
                    f"Ray was imported before {LOOPBACK}=0 was set: it would listen on all addresses"
                )
            os.environ[LOOPBACK] = "0"
            self.scratch = tempfile.mkdtemp(prefix="kit-ray-")
            options |= {"num_cpus": 1, "object_store_memory": STORE, "_temp_dir": self.scratch}
        else:
            options = {"logging_level": "ERROR", "log_to_driver": False, "address": address}
        import ray

        ray.init(**options)

    def start(self, make, *arguments):
        """A new actor; it is started again whenever it dies."""
        import ray

        kind, number = make.__name__.removeprefix("make_"), next((x for x in arguments if isinstance(x, int)), None)
        numbered = kind in ("worker", "shard")
        log = Path(self.folder) / "elastic" / "logs" / (f"{kind}-{number}.txt" if numbered else f"{kind}.txt")
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": 0}
        if not self.is_local and make.__name__ in ROLES:
            options["resources"] = {ROLES[make.__name__]: 1}
        return ActorMember(ray.remote(**options)(Host).remote(make, arguments, str(log)))

    def stop(self, member):
        """Ends an actor."""
        import ray

        ray.kill(member.actor)

    def get(self, answers):
        """The values of a reference, or of a list of them; raises what the member raised."""
        import ray

        try:
            return ray.get(answers)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None

    def is_lost(self, error):
        """True for the error of a process that is gone."""
        import ray

        return isinstance(error, ray.exceptions.RayError) and not isinstance(error, ray.exceptions.RayTaskError)

    def ready(self, answer):
        """True if an answer is there."""
        import ray

        return bool(ray.wait([answer], timeout=0)[0])

    def work(self, worker):
        """Lets a worker begin."""
        return worker.work.remote()

    def close(self):
        """Ends all actors, and Ray itself where it was started here."""
        import ray

        ray.shutdown()
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)
