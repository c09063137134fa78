"""The options of a server, of `tools/serve.py` and of `hub serving start`, and their ranges."""

from common.errors import ConfigError

RANGES = {
    "port": (0, 65535),
    "workers": (1, 64),
    "max_batch": (1, 256),
    "max_wait_ms": (0, 10_000),
    "queue": (1, 100_000),
    "deadline": (0.1, 3600),
    "threads": (0, 1024),
    "keep_versions": (1, 16),
    "watch": (0, 3600),
    "connections": (1, 100_000),
    "connections_per_client": (1, 100_000),
}


def add_server_options(parser):
    """Adds where a server listens, its processes, batches and limits to a parser."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="where to listen (default 127.0.0.1: this machine alone)")
    add("-p", "--port", type=int, default=8866, help="where to listen (default 8866; 0 for a free one)")
    add("--workers", type=int, default=1, help="processes for each model (default 1)")
    add("--threads", type=int, default=0, help="threads of the math library in each (default: chosen for the machine)")
    add("--max-batch", type=int, default=8, help="samples run together (default 8)")
    add("--max-wait-ms", type=float, default=5, help="how long a sample waits for others (default 5)")
    add("--queue", type=int, default=64, help="samples that may wait; more are answered with 503 (default 64)")
    add("--deadline", type=float, default=30, help="seconds after which a request is answered with 504 (default 30)")
    add("--keep-versions", type=int, default=1, help="newest versions that stay loaded (default 1)")
    add("--watch", type=float, default=2, help="seconds between looks for published versions (default 2; 0: never)")
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


def check_ranges(args):
    """Refuses options out of their ranges; raises ConfigError."""
    for name, (low, high) in RANGES.items():
        if not low <= getattr(args, name) <= high:
            option = "--" + name.replace("_", "-")
            raise ConfigError(f"{option} is {getattr(args, name):g}; allowed: {low:g} to {high:g}")
