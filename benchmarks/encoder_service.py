"""Benchmark of the encoder service with 32 clients, against bert-as-service's core with the same encoder inside.

Both run at once and are asked in turn: requests of 1 and of 32 texts, each client the next as soon as it has the
vectors of the one before. Both have two workers of one thread. Texts have 3 to 48 words, most of them short.
Where other work runs on the machine, the CPU time of all processes of a server for a request is the better measure.

    pip install --target DIR --no-deps bert-serving-server==1.10.0 bert-serving-client==1.10.0 GPUtil termcolor pyzmq
    python benchmarks/encoder_service.py --packages DIR
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import measure
import numpy as np
import psutil

sys.path.insert(0, str(measure.REPOSITORY))

LAYER, WORDS = "mean", 8000
SIZES = {"small": (6, 384, 12), "base": (12, 768, 12)}  # layers, features, heads


def main():
    """Takes turns and prints the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="folder with bert-as-service and pyzmq")
    parser.add_argument("--encoder", choices=SIZES, default="small", help="6 layers of 384, or 12 of 768")
    parser.add_argument("--clients", type=int, default=32, help="that ask at a time (32)")
    parser.add_argument("--texts", type=int, nargs="+", default=[1, 32], help="of a request (1 32)")
    parser.add_argument("--seconds", type=float, default=8, help="of each measurement (8)")
    parser.add_argument("--rounds", type=int, default=3, help="of each (3)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    args = parser.parse_args()
    sys.path.append(str(args.packages))
    os.environ |= {"KIT_THREADS": "1", "OMP_NUM_THREADS": "1"}
    os.environ["PYTHONPATH"] = str(args.packages)
    results = {}
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        export = encoder(place, *SIZES[args.encoder])
        with Theirs(export, place) as theirs, Ours(export) as ours:
            compare(theirs, ours)
            clients = theirs.client, ours.by_zmq, ours.by_http
            for count in args.texts:
                found = {name: [] for name in ("bert-as-service", "ZeroMQ", "HTTP")}
                for _ in range(args.rounds):
                    for name, server, client in zip(found, (theirs, ours, ours), clients):
                        found[name].append(asked(server, client, count, args))
                rows = {name: [measure.median(column) for column in zip(*one)] for name, one in found.items()}
                title = f"requests of {count}, {args.clients} clients, encoder of {SIZES[args.encoder][:2]}"
                columns = ["", "requests/s", "p50 ms", "p99 ms", "server CPU ms"]
                measure.table(title, columns, [[name, *row] for name, row in rows.items()])
                aim, other = (2.5 if count == 1 else 1.0), rows["bert-as-service"]
                for name in ("ZeroMQ", "HTTP"):
                    what = f"encoder service, {name}, requests of {count}"
                    results[f"{what}: requests/s / bert-as-service"] = (rows[name][0] / other[0], ">=", aim)
                    results[f"{what}: CPU of bert-as-service / ours"] = (other[3] / rows[name][3], ">=", aim)
    return measure.finish(results, args.json)


def encoder(place, layers, features, heads):
    """Exports an encoder on random weights, with a vocabulary of made words beside it (Path)."""
    from common.build.model import build_model
    from common.config import load_config
    from common.export.example import example_inputs
    from common.export.write import export

    words = [f"w{number}" for number in range(WORDS)]
    (place / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words]) + "\n")
    (place / "eval.tsv").write_text("text_a\tlabel\nw1 w2\t0\nw3\t1\n")
    size = {"vocab_size": WORDS + 4, "hidden_size": features, "layers": layers, "heads": heads}
    data = {"type": "LabeledTexts", "root": str(place), "file": "eval.tsv"}
    pieces = {"type": "WordPiece", "vocab": str(place / "vocab.txt"), "max_length": 128}
    data["transforms"] = [pieces, {"type": "PadText"}]
    model = {"type": "SentenceEncoder", "encoder": {"type": "BERT", **size}}
    config = load_config({"kit": "PaddleNLP", "name": "model", "model": model, "data": {"eval": data}})
    config.check()
    outputs = config.namespace.resolve("EncoderOutputs")(build_model(config, ["0", "1"]), [LAYER])
    outputs.eval()
    export(outputs, config, ["0", "1"], example_inputs(outputs, config), place / "export")
    return place / "export"


