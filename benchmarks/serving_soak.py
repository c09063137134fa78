"""Soak test of the inference server: predictors killed by SIGKILL, and memory growth.

--kills     8 clients ask the wide network for rows with known outputs, while its predictor gets kill -9 every 20
            seconds.  Counted are wrong responses (none is allowed), and rejections: they must be 503, and come within
            5 seconds after a kill.
--requests  images are sent to a detector; the resident memory of the server and its predictor at the end is compared
            with that after three tenths of them, when every size of a batch has come often enough.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import http_load
import measure
from serving_models import PREDICT, Ours, detector, fully_connected

sys.path.insert(0, str(measure.REPOSITORY))

WINDOW = 5.0  # seconds after a kill in which a 503 may come
ROWS = 64


def main():
    """Runs both parts and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=float, default=300, help="seconds of the first part (300; 0 leaves it out)")
    parser.add_argument("--every", type=float, default=20, help="seconds between two kills (20)")
    parser.add_argument("--requests", type=int, default=20_000, help="of the second part (20000; 0 leaves it out)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    args = parser.parse_args()
    os.environ["KIT_THREADS"] = "1"
    results = {}
    with tempfile.TemporaryDirectory() as text:
        if args.kills:
            results |= asyncio.run(kills(Path(text), args.kills, args.every))
        if args.requests:
            results["serving: memory, end / warm"] = (memory(Path(text), args.requests), "<=", 1.02)
    measure.finish(results, args.json)


async def kills(place, seconds, every):
    """The first part's counts, as `measure.finish` takes them."""
    import numpy as np

    from common.inference.predictor import Predictor

    folder = fully_connected(place / "wide")
    x = np.random.default_rng(0).random([ROWS, 64], np.float32).round(3)
    expected = Predictor(folder, 1).run({"x": x})["y"]
    found, killed = {"right": 0, "wrong": 0, "refused": [], "other": []}, []
    with Ours(folder) as server:
        end = time.monotonic() + seconds
        asking = [client(server.port, x, expected, end, number, found) for number in range(8)]
        await asyncio.gather(kill(server.server, end, every, killed), *asking)
        restarts = server.server.metric('kit_predictor_restarts_total{model="model"}')
    late = [at for at in found["refused"] if not any(0 <= at - one <= WINDOW for one in killed)]
    rows = [[what, found[what]] for what in ("right", "wrong")]
    rows += [["refused with 503", len(found["refused"])], ["503 outside the window", len(late)]]
    rows += [["other responses", len(found["other"])], ["kills", len(killed)], ["restarts", int(restarts)]]
    measure.table(f"{seconds:.0f} s, kill -9 every {every:.0f} s", ["", "count"], rows)
    if found["other"]:
        print(found["other"][:5])
    bad = found["wrong"] + len(found["other"]) + len(late)
    return {"serving: wrong responses and unexpected rejections under kill -9": (bad, "<=", 0)}


async def client(port, x, expected, end, number, found):
    """Asks for one row after another, and compares."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < end:
        number = (number + 8) % ROWS
        body = json.dumps({"inputs": {"x": [[float(f"{value:.3f}") for value in x[number]]]}}).encode()
        writer.write(http_load.request(PREDICT, body, "application/json"))
        lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        size = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length"))
        data, status = await reader.readexactly(size), int(lines[0].split()[1])
        if status == 200:
            y = json.loads(data)["predictions"][0][0]["y"]
            right = max(abs(a - b) for a, b in zip(y, expected[number].tolist())) <= 1e-4 * abs(expected).max()
            found["right" if right else "wrong"] += 1
        elif status == 503:
            found["refused"].append(time.monotonic())
        else:
            found["other"].append((status, data[:200]))
    writer.close()


async def kill(server, end, every, killed):
    """Kills the predictor now and then."""
    while time.monotonic() + every < end:
        await asyncio.sleep(every)
        for predictor in server.predictors():
            predictor.kill()
            killed.append(time.monotonic())


def memory(place, requests):
    """Resident memory after all requests, relative to that after three tenths of them."""
    import psutil

    from tests.made.commands import SMALL

    folder, image = detector(place / "detector", *SMALL)
    with Ours(folder) as server:
        found, rows = [], []

        def resident():
            own = psutil.Process(server.server.process.pid)
            return [process.memory_info().rss / 2**20 for process in (own, *own.children())]

        for tenth in range(10):
            asked = http_load.load(server.port, PREDICT, image.read_bytes(), "image/jpeg", 16, 3600, requests // 10)
            answer = asyncio.run(asked)
            if set(answer["statuses"]) != {200}:
                sys.exit(f"the server responded {answer['statuses']}")
            found.append(resident())
            total = (tenth + 1) * requests // 10
            rows.append([f"after {total}", *(f"{one:.1f}" for one in found[-1]), f"{answer['rate']:.0f}"])
    measure.table("Resident memory, MB", ["requests", "server", "predictor", "requests/s"], rows)
    return max(after / before for before, after in zip(found[2], found[-1]))


if __name__ == "__main__":
    main()
