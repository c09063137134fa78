"""Benchmark of look-ups of published rows: ours in Python and C++ against Redis on a Unix socket and LMDB.

    python benchmarks/lookups.py --python PEERS/bin/python --redis redis-server    # there: pip install lmdb redis
    python benchmarks/lookups.py --keys 10000000 --only ours lmdb

A request is 26 keys of 64 bits, 2 % of them unknown, and gets 26 rows of 16 numbers; requests come one by one, or 1,000
together.  What counts is requests per second of CPU, of the client and of the server together, the best of some rounds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parents[1])
sys.path.insert(1, str(Path(__file__).resolve().parent))

from measure import finish, run_program, table  # noqa: E402

FIELDS, WIDTH, REQUESTS, TOGETHER = 26, 16, 3000, 1000
PUT = 20_000  # rows at a time
STORES = ("ours", "lmdb", "redis")


def main():
    """Runs the stores in turn, each in a process of its own; a child of it runs one."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--keys", type=lambda text: int(float(text)), default=1_000_000, help="rows (default 1,000,000)"
    )
    options.add_argument("--only", nargs="+", choices=STORES, default=STORES, help="some of the stores")
    options.add_argument("--python", default=sys.executable, help="that has the packages lmdb and redis")
    options.add_argument("--redis", default="redis-server", help="the server's program (default redis-server)")
    options.add_argument("--rounds", type=int, default=3, help="rounds, of which the best counts (default 3)")
    options.add_argument("--json", help="write the ratios to a file")
    options.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.child:
        print(json.dumps(measured(*args.child, args)))
        return
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for store in args.only:
            words = ["--keys", str(args.keys), "--rounds", str(args.rounds), "--redis", args.redis]
            python = sys.executable if store == "ours" else args.python
            found[store] = run_program(
                python, __file__, *words, "--child", store, folder, OMP_NUM_THREADS="1", KIT_NO_VENV="1"
            )
        if "ours" in found:
            found |= in_cpp(Path(folder))
    columns = ("one", "together", "megabytes", "open_ms", "build_s")
    rows = [[store, *(answer.get(name, "") for name in columns)] for store, answer in found.items()]
    names = ["", "one by one", f"{TOGETHER} together", "MB", "open, ms", "build, CPU s"]
    table(f"requests per CPU second, {args.keys:,} keys", names, rows)
    ratios = {
        f"requests {what}: ours / redis": (found["ours"][what] / found["redis"][what], ">=", goal)
        for what, goal in {"one": 3, "together": 10}.items()
        if {"ours", "redis"} <= set(found)
    }
    finish(ratios, args.json)


def requests(count):
    """(keys uint64 [R], rows float32 [R, 16] that follow from them, asked uint64 [3000, 26], wanted [3000, 26, 16])."""
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 2**64, count, dtype=np.uint64)
    asked = keys[(count * rng.random((REQUESTS, FIELDS)) ** 2).astype(np.int64)]  # some often, most rarely
    unknown = rng.random((REQUESTS, FIELDS)) < 0.02
    asked[unknown] += np.uint64(1)
    return keys, rows_of(keys), asked, np.where(unknown[..., None], 0, rows_of(asked))


def rows_of(keys):
    """Rows float32 [..., 16] that follow from their keys."""
    return np.repeat((keys & np.uint64(0xFFFF)).astype(np.float32)[..., None], WIDTH, -1)


def measured(name, folder, args):
    """The figures of a store (dict)."""
    keys, rows, asked, wanted = requests(args.keys)
    store = {"ours": Ours, "lmdb": Lmdb, "redis": Redis}[name](Path(folder), args)
    try:
        began = store.cpu()
        store.build(keys, rows)
        built = store.cpu() - began
        began = time.perf_counter()
        store.open()
        opened = time.perf_counter() - began
        for place in range(50):
            assert np.array_equal(store.get(asked[place]), wanted[place])
        many = asked[:TOGETHER].reshape(-1)
        assert np.array_equal(store.get(many), wanted[:TOGETHER].reshape(-1, WIDTH))
        one = max(rate(store, asked) for _ in range(args.rounds))
        together = max(rate(store, [many] * 3) * TOGETHER for _ in range(args.rounds))
        return {
            "one": round(one),
            "together": round(together),
            "megabytes": round(store.size() / 1e6),
            "open_ms": round(1000 * opened, 2),
            "build_s": round(built, 1),
        }
    finally:
        store.close()


def rate(store, batches):
    """Batches for a second of CPU of client and server."""
    began = store.cpu()
    for keys in batches:
        store.get(keys)
    return len(batches) / (store.cpu() - began)


