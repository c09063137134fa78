"""Memory leak test: resident memory of kit_infer (through libkit) over many inferences.

A process runs one batch repeatedly and reads its resident size from /proc; the result is the growth from the first
tenth to the end.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import measure

KIT_INFER = measure.REPOSITORY / "deploy/cpp/build/kit_infer"
PAGE = os.sysconf("SC_PAGE_SIZE")


def main():
    """Runs the program beside a clock that reads its memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="an exported folder; its golden.npz is the input")
    parser.add_argument("--image", help="an image to go the whole way with, in place of the golden")
    parser.add_argument("--inferences", type=int, default=20000, help="how many (20000)")
    parser.add_argument("--engine", default="paddle", help="paddle (default) or openvino")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    args = parser.parse_args()
    if not KIT_INFER.is_file():
        sys.exit(f"{KIT_INFER} is not built: make cpp")
    what = ["--image", args.image] if args.image else ["--golden"]
    command = [KIT_INFER, "--model", args.model, *what, "--engine", args.engine, "--threads", "1", "--json"]
    command += ["--repeat", str(args.inferences), "--warmup", "200"]
    sizes = watched([str(word) for word in command])
    tenth = max(len(sizes) // 10, 1)
    before, after = measure.median(sizes[tenth : 2 * tenth]), measure.median(sizes[-tenth:])
    said = f"{before / 2**20:.1f} MB after a tenth, {after / 2**20:.1f} at the end"
    print(f"{args.inferences} inferences, {args.engine}: {said}")
    kind = "image" if args.image else "tensors"
    measure.finish(
        {f"resident memory, {args.engine}, {kind}, end / after a tenth": (after / before, "<=", 1.02)}, args.json
    )


def watched(command):
    """Resident bytes of a process, ten times a second until it ends."""
    sizes = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            except (OSError, IndexError):
                break
            sizes += [resident * PAGE] if resident else []
            time.sleep(0.1)
    if process.returncode:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return sizes


if __name__ == "__main__":
    main()
