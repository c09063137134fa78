"""HTTP load generator: closed-loop clients on localhost, with results as one line of JSON.

python benchmarks/http_load.py PORT PATH BODY_FILE --kind application/json --clients 32 --seconds 5
"""

import argparse
import asyncio
import collections
import json
import time
from pathlib import Path


def request(path, body, kind):
    """The bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def client(port, request, end, found, most):
    """Sends requests over one connection until `end`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < end and (not most or sum(found["statuses"].values()) < most):
        began = time.monotonic()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        size = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length"))
        await reader.readexactly(size)
        found["statuses"][int(lines[0].split()[1])] += 1
        found["seconds"].append(time.monotonic() - began)
    writer.close()


async def load(port, path, body, kind, clients, seconds, most=0):
    """{"rate", "p50", "p99", "statuses"} of so many clients for so long (or until `most` responses)."""
    found = {"statuses": collections.Counter(), "seconds": []}
    began = time.monotonic()
    asking = [client(port, request(path, body, kind), began + seconds, found, most) for _ in range(clients)]
    await asyncio.gather(*asking)
    took, times = time.monotonic() - began, sorted(found["seconds"])
    return {
        "rate": found["statuses"][200] / took,
        "p50": 1000 * times[len(times) // 2],
        "p99": 1000 * times[len(times) * 99 // 100],
        "statuses": dict(found["statuses"]),
    }


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("body", help="the file that is sent")
    parser.add_argument("--kind", default="application/json", help="its content type")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    body = Path(args.body).read_bytes()
    print(json.dumps(asyncio.run(load(args.port, args.path, body, args.kind, args.clients, args.seconds))))


if __name__ == "__main__":
    main()
