"""Benchmark of the inference server with 32 clients: against a plain server, and against itself without HTTP.

Two models, see `serving_models.py`: a wide fully-connected one, bound by memory, that is sent rows as JSON; a small
detector, bound by arithmetic, that is sent JPEGs.  The predictor has one thread and leaves the other core to HTTP and
to the clients, which run in a separate process.

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
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import measure
from serving_models import PREDICT, Ours, detector, fully_connected

sys.path.insert(0, str(measure.REPOSITORY))

CLIENTS, MOST = 32, 16


def main():
    """Takes turns and prints the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement (5)")
    parser.add_argument("--rounds", type=int, default=3, help="of each (3)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--part", choices=("plain", "lane"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--body", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        if args.part == "plain":
            return run_plain(args.folder)
        print(json.dumps(asyncio.run(lane_rate(args.folder, args.body, args.seconds))))
        return None
    os.environ["KIT_THREADS"] = "1"
    results = {}
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        for name, folder, body, kind in asked(place):
            rates = measured(folder, body, kind, args)
            rows = [[what, *(one[key] for key in ("rate", "p50", "p99"))] for what, one in rates.items()]
            measure.table(f"{name}, {CLIENTS} clients", ["", "requests/s", "p50 ms", "p99 ms"], rows)
            rate = {what: one["rate"] for what, one in rates.items()}
            if name == "fully-connected":
                results["serving: batched / plain"] = (rate["batched"] / rate["plain"], ">=", 2.0)
            results[f"serving, {name}: cost of HTTP"] = (1 - rate["batched"] / rate["no HTTP"], "<=", 0.25)
    return measure.finish(results, args.json)


def asked(place):
    """(name, export, file that is sent, its content type) of the two models."""
    body = place / "body.json"
    body.write_text(json.dumps({"inputs": {"x": [[n / 64 for n in range(64)]]}}), encoding="utf-8")
    yield "fully-connected", fully_connected(place / "wide"), body, "application/json"
    folder, image = detector(place / "detector")
    yield "detector", folder, image, "image/jpeg"


def measured(folder, body, kind, args):
    """The medians of each way of serving: {name: {rate, p50, p99}}."""
    found = {"plain": [], "single": [], "batched": [], "no HTTP": []}
    own = ["--folder", folder, "--body", body, "--seconds", args.seconds]
    for _ in range(args.rounds):
        found["plain"].append(against(Plain(folder), body, kind, args.seconds))
        found["single"].append(against(Ours(folder, "--max-batch", 1), body, kind, args.seconds))
        found["batched"].append(against(Ours(folder, "--max-batch", MOST), body, kind, args.seconds))
        found["no HTTP"].append(measure.run_child(sys.executable, "serving.py", "--part", "lane", *own))
    return {
        what: {key: measure.median([one[key] for one in runs]) for key in ("rate", "p50", "p99")}
        for what, runs in found.items()
    }


def against(server, body, kind, seconds):
    """What the clients got of a server, after a short warm-up."""
    with server:
        for length in (0.5, seconds):
            options = [server.port, PREDICT, body, "--kind", kind, "--clients", CLIENTS, "--seconds", length]
            answer = measure.run_child(sys.executable, "http_load.py", *options)
        if set(answer["statuses"]) != {"200"}:
            sys.exit(f"the server responded {answer['statuses']}")
    return answer


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


def run_plain(folder):
    """A simple server: threads for the connections, one request at a time for the model."""
    import numpy as np

    from common.inference.predictor import Predictor, predict
    from common.vision.decode import decode_image

    model, turn = Predictor(folder, 1), ThreadPoolExecutor(1)

    def answer(kind, body):
        if kind == "application/json":
            x = np.array(json.loads(body)["inputs"]["x"], np.float32)
            return model.run({"x": x})["y"].tolist()
        return predict(model, [model.decode({"path": "body", "image": decode_image(body)})])

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found = json.dumps(turn.submit(answer, self.headers["Content-Type"], body).result()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)
            self.wfile.flush()

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


async def lane_rate(folder, body, seconds):
    """What 32 coroutines get of the queue and the predictor's process: {"rate", "p50", "p99"}."""
    import numpy as np

    from deploy.serving.batcher import Lane
    from deploy.serving.metrics import Metrics
    from deploy.serving.models import Settings

    lane = Lane("numbers", "1", Path(folder), Settings(threads=1, max_batch=MOST), Metrics(dict))
    await lane.start()
    if body.suffix == ".json":
        x = np.array(json.loads(body.read_bytes())["inputs"]["x"], np.float32)
        item = {"kind": "tensors", "threshold": 0.5, "arrays": [["x", "float32", list(x.shape[1:])]]}, [x[0].tobytes()]
    else:
        item = {"kind": "picture", "name": "body", "threshold": 0.5, "max_pixels": 10**7}, [body.read_bytes()]
    times = []

    async def ask(end):
        while time.monotonic() < end:
            began = time.monotonic()
            await lane.predict([item], began + 30)
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
