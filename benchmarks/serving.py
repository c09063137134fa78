"""The server with 32 clients of one row each: against a plain server, and against itself without HTTP.

Two models: a wide fully-connected one, whose weights (151 MB) must be read from memory for every run, so that eight rows
take little longer than one; and a small convolutional one, which is bound by arithmetic, so that batches help little.
Everything runs the predictor on one thread and leaves the other core to HTTP and to the clients.

    plain     Python's ThreadingHTTPServer, one request at a time through the predictor in the same process
    single    tools/serve.py --max-batch 1
    batched   tools/serve.py --max-batch 16
    no HTTP   the queue, the batches and the predictor's process alone, asked by 32 coroutines
"""

import argparse
import asyncio
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import measure

sys.path.insert(0, str(measure.REPOSITORY))

CLIENTS, MOST = 32, 16
PREDICT = "/v1/models/numbers:predict"


def main():
    """Takes turns and prints the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement (5)")
    parser.add_argument("--rounds", type=int, default=3, help="of each (3)")
    parser.add_argument("--json", help="a file for the ratios")
    parser.add_argument("--part", choices=("plain", "lane"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        return {"plain": run_plain, "lane": run_lane}[args.part](args.folder, args.seconds)
    os.environ["KIT_THREADS"] = "1"
    results = {}
    with tempfile.TemporaryDirectory() as place:
        for name, (layer, shape) in layers().items():
            folder = export(layer, Path(place) / name, shape)
            rates = measured(folder, Path(place), shape, args)
            rows = [[what, *(one[key] for key in ("rate", "p50", "p99"))] for what, one in rates.items()]
            measure.table(f"{name}, {CLIENTS} clients", ["", "requests/s", "p50 ms", "p99 ms"], rows)
            rate = {what: one["rate"] for what, one in rates.items()}
            if name == "fully-connected":
                results["serving: batched / plain"] = (rate["batched"] / rate["plain"], ">=", 2.0)
            results[f"serving, {name}: cost of HTTP"] = (1 - rate["batched"] / rate["no HTTP"], "<=", 0.25)
    return measure.finish(results, args.json)


def layers():
    """The two models: {name: (layer, shape of x)}."""
    from common import runtime

    runtime.prepare()
    from paddle import nn

    wide = nn.Sequential(
        *(nn.Linear(64, 3072), nn.ReLU()),
        *(layer for _ in range(4) for layer in (nn.Linear(3072, 3072), nn.ReLU())),
        nn.Linear(3072, 16),
    )
    convolutions = nn.Sequential(
        *(nn.Conv2D(1, 32, 3, 2, 1), nn.ReLU()),
        *(layer for _ in range(6) for layer in (nn.Conv2D(32, 32, 3, 1, 1), nn.ReLU())),
        *(nn.AdaptiveAvgPool2D(1), nn.Flatten(), nn.Linear(32, 10)),
    )
    return {"fully-connected": (wide, [-1, 64]), "convolutions": (convolutions, [-1, 1, 28, 28])}


def export(layer, folder, shape):
    """The exported layer."""
    from tests.deploy.tensor_export import export_layer

    return export_layer(layer, folder, shape)


def measured(folder, place, shape, args):
    """The medians of each way of serving: {name: {rate, p50, p99}}."""
    import numpy as np

    rows = np.round(np.random.default_rng(0).random([1, *shape[1:]]), 3).tolist()
    body = place / "body.json"
    body.write_text(json.dumps({"inputs": {"x": rows}}), encoding="utf-8")
    found = {"plain": [], "single": [], "batched": [], "no HTTP": []}
    for _ in range(args.rounds):
        found["plain"].append(against(Plain(folder), body, args.seconds))
        found["single"].append(against(Ours(folder, 1), body, args.seconds))
        found["batched"].append(against(Ours(folder, MOST), body, args.seconds))
        options = ["--part", "lane", "--folder", folder, "--seconds", args.seconds]
        found["no HTTP"].append(measure.run_child(sys.executable, "serving.py", *options))
    return {
        what: {key: measure.median([one[key] for one in runs]) for key in ("rate", "p50", "p99")}
        for what, runs in found.items()
    }


def against(server, body, seconds):
    """What the clients got of a server, after a short warm-up."""
    with server:
        for length in (0.5, seconds):
            options = [server.port, PREDICT, body, "--clients", CLIENTS, "--seconds", length]
            answer = measure.run_child(sys.executable, "http_load.py", *options)
        if set(answer["statuses"]) != {"200"}:
            sys.exit(f"the server answered {answer['statuses']}")
    return answer


class Ours:
    """`tools/serve.py` while the block runs.

    Args:
        folder (Path): the exported model.
        most (int): rows of a batch.
    """

    def __init__(self, folder, most):
        self.folder, self.most = folder, most

    def __enter__(self):
        from tests.deploy.serving_process import Serving

        self.server = Serving([self.folder], "--max-batch", self.most)
        self.port = self.server.port
        return self

    def __exit__(self, *_):
        self.server.stop()


class Plain:
    """The plain server while the block runs."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        command = [sys.executable, __file__, "--part", "plain", "--folder", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def run_plain(folder, seconds):
    """A server as one writes it in an hour: threads for the connections, one request at a time for the model."""
    import numpy as np

    from common.predictor import Predictor

    model, turn = Predictor(folder, 1), threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self):  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            x = np.array(json.loads(body)["inputs"]["x"], np.float32)
            with turn:
                answer = json.dumps(model.run({"x": x})["y"].tolist()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            self.wfile.flush()

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


def run_lane(folder, seconds):
    """Prints what 32 coroutines get of the queue and the predictor's process, without HTTP."""
    print(json.dumps(asyncio.run(lane_rate(folder, seconds))))


async def lane_rate(folder, seconds):
    """{"rate", "p50", "p99"} of a lane."""
    import numpy as np

    from deploy.serving.batcher import Lane
    from deploy.serving.metrics import Metrics
    from deploy.serving.models import Settings

    lane = Lane("numbers", "1", Path(folder), Settings(threads=1, max_batch=MOST), Metrics(dict))
    await lane.start()
    shape = [1 if n == -1 else n for n in lane.description["inputs"][0]["shape"]]
    x = np.random.default_rng(0).random(shape, np.float32)
    item = {"kind": "tensors", "threshold": 0.5, "arrays": [["x", "float32", shape[1:]]]}
    times = []

    async def ask(end):
        while time.monotonic() < end:
            began = time.monotonic()
            await lane.answer([(item, [x[0].tobytes()])], began + 30)
            times.append(time.monotonic() - began)

    for length in (0.5, seconds):
        times.clear()
        began = time.monotonic()
        await asyncio.gather(*(ask(began + length) for _ in range(CLIENTS)))
        took = time.monotonic() - began
    await lane.close()
    times.sort()
    return {
        "rate": len(times) / took,
        "p50": 1000 * times[len(times) // 2],
        "p99": 1000 * times[len(times) * 99 // 100],
    }


if __name__ == "__main__":
    main()
