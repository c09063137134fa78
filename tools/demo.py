"""End-to-end demo on data from installed packages; `make demo` runs it.

Creates a detection dataset of handwritten digits on photographs, trains a small YOLOv3, evaluates it, exports it, and
runs the exported model on a held-out image.  Every step is a regular command.
"""

import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

import common  # noqa: E402, F401  starts again in .venv where this Python lacks the dependencies

CONFIG = "PaddleCV/configs/digits.yml"
RUN = pathlib.Path("output/digits")
SET = pathlib.Path("dataset/digits")


def step(title, *command, capture=False):
    """Prints and runs one command; exits with its code if it fails."""
    sys.stdout.write(f"\n== {title}\n$ python {' '.join(map(str, command))}\n")
    sys.stdout.flush()
    output = subprocess.PIPE if capture else None
    done = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, stdout=output, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    if capture:
        sys.stdout.write(done.stdout)
    return done.stdout


def latency(repeat=50):
    """Median latency of the exported model per image in milliseconds: preprocessing, network and NMS."""
    from common.system import runtime

    runtime.prepare()
    from common.inference.predictor import Predictor, predict

    model = Predictor(ROOT / RUN / "export")
    sample = {"path": str(ROOT / held_out_image())}
    times = []
    for _ in range(repeat + 5):
        start = time.perf_counter()
        predict(model, [model.decode(sample)])
        times.append(time.perf_counter() - start)
    return 1000 * sorted(times[5:])[repeat // 2]


def held_out_image():
    """The first held-out image."""
    held_out = json.loads((ROOT / SET / "annotations/eval.json").read_text(encoding="utf-8"))
    return SET / "JPEGImages" / held_out["images"][0]["file_name"]


def main():
    """Runs the steps and prints a summary."""
    began = time.perf_counter()
    step("data", "PaddleCV/tools/make_digits.py", "--out", SET, "--train", 1000)
    step("training", "tools/train.py", "-c", CONFIG, "--eval", "-r", "auto")
    text = step("evaluation", "tools/eval.py", "-c", CONFIG, "-o", f"weights={RUN}/best", capture=True)
    step("export", "tools/export.py", "-c", CONFIG, "-o", f"weights={RUN}/best")
    shown = held_out_image()
    step("inference", "tools/infer.py", "--model", RUN / "export", "--image", shown, "--out", "output/demo")
    score = re.search(r"^AP50\s+(\S+)", text, re.MULTILINE).group(1)
    milliseconds = latency()
    sys.stdout.write(
        f"\nmAP@0.5            {score} on {SET}'s held-out images\n"
        f"latency            {milliseconds:.1f} ms per image (exported model, decoding to boxes)\n"
        f"image with boxes   output/demo/{shown.name}\n"
        f"exported model     {RUN}/export\n"
        f"time               {time.perf_counter() - began:.0f} s\n"
    )


if __name__ == "__main__":
    main()