class Theirs:
    """The server of bert-as-service while the block runs."""

    def __init__(self, export, vocabulary):
        self.ports = free_ports(2)
        script = measure.BENCHMARKS / "bert_serving_core.py"
        self.command = [sys.executable, script, export, vocabulary, *self.ports, 2, LAYER]
        self.sockets = tempfile.TemporaryDirectory(dir=vocabulary)

    def __enter__(self):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(word) for word in self.command], stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, "ZEROMQ_SOCK_TMP_DIR": self.sockets.name}, cwd=self.sockets.name, start_new_session=True,
        )  # fmt: skip
        for line in self.process.stdout:
            if line.startswith("ready"):
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return self
        self.log.seek(0)
        sys.exit(self.log.read()[-3000:])

    def __exit__(self, *_):
        os.killpg(self.process.pid, 9)
        self.process.wait()

    def client(self):
        """A function from texts to their vectors, on a connection of its own."""
        from bert_serving.client import BertClient

        client = BertClient(port=self.ports[0], port_out=self.ports[1], check_version=False, check_length=False)
        return client.encode


class Ours:
    """The encoder service while the block runs."""

    def __init__(self, export):
        self.export = export

    def __enter__(self):
        from tests.deploy.serving_process import Serving

        options = ["--workers", 2, "--binary-port", 0, "--deadline", 600]
        self.server = Serving([self.export], *options, command=("deploy/serving/encoder_server.py",))
        self.server.until(lambda: "tcp://" in self.server.said())
        self.process = self.server.process
        self.binary = f"tcp://{self.server.said().split('tcp://')[1].split()[0]}"
        return self

    def __exit__(self, *_):
        self.server.stop()

    def by_zmq(self):
        """A function from texts to their vectors by binary requests over ZeroMQ."""
        return self.client(self.binary)

    def by_http(self):
        """The same by frames over HTTP."""
        return self.client(self.server.url)

    def client(self, address):
        """A function from texts to their vectors, on a connection of its own."""
        from common.inference.encoder_client import EncoderClient

        return EncoderClient(address, model="model", connections=1, deadline=600, timeout=600).encode


def free_ports(count):
    """Ports that are free now (list of int)."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def texts_of(count, rng):
    """Texts of 3 to 48 words (list of str), half of them shorter than 12."""
    lengths = np.clip(np.exp(rng.normal(np.log(12), 0.7, count)), 3, 48).astype(int)
    return [" ".join(f"w{number}" for number in rng.integers(0, WORDS, length)) for length in lengths]


def compare(theirs, ours):
    """Refuses to go on unless both give the same vectors."""
    texts = texts_of(64, np.random.default_rng(0))
    wanted = theirs.client()(texts)
    for client in (ours.by_zmq(), ours.by_http()):
        np.testing.assert_allclose(client(texts), wanted, rtol=1e-3, atol=1e-4)


def cpu_seconds(process):
    """The CPU time that a process and its children have used."""
    root = psutil.Process(process.pid)
    return sum(sum(one.cpu_times()[:2]) for one in (root, *root.children(recursive=True)))


def asked(server, make_client, count, args):
    """(requests per second, p50 and p99 in ms, CPU of the server in ms per request), after each was answered once."""
    found, begin, end = [], threading.Barrier(args.clients + 1), [0.0]

    def run(number):
        rng, encode = np.random.default_rng(number), make_client()
        requests = [texts_of(count, rng) for _ in range(32)]
        encode(requests[0])
        begin.wait()
        turn = 0
        while time.perf_counter() < end[0]:
            began = time.perf_counter()
            encode(requests[turn % 32])
            found.append((time.perf_counter() - began, time.perf_counter()))
            turn += 1

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(args.clients)]
    for thread in threads:
        thread.start()
    started = time.perf_counter()
    end[0] = started + 1e9
    begin.wait()
    started, used = time.perf_counter(), cpu_seconds(server.process)
    end[0] = started + args.seconds
    for thread in threads:
        thread.join()
    taken = max(when for _, when in found) - started
    used = cpu_seconds(server.process) - used
    milliseconds = 1000 * np.array([one for one, _ in found])
    return len(found) / taken, *(float(np.percentile(milliseconds, q)) for q in (50, 99)), 1000 * used / len(found)


if __name__ == "__main__":
    sys.exit(main())