class Store:
    """What is measured: `build`, `open`, `get` (rows float32 [..., 16] of keys uint64), `size` in bytes.

    Args:
        folder (Path): for its files.
        args (Namespace): of the command line.
    """

    def __init__(self, folder, args):
        self.folder, self.args = folder, args

    def cpu(self):
        """Seconds of CPU of all processes so far."""
        return time.process_time()

    def close(self):
        """Ends what it has started."""


class Ours(Store):
    """Rows by keys in a file that is mapped."""

    def build(self, keys, rows):
        """Writes the file, and the keys for the program in C++."""
        from common.table.keyed_rows import write_keyed_rows

        write_keyed_rows(self.folder / "ours.rows", [(keys, rows)])
        np.save(self.folder / "asked.npy", requests(len(keys))[2].reshape(-1).view(np.int64))

    def open(self):
        """Maps it."""
        from common.table.keyed_rows import KeyedRows

        self.table = KeyedRows(self.folder / "ours.rows")
        self.get = self.table.look_up

    def size(self):
        """Of the file."""
        return (self.folder / "ours.rows").stat().st_size


class Lmdb(Store):
    """LMDB, read-only and without its lock."""

    def build(self, keys, rows):
        """Writes it in the order of the keys, the fastest way."""
        import lmdb

        found = lmdb.open(str(self.folder / "lmdb"), map_size=4 << 30, subdir=False, writemap=True, sync=False)
        order = np.argsort(keys)
        with found.begin(write=True) as transaction:
            for places in np.split(order, range(PUT, len(order), PUT)):
                names, values = keys[places].astype(">u8").tobytes(), rows[places].tobytes()
                pairs = ((names[8 * i : 8 * i + 8], values[64 * i : 64 * i + 64]) for i in range(len(places)))
                transaction.cursor().putmulti(pairs, append=True)
        found.sync(True)
        found.close()

    def open(self):
        """Opens it."""
        import lmdb

        path = str(self.folder / "lmdb")
        self.store = lmdb.open(path, readonly=True, subdir=False, lock=False, readahead=False)

    def get(self, keys):
        """In one transaction."""
        zero, names = bytes(4 * WIDTH), keys.astype(">u8").tobytes()
        with self.store.begin(buffers=True) as transaction:
            found = [transaction.get(names[i : i + 8], zero) for i in range(0, len(names), 8)]
            return np.frombuffer(b"".join(found), np.float32).reshape(*keys.shape, WIDTH)

    def size(self):
        """Of the file."""
        return (self.folder / "lmdb").stat().st_blocks * 512


class Redis(Store):
    """A server on a Unix socket that writes nothing to disk."""

    process = None

    def build(self, keys, rows):
        """Starts it and sets the rows."""
        import redis

        program, socket = shutil.which(self.args.redis), self.folder / "redis.sock"
        if program is None:
            sys.exit(f"--redis {self.args.redis}: there is no such program")
        options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, cwd=self.folder)
        while not socket.exists():
            time.sleep(0.05)
        self.client = redis.Redis(unix_socket_path=str(socket))
        for begin in range(0, len(keys), PUT):
            names, values = keys[begin : begin + PUT].tobytes(), rows[begin : begin + PUT].tobytes()
            pairs = {names[8 * i : 8 * i + 8]: values[64 * i : 64 * i + 64] for i in range(len(names) // 8)}
            self.client.mset(pairs)

    def open(self):
        """Asks it once."""
        self.client.ping()

    def get(self, keys):
        """By one MGET."""
        zero, names = bytes(4 * WIDTH), keys.tobytes()
        found = self.client.mget([names[i : i + 8] for i in range(0, len(names), 8)])
        return np.frombuffer(b"".join([row or zero for row in found]), np.float32).reshape(*keys.shape, WIDTH)

    def size(self):
        """Of its memory."""
        return self.client.info("memory")["used_memory"]

    def cpu(self):
        """Of client and server."""
        used = 0.0
        if self.process is not None:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return time.process_time() + used

    def close(self):
        """Ends the server."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


def in_cpp(folder):
    """The figures of the C++ library, if it was built: {"ours, C++": dict}."""
    program = Path(__file__).resolve().parents[1] / "deploy/cpp/build/kit_rows"
    if not program.is_file():
        print("deploy/cpp is not built (make cpp), its row is left out")
        return {}
    found = {}
    for what, batch in (("one", FIELDS), ("together", FIELDS * TOGETHER)):
        words = [program, folder / "ours.rows", folder / "asked.npy", "-", str(batch), "1"]
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
        found[what] = round(float(done.stdout) * batch / FIELDS)
    return {"ours, C++": found}


if __name__ == "__main__":
    main()
